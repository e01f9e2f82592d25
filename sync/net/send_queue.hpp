#pragma once

#include <array>
#include <deque>
#include <optional>

#include "sync/net/channel.hpp"

namespace streetlog::net {

constexpr std::size_t kKiB = 1024;

/// The largest message, unless a test shrinks it: 256 KiB of protocol message and slack for what
/// surrounds it.
constexpr std::size_t kMessageBytesMax = 260 * kKiB;

/// What may wait on one lane. A lane that is empty takes any one message, so that a message over
/// `bytes` can go at all.
struct LaneLimit {
    std::size_t bytes;
    std::size_t messages;
};

struct SendLimits {
    std::size_t message_bytes = kMessageBytesMax;
    LaneLimit control{256 * kKiB, 256};
    LaneLimit records{4096 * kKiB, 1024};  // several times the credit a session starts with
    LaneLimit blobs{2048 * kKiB, 256};
};

/// The messages one connection has yet to write. Bounded, so a peer that never reads costs a known
/// amount. Pure; one thread.
class SendQueue {
  public:
    explicit SendQueue(SendLimits limits) : limits_(limits) {}

    /// kTooLarge over message_bytes; kUnavailable "queue full" when the lane has no room.
    [[nodiscard]] Result<void> push(Bytes message, Lane lane);

    /// The next message to write, or nullptr; it stays counted, and in place, until finish().
    /// Requires: no message is being written.
    [[nodiscard]] const Bytes* begin();

    /// The message of begin() is out. Requires: one is being written.
    void finish();

    /// Forgets all that waits except on the control lane.
    void keep_only_control();

    /// Bytes that wait or are being written.
    [[nodiscard]] std::size_t bytes() const;

    /// True when begin() would return nullptr.
    [[nodiscard]] bool idle() const;

  private:
    struct LaneState {
        std::deque<Bytes> waiting;
        std::size_t bytes = 0;
        std::size_t messages = 0;
    };

    [[nodiscard]] const LaneLimit& limit(Lane lane) const;

    SendLimits limits_;
    std::array<LaneState, 3> lanes_;  // by Lane, highest first
    std::optional<Bytes> writing_;
    std::size_t writing_lane_ = 0;
};

}  // namespace streetlog::net
