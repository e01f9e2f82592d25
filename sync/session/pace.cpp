#include "sync/session/pace.hpp"

#include <algorithm>

namespace streetlog::sync {

void Pace::round_trip(std::uint64_t ms) { best_ms_ = std::min(best_ms_.value_or(ms), ms); }

std::size_t Pace::bytes(std::size_t most) const { return paced() ? std::min(target_, most) : most; }

void Pace::observe(std::size_t bytes, std::uint64_t elapsed_ms) {
    const std::uint64_t fits = bytes * kMessageMs / std::max<std::uint64_t>(elapsed_ms, 1);
    target_ =
        std::clamp<std::size_t>(std::min<std::uint64_t>(fits, 2 * target_), kBytesMin, kBytesMax);
}

bool Pace::has_room() const { return !paced() || flight_.size() < 2; }

void Pace::sent(std::uint64_t last_seq, std::size_t bytes, std::optional<std::uint64_t> now_ms) {
    flight_.push_back({last_seq, bytes, now_ms});
}

void Pace::acked(std::uint64_t seq, std::uint64_t now_ms) {
    std::size_t bytes = 0;
    std::optional<std::uint64_t> since;
    bool known = true;
    while (!flight_.empty() && flight_.front().last_seq <= seq) {
        const Sent& sent = flight_.front();
        // While one message is under way the next waits behind it: its time begins with the answer.
        if (!since && sent.at_ms) since = std::max(*sent.at_ms, last_ack_ms_);
        known = known && sent.at_ms.has_value();
        bytes += sent.bytes;
        flight_.pop_front();
    }
    last_ack_ms_ = now_ms;
    if (known && since && bytes > 0) observe(bytes, now_ms - std::min(*since, now_ms));
}

}  // namespace streetlog::sync
