#include "sync/session/snapshot_reading.hpp"

#include <algorithm>

namespace streetlog::sync {

void SnapshotReading::begin(const SnapshotManifest& manifest, SnapshotPlace place) {
    id_ = snapshot_id(manifest);
    bytes_.clear();
    for (const auto& chunk : manifest.chunks) bytes_.push_back(chunk.bytes);
    next_ = place;
    asked_.clear();
}

std::optional<SnapshotGet> SnapshotReading::next(std::size_t bytes, std::size_t in_flight_max) {
    if (next_.chunk >= bytes_.size() || asked_.size() >= in_flight_max) return std::nullopt;
    const std::uint32_t left = bytes_[next_.chunk] - next_.offset;
    SnapshotGet get{scope_,
                    id_,
                    next_.chunk,
                    next_.offset,
                    std::min({left,
                              kSnapshotPieceBytesMax,
                              static_cast<std::uint32_t>(std::max<std::size_t>(bytes, 1))})};
    next_.offset += get.bytes;
    if (next_.offset == bytes_[next_.chunk]) next_ = {next_.chunk + 1, 0};
    asked_.push_back(get);
    return get;
}

SnapshotReading::Arrival SnapshotReading::arrived(const SnapshotPiece& piece) {
    if (piece.snapshot != id_) return Arrival::kStale;
    if (asked_.empty()) return Arrival::kWrong;
    const SnapshotGet get = asked_.front();
    if (piece.chunk != get.chunk || piece.offset != get.offset || piece.body.size() != get.bytes)
        return Arrival::kWrong;
    asked_.pop_front();
    return Arrival::kExpected;
}

}  // namespace streetlog::sync
