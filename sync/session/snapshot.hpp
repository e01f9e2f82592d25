#pragma once

#include <functional>

#include "sync/session/messages.hpp"

/// What a snapshot of a scope is made of: chunks, each packed and hashed by itself, which together
/// hold all states at one place of the hub's log. They come in this order, a kind a chunk:
///
///   replicas  n, then for each: 16 bytes device, n incarnation. One chunk; the place in it, from
///   1, is the number that
///             stands for the replica in all states.
///   runs      a Page message: runs of the hub's own records, bodies and all, because devices keep
///   those entities  n of the first, then for each: 16 bytes id, n table, n parent, n root, n size
///   of the state, state
///
/// Entities are numbered from 1 without gaps. `parent` and `root` (the canonical client) are such
/// numbers, 0 for none, and are what every store makes of the same states; a parent comes before
/// its children unless they go round in a circle. The state is that of state_codec.hpp, empty for
/// what others only name. Each chunk begins with byte 1 (version) and its kind.
namespace streetlog::sync {

/// Unpacked bytes after which a chunk is full; it ends with a whole entity.
inline constexpr std::size_t kSnapshotChunkBytes = 160 * 1024;

/// Most bytes of one piece, so that it fits a message.
inline constexpr std::uint32_t kSnapshotPieceBytesMax = 240 * 1024;

enum class ChunkKind : std::uint8_t { kReplicas = 1, kRuns = 2, kEntities = 3 };

struct SnapshotEntity {
    EntityId id;
    std::uint16_t table = 0;
    std::uint64_t parent = 0;
    std::uint64_t root = 0;
    BytesView state;
};

/// By what a snapshot is asked for: a hash of everything in the manifest but the reader's own
/// records.
[[nodiscard]] Hash snapshot_id(const SnapshotManifest& manifest);

[[nodiscard]] Bytes encode_replicas(std::span<const Replica> replicas);
[[nodiscard]] Bytes encode_runs(std::vector<PageRun> runs);

/// Collects the entities of one chunk.
class EntityChunk {
  public:
    explicit EntityChunk(std::uint64_t first) : first_(first) {}

    void add(const SnapshotEntity& entity);

    [[nodiscard]] std::size_t bytes() const { return body_.size(); }

    [[nodiscard]] std::uint64_t count() const { return count_; }

    [[nodiscard]] Bytes take() &&;

  private:
    std::uint64_t first_;
    std::uint64_t count_ = 0;
    Bytes body_;
};

/// What the first two bytes of a chunk say; kUnsupported for a version or kind this program does
/// not know.
[[nodiscard]] Result<ChunkKind> kind_of(BytesView chunk);

/// kMalformed when the bytes are not what they should be.
[[nodiscard]] Result<std::vector<Replica>> decode_replicas(BytesView chunk);
[[nodiscard]] Result<std::vector<PageRun>> decode_runs(BytesView chunk);

/// Hands over each entity with its number, `first` being the one the chunk must begin with. Views
/// point into `chunk`.
[[nodiscard]] Result<void> decode_entities(
    BytesView chunk,
    std::uint64_t first,
    const std::function<Result<void>(std::uint64_t number, const SnapshotEntity&)>& take);

}  // namespace streetlog::sync
