#pragma once

#include <filesystem>

/// Where in the hub's directory its keys and certificates lie. The root's key is not among them.
namespace streetlog::hub {

using Path = std::filesystem::path;

/// Of the hub itself: for its certificate, and for what it signs.
[[nodiscard]] inline Path hub_key_file(const Path& data) { return data / "hub.key"; }

[[nodiscard]] inline Path hub_certificate_file(const Path& data) { return data / "hub.crt"; }

[[nodiscard]] inline Path issuer_key_file(const Path& data) { return data / "issuer.key"; }

[[nodiscard]] inline Path issuer_certificate_file(const Path& data) { return data / "issuer.crt"; }

[[nodiscard]] inline Path root_certificate_file(const Path& data) { return data / "root.crt"; }

}  // namespace streetlog::hub
