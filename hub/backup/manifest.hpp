#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

inline constexpr std::string_view kManifestName = "manifest.json";

struct ManifestFile {
    std::string name;  // relative to the directory, with '/'
    std::uint64_t bytes = 0;
    sync::Hash sha256{};

    friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

/// What a backup holds. Written last: a directory without one is no backup. It makes accidents
/// visible, not malice; whoever can change a backup can change this with it.
struct Manifest {
    DeviceId hub;
    Instant made;  // hub time
    int schema = 0;
    store::HubHead head;
    std::uint64_t runs = 0;
    std::uint64_t devices = 0;
    std::vector<ManifestFile> files;

    friend bool operator==(const Manifest&, const Manifest&) = default;
};

[[nodiscard]] std::string to_text(const Manifest& manifest);

/// kNotFound when `directory` has none; kUnsupported for one of a newer form; kDamaged naming the
/// part that is missing or malformed, such as a file name that leads out of the directory.
[[nodiscard]] Result<Manifest> read_manifest(const std::filesystem::path& directory);

}  // namespace streetlog::hub
