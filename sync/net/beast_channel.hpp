#pragma once

#include <memory>
#include <optional>

#include "schema/time.hpp"
#include "sync/net/beast_stream.hpp"
#include "sync/net/channel.hpp"
#include "sync/net/send_queue.hpp"
#include "sync/net/wake.hpp"

namespace streetlog::net {

struct ChannelLimits {
    SendLimits send{};
    std::size_t receive_message_bytes = kMessageBytesMax;
    std::size_t inbox_bytes =
        kMessageBytesMax;     // reading pauses at this much, and TCP then holds the sender back
    Millis handshake{5'000};  // also how long a close may take
    Millis idle{
        60'000};  // silence after which the peer counts as gone; a ping goes out at half of it
};

/// Limits and timeouts of the WebSocket, before its handshake. They replace those of the TCP
/// stream, which must be off: one owner of timeouts.
void configure(WsStream& stream, const ChannelLimits& limits);

/// A Channel over a WebSocket whose handshake is done. Only the files beast_*.cpp see it.
///
/// Two coroutines run on the strand from start() until the stream is dead: one reads whole messages
/// into a bounded inbox, so that pings are answered and a lost peer is noticed while nobody calls
/// receive(), and so that cancelling a receive() does not cancel a read, after which a Beast stream
/// is dead; the other writes, one message at a time.
class BeastChannel final : public Channel, public std::enable_shared_from_this<BeastChannel> {
  public:
    [[nodiscard]] static std::shared_ptr<BeastChannel> start(WsStream stream,
                                                             const ChannelLimits& limits);

    BeastChannel(WsStream stream, const ChannelLimits& limits);

    /// What users hold: closes the channel when the last copy goes.
    [[nodiscard]] std::shared_ptr<Channel> handle();

    /// Returns when the stream is dead and both coroutines have ended.
    [[nodiscard]] asio::awaitable<void> ended();

    /// Drops the connection at once.
    void cut();

    [[nodiscard]] asio::awaitable<Result<Bytes>> receive() override;
    [[nodiscard]] std::size_t waiting() const override;
    [[nodiscard]] Result<void> send(Bytes message, Lane lane) override;
    [[nodiscard]] std::size_t queued_bytes() const override;
    [[nodiscard]] asio::awaitable<void> drained(std::size_t below) override;
    void close(CloseReason reason) override;
    [[nodiscard]] const std::string& peer() const override;
    [[nodiscard]] std::uint64_t received_bytes() const override;
    [[nodiscard]] std::uint64_t sent_bytes() const override;

  private:
    [[nodiscard]] asio::awaitable<void> read_messages();
    [[nodiscard]] asio::awaitable<void> write_messages();
    void deliver(Bytes message);
    void end(Error reason);
    void begin_close(CloseReason reason, Error why);
    void die(const boost::system::error_code& error);
    void coroutine_ended();
    [[nodiscard]] Error explain(const boost::system::error_code& error) const;

    WsStream stream_;
    ChannelLimits limits_;
    std::string peer_;
    SendQueue queue_;
    std::deque<Bytes> inbox_;
    std::size_t inbox_bytes_ = 0;
    std::optional<Error> ended_because_;  // set once; nothing is sent or read for the user after it
    std::optional<CloseReason> close_reason_;  // set once by the first close from this side
    bool dead_ = false;                        // the stream can carry nothing more
    int running_ = 2;                          // of the two coroutines
    std::uint64_t received_bytes_ = 0;
    std::uint64_t sent_bytes_ = 0;
    asio::steady_timer close_deadline_;
    Wake changed_;  // any of the above
};

}  // namespace streetlog::net
