#pragma once

#include <filesystem>

/// Where in the device's directory its keys lie.
namespace streetlog::agent {

/// Of the device itself, made here and never anywhere else: for its certificate, and for what it
/// signs.
[[nodiscard]] inline std::filesystem::path device_key_file(const std::filesystem::path& data) {
    return data / "device.key";
}

}  // namespace streetlog::agent
