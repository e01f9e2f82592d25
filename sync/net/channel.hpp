#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::net {

namespace asio = boost::asio;
using sync::Bytes;

/// Messages of a higher lane overtake those that wait on a lower one; a message being written is
/// not interrupted.
enum class Lane : std::uint8_t { kControl, kRecords, kBlobs };

/// WebSocket close codes (RFC 6455, 7.4.1).
enum class CloseReason : std::uint16_t {
    kNormal = 1000,
    kGoingAway = 1001,
    kProtocolError = 1002,
    kUnsupportedData = 1003,
    kPolicyViolation = 1008,
    kTooLarge = 1009,
    kInternalError = 1011,
    kTryAgainLater = 1013,
};

/// One message connection to one peer. It cannot be reopened: make a new one.
///
/// Lives on one strand: every call is made there, and every coroutine resumes there. Letting go of
/// the last pointer closes it, from any thread. A coroutine that awaits one of these holds its own
/// pointer.
class Channel {
  public:
    Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    virtual ~Channel() = default;

    /// The next whole message. Messages that arrived before the connection ended are still handed
    /// out; then, and at every later call, the reason it ended: kUnavailable (closed, lost, silent,
    /// or closed here), kTooLarge (a message over the limit, ours or theirs), kMalformed (text or
    /// broken framing). One caller at a time. Do not race it against a timer: when both finish
    /// together the message is lost. close() ends it.
    [[nodiscard]] virtual asio::awaitable<Result<Bytes>> receive() = 0;

    /// Messages that receive() would hand out without waiting.
    [[nodiscard]] virtual std::size_t waiting() const = 0;

    /// Queues `message`. kUnavailable "queue full" when the lane has no room: nothing was queued,
    /// await drained() and try again. kTooLarge when it is over the message limit; otherwise the
    /// reason the connection ended.
    [[nodiscard]] virtual Result<void> send(Bytes message, Lane lane) = 0;

    /// Bytes of messages not yet handed to the system, the one being written included.
    [[nodiscard]] virtual std::size_t queued_bytes() const = 0;

    /// Returns when fewer than `below` bytes are queued, or the connection has ended. `below` is 1
    /// or more.
    [[nodiscard]] virtual asio::awaitable<void> drained(std::size_t below) = 0;

    /// Ends the connection: messages queued on the control lane still go out, the rest is dropped,
    /// and a peer that does not answer the close is cut off after a few seconds. A second close
    /// changes nothing.
    virtual void close(CloseReason reason) = 0;

    /// Address and port of the other side, for logs: "127.0.0.1:40112".
    [[nodiscard]] virtual const std::string& peer() const = 0;

    /// Bytes of messages received, and written to the system, since the start; framing not counted.
    [[nodiscard]] virtual std::uint64_t received_bytes() const = 0;
    [[nodiscard]] virtual std::uint64_t sent_bytes() const = 0;
};

}  // namespace streetlog::net
