#pragma once

#include <atomic>
#include <filesystem>

#include "hub/feed/snapshot_file.hpp"
#include "sync/session/evidence.hpp"
#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

/// What is copied into a snapshot: a hub's directory with its projection, read through connections
/// of their own.
struct SnapshotSource {
    std::filesystem::path directory;
    DeviceId hub;
    std::uint32_t scope = 0;
    std::optional<sync::SigningKey> key{};  // the hub's, for the receipts of its own runs
    /// Where snapshots are kept; empty: in that directory, too.
    std::filesystem::path shelf = {};
};

/// Writes everything the projection holds at the place where it stands, and the hub's own runs up
/// to there, to `file`, in one read transaction each, so that neither writer waits for it.
/// kUnavailable when the projection is not that of the log; kCancelled once `stop` is set.
[[nodiscard]] Result<void> build_snapshot(const SnapshotSource& source,
                                          const std::filesystem::path& file,
                                          const std::atomic<bool>& stop);

}  // namespace streetlog::hub
