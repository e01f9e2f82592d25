#pragma once

#include <deque>
#include <optional>

#include "sync/session/snapshot.hpp"

namespace streetlog::sync {

/// How far a snapshot lies on the device's disk: everything before that byte of that chunk. At the
/// end the chunk is their number.
struct SnapshotPlace {
    std::uint32_t chunk = 0;
    std::uint32_t offset = 0;

    friend auto operator<=>(const SnapshotPlace&, const SnapshotPlace&) = default;
};

/// Which pieces of a snapshot a device asks for, and which it may then be sent: they come in the
/// order of asking, a few at a time under way. Pure.
class SnapshotReading {
  public:
    explicit SnapshotReading(std::uint32_t scope) : scope_(scope) {}

    [[nodiscard]] std::uint32_t scope() const { return scope_; }

    /// Forgets what was asked for before.
    void begin(const SnapshotManifest& manifest, SnapshotPlace place);

    /// The next piece to ask for; none when `in_flight_max` are under way or all were asked for.
    [[nodiscard]] std::optional<SnapshotGet> next(std::size_t bytes, std::size_t in_flight_max);

    enum class Arrival : std::uint8_t { kExpected, kStale, kWrong };

    /// kStale: of another snapshot, asked for before this one began.
    [[nodiscard]] Arrival arrived(const SnapshotPiece& piece);

  private:
    std::uint32_t scope_;
    Hash id_{};
    std::vector<std::uint32_t> bytes_;  // of each chunk
    SnapshotPlace next_;
    std::deque<SnapshotGet> asked_;
};

}  // namespace streetlog::sync
