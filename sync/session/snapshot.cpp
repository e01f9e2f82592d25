#include "sync/session/snapshot.hpp"

#include "sync/merge/byte_stream.hpp"

namespace streetlog::sync {
namespace {

constexpr Byte kVersion = 1;
constexpr std::size_t kHeadBytes = 2;

ByteWriter begun(ChunkKind kind) {
    ByteWriter out;
    out.byte(kVersion);
    out.byte(static_cast<Byte>(kind));
    return out;
}

std::unexpected<Error> malformed() {
    return fail(ErrorCode::kMalformed, "the bytes are not a chunk of a snapshot");
}

Result<BytesView> body_of(BytesView chunk, ChunkKind kind) {
    STREETLOG_TRY(const auto found, kind_of(chunk));
    if (found != kind) return malformed();
    return chunk.subspan(kHeadBytes);
}

}  // namespace

Hash snapshot_id(const SnapshotManifest& manifest) {
    SnapshotManifest shared = manifest;
    shared.own.clear();
    shared.own_more = false;
    return sha256(encode_message(shared));
}

Result<ChunkKind> kind_of(BytesView chunk) {
    if (chunk.size() < kHeadBytes) return malformed();
    const Byte kind = chunk[1];
    if (chunk[0] != kVersion || kind < 1 || kind > static_cast<Byte>(ChunkKind::kEntities))
        return fail(ErrorCode::kUnsupported, "a snapshot of a version this program does not know");
    return static_cast<ChunkKind>(kind);
}

Bytes encode_replicas(std::span<const Replica> replicas) {
    ByteWriter out = begun(ChunkKind::kReplicas);
    out.number(replicas.size());
    for (const Replica& replica : replicas) {
        out.raw(replica.device.bytes);
        out.number(replica.incarnation);
    }
    return std::move(out).take();
}

Result<std::vector<Replica>> decode_replicas(BytesView chunk) {
    STREETLOG_TRY(const auto body, body_of(chunk, ChunkKind::kReplicas));
    ByteReader in{body};
    std::vector<Replica> out(in.count(17));
    for (Replica& replica : out) {
        in.raw(replica.device.bytes);
        const auto incarnation = in.number();
        in.require(incarnation <= UINT32_MAX);
        replica.incarnation = static_cast<std::uint32_t>(incarnation);
    }
    in.require(in.at_end());
    if (!in.good()) return malformed();
    return out;
}

Bytes encode_runs(std::vector<PageRun> runs) {
    Page page;
    page.runs = std::move(runs);
    ByteWriter out = begun(ChunkKind::kRuns);
    out.raw(encode_message(page));
    return std::move(out).take();
}

Result<std::vector<PageRun>> decode_runs(BytesView chunk) {
    STREETLOG_TRY(const auto body, body_of(chunk, ChunkKind::kRuns));
    const Bytes aligned(body.begin(), body.end());
    STREETLOG_TRY(auto message, decode_message(aligned));
    auto* page = std::get_if<Page>(&message);
    if (page == nullptr) return malformed();
    return std::move(page->runs);
}

void EntityChunk::add(const SnapshotEntity& entity) {
    ByteWriter out;
    out.raw(entity.id.bytes);
    out.number(entity.table);
    out.number(entity.parent);
    out.number(entity.root);
    out.number(entity.state.size());
    out.raw(entity.state);
    const Bytes bytes = std::move(out).take();
    body_.insert(body_.end(), bytes.begin(), bytes.end());
    ++count_;
}

Bytes EntityChunk::take() && {
    ByteWriter out = begun(ChunkKind::kEntities);
    out.number(first_);
    out.number(count_);
    out.raw(body_);
    return std::move(out).take();
}

Result<void> decode_entities(
    BytesView chunk,
    std::uint64_t first,
    const std::function<Result<void>(std::uint64_t number, const SnapshotEntity&)>& take) {
    STREETLOG_TRY(const auto body, body_of(chunk, ChunkKind::kEntities));
    ByteReader in{body};
    in.require(in.number() == first);
    const auto count = in.count(20);
    for (std::size_t i = 0; i < count && in.good(); ++i) {
        SnapshotEntity entity;
        in.raw(entity.id.bytes);
        entity.table = in.number16();
        entity.parent = in.number();
        entity.root = in.number();
        entity.state = in.view(in.count(1));
        if (in.good()) STREETLOG_CHECK(take(first + i, entity));
    }
    in.require(in.at_end());
    if (!in.good()) return malformed();
    return {};
}

}  // namespace streetlog::sync
