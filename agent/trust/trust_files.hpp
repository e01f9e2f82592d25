#pragma once

#include <filesystem>

/// Where in the device's directory its keys and certificates lie.
namespace streetlog::agent {

/// Of the device itself, made here and never anywhere else: for its certificate, and for what it
/// signs.
[[nodiscard]] inline std::filesystem::path device_key_file(const std::filesystem::path& data) {
    return data / "device.key";
}

/// Its certificate and the issuer's.
[[nodiscard]] inline std::filesystem::path device_chain_file(const std::filesystem::path& data) {
    return data / "device.crt";
}

/// The root under which its hub stands, pinned at enrolment.
[[nodiscard]] inline std::filesystem::path hub_root_file(const std::filesystem::path& data) {
    return data / "hub-ca.crt";
}

/// The one-time code, until it is used; and the hub's time when it was given.
[[nodiscard]] inline std::filesystem::path code_file(const std::filesystem::path& data) {
    return data / "enrolment-code";
}

}  // namespace streetlog::agent
