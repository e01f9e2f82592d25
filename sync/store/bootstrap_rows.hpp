#pragma once

#include <optional>

#include "sync/session/messages.hpp"
#include "sync/store/sqlite.hpp"

/// What is stored of snapshots. Shared by the sources of AgentStore; nobody else includes this.
namespace streetlog::store {

/// Key of a row of `snapshot_piece`: generation, chunk and offset, in this order.
inline constexpr int kGenerationShift = 44;
inline constexpr int kChunkShift = 24;

[[nodiscard]] std::int64_t piece_id(std::int64_t generation,
                                    std::uint32_t chunk,
                                    std::uint32_t offset);

/// The manifest as it is kept, without the reader's own records.
[[nodiscard]] sync::Bytes stored_manifest(const sync::SnapshotManifest& manifest);
/// Throws StorageFailure when the bytes are none.
[[nodiscard]] sync::SnapshotManifest manifest_in(sync::BytesView bytes);

/// The snapshot the states rest upon; generation 0 and no manifest when there is none.
struct Base {
    std::int64_t generation = 0;
    std::optional<sync::SnapshotManifest> manifest;
};

[[nodiscard]] Base base_of(Db& db);

}  // namespace streetlog::store
