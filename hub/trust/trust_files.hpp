#pragma once

#include <filesystem>

/// Where in the hub's directory its keys lie.
namespace streetlog::hub {

/// Of the hub itself: for its certificate, and for what it signs.
[[nodiscard]] inline std::filesystem::path hub_key_file(const std::filesystem::path& data) {
    return data / "hub.key";
}

}  // namespace streetlog::hub
