#include "sync/store/bootstrap_rows.hpp"

namespace streetlog::store {

std::int64_t piece_id(std::int64_t generation, std::uint32_t chunk, std::uint32_t offset) {
    return generation << kGenerationShift | std::int64_t{chunk} << kChunkShift | offset;
}

Bytes stored_manifest(const sync::SnapshotManifest& manifest) {
    sync::SnapshotManifest shared = manifest;
    shared.own.clear();
    shared.own_more = false;
    return sync::encode_message(shared);
}

sync::SnapshotManifest manifest_in(BytesView bytes) {
    const Bytes aligned(bytes.begin(), bytes.end());
    auto message = sync::decode_message(aligned);
    auto* manifest = message ? std::get_if<sync::SnapshotManifest>(&*message) : nullptr;
    if (manifest == nullptr) throw StorageFailure("a stored manifest cannot be read", 11);
    return std::move(*manifest);
}

Base base_of(Db& db) {
    Base out;
    auto row = db.prepare("SELECT generation, manifest FROM base");
    if (!row.step()) return out;
    out.generation = row.integer(0);
    out.manifest = manifest_in(row.blob(1));
    row.reset();
    return out;
}

}  // namespace streetlog::store
