#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace streetlog::sync {

/// How much to put into one message: about two seconds of the link as its acknowledgements show it,
/// so that control never waits longer and a link that lives a minute makes progress. A link that
/// answers fast is left alone: what is under kFastRoundTripMs has, in practice, the bandwidth for a
/// full batch in that time.
///
/// Starts at kBytesMin, at most doubles with each observation, falls at once. Times are
/// CLOCK_BOOTTIME in milliseconds. Pure; one thread.
class Pace {
  public:
    static constexpr std::uint64_t kFastRoundTripMs = 250;
    static constexpr std::uint64_t kMessageMs = 2'000;
    static constexpr std::size_t kBytesMin = 4 * 1024;
    static constexpr std::size_t kBytesMax = 256 * 1024;

    /// What was seen of the link so far; the best round trip counts.
    void round_trip(std::uint64_t ms);

    [[nodiscard]] bool paced() const { return best_ms_ && *best_ms_ >= kFastRoundTripMs; }

    /// Bytes for the next message, at most `most`.
    [[nodiscard]] std::size_t bytes(std::size_t most) const;

    /// `bytes` took that long.
    void observe(std::size_t bytes, std::uint64_t elapsed_ms);

    /// Two messages may be under way: the link works on one while the answer to the other comes.
    [[nodiscard]] bool has_room() const;
    /// `now_ms` none: the time is not known.
    void sent(std::uint64_t last_seq, std::size_t bytes, std::optional<std::uint64_t> now_ms);
    void acked(std::uint64_t seq, std::uint64_t now_ms);

    /// What is under way will be sent again.
    void rewind() { flight_.clear(); }

  private:
    struct Sent {
        std::uint64_t last_seq = 0;
        std::size_t bytes = 0;
        std::optional<std::uint64_t> at_ms;
    };

    std::optional<std::uint64_t> best_ms_;
    std::size_t target_ = kBytesMin;
    std::deque<Sent> flight_;
    std::uint64_t last_ack_ms_ = 0;
};

}  // namespace streetlog::sync
