#include "sync/net/beast_channel.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "sync/net/endpoint.hpp"

namespace streetlog::net {
namespace {

namespace websocket = boost::beast::websocket;
using boost::system::error_code;

std::string peer_of(const WsStream& stream) {
    error_code error;
    const auto endpoint = boost::beast::get_lowest_layer(stream).socket().remote_endpoint(error);
    return error ? "unknown" : describe(endpoint);
}

}  // namespace

void configure(WsStream& stream, const ChannelLimits& limits) {
    stream.set_option(websocket::stream_base::timeout{
        .handshake_timeout = limits.handshake,
        .idle_timeout = limits.idle,
        .keep_alive_pings = true,
    });
    stream.read_message_max(limits.receive_message_bytes);
    stream.binary(true);
    stream.auto_fragment(false);
}

std::shared_ptr<BeastChannel> BeastChannel::start(WsStream stream, const ChannelLimits& limits) {
    auto channel = std::make_shared<BeastChannel>(std::move(stream), limits);
    const auto run = [](std::shared_ptr<BeastChannel> self,
                        auto coroutine) -> asio::awaitable<void> {
        co_await ((*self).*coroutine)();
        self->coroutine_ended();
    };
    const auto executor = channel->stream_.get_executor();
    asio::co_spawn(executor, run(channel, &BeastChannel::read_messages), asio::detached);
    asio::co_spawn(executor, run(channel, &BeastChannel::write_messages), asio::detached);
    return channel;
}

BeastChannel::BeastChannel(WsStream stream, const ChannelLimits& limits)
    : stream_(std::move(stream)),
      limits_(limits),
      peer_(peer_of(stream_)),
      queue_(limits.send),
      close_deadline_(stream_.get_executor()),
      changed_(stream_.get_executor()) {}

std::shared_ptr<Channel> BeastChannel::handle() {
    auto self = shared_from_this();
    return {this, [self](Channel*) {
                asio::dispatch(self->stream_.get_executor(),
                               [self] { self->close(CloseReason::kNormal); });
            }};
}

asio::awaitable<void> BeastChannel::ended() {
    while (running_ != 0) co_await changed_.wait();
}

asio::awaitable<Result<Bytes>> BeastChannel::receive() {
    while (inbox_.empty() && !ended_because_) {
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return fail(ErrorCode::kInterrupted, "receiving was cancelled");
        }
        co_await changed_.wait();
    }
    if (inbox_.empty()) co_return std::unexpected(*ended_because_);
    Bytes message = std::move(inbox_.front());
    inbox_.pop_front();
    inbox_bytes_ -= message.size();
    changed_.notify_all();
    co_return message;
}

std::size_t BeastChannel::waiting() const { return inbox_.size(); }

Result<void> BeastChannel::send(Bytes message, Lane lane) {
    if (ended_because_) return std::unexpected(*ended_because_);
    STREETLOG_CHECK(queue_.push(std::move(message), lane));
    changed_.notify_all();
    return {};
}

std::size_t BeastChannel::queued_bytes() const { return queue_.bytes(); }

asio::awaitable<void> BeastChannel::drained(std::size_t below) {
    while (queue_.bytes() >= below && !ended_because_) co_await changed_.wait();
}

void BeastChannel::close(CloseReason reason) {
    begin_close(reason,
                Error{ErrorCode::kUnavailable, "the connection was closed on this side", {}});
}

const std::string& BeastChannel::peer() const { return peer_; }

std::uint64_t BeastChannel::received_bytes() const { return received_bytes_; }

std::uint64_t BeastChannel::sent_bytes() const { return sent_bytes_; }

asio::awaitable<void> BeastChannel::read_messages() {
    while (!dead_) {
        while (inbox_bytes_ >= limits_.inbox_bytes && !close_reason_ && !dead_)
            co_await changed_.wait();
        Bytes message;
        auto buffer = asio::dynamic_buffer(message);
        const auto [error, size] =
            co_await stream_.async_read(buffer, asio::as_tuple(asio::use_awaitable));
        if (error) co_return die(error);
        if (!stream_.got_binary()) {
            begin_close(CloseReason::kUnsupportedData,
                        Error{ErrorCode::kMalformed,
                              "the other side sent text where a binary message was due",
                              {}});
        }
        deliver(std::move(message));
    }
}

/// After the end of the connection for the user, what still arrives is read only to reach the
/// peer's close.
void BeastChannel::deliver(Bytes message) {
    if (ended_because_) return;
    received_bytes_ += message.size();
    inbox_bytes_ += message.size();
    inbox_.push_back(std::move(message));
    changed_.notify_all();
}

asio::awaitable<void> BeastChannel::write_messages() {
    for (;;) {
        while (queue_.idle() && !close_reason_ && !dead_) co_await changed_.wait();
        if (dead_) co_return;
        const Bytes* message = queue_.begin();
        if (message == nullptr) break;
        const auto [error, size] = co_await stream_.async_write(
            asio::buffer(*message), asio::as_tuple(asio::use_awaitable));
        queue_.finish();
        if (error) co_return die(error);
        sent_bytes_ += size;
        changed_.notify_all();
    }
    const auto code = static_cast<websocket::close_code>(*close_reason_);
    // It fails when the peer closed first or is gone, which ends the connection just as well.
    co_await stream_.async_close(websocket::close_reason(code),
                                 asio::as_tuple(asio::use_awaitable));
    cut();
}

void BeastChannel::begin_close(CloseReason reason, Error why) {
    if (close_reason_ || dead_) return;
    close_reason_ = reason;
    inbox_.clear();
    inbox_bytes_ = 0;
    end(std::move(why));
    queue_.keep_only_control();
    close_deadline_.expires_after(limits_.handshake);
    close_deadline_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->cut();
    });
}

void BeastChannel::end(Error reason) {
    if (!ended_because_) ended_because_ = std::move(reason);
    changed_.notify_all();
}

/// The stream failed, or the peer closed it; whichever coroutine met that wakes the other one.
void BeastChannel::die(const error_code& error) {
    if (!dead_) end(explain(error));
    cut();
}

void BeastChannel::cut() {
    dead_ = true;
    end(Error{ErrorCode::kUnavailable, "the connection was cut", {}});
    boost::beast::get_lowest_layer(stream_).close();
}

void BeastChannel::coroutine_ended() {
    --running_;
    if (running_ == 0) close_deadline_.cancel();
    changed_.notify_all();
}

Error BeastChannel::explain(const error_code& error) const {
    // Whatever failed, a write for example, if the peer gave a reason for closing that is the
    // reason.
    if (const auto code = stream_.reason().code; code == websocket::close_code::too_big) {
        return {ErrorCode::kTooLarge, "the other side refused a message as too large", {}};
    } else if (code != websocket::close_code::none || error == websocket::error::closed) {
        return {ErrorCode::kUnavailable,
                "the other side closed the connection (" + std::to_string(code) + ")",
                {}};
    }
    if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
        return {ErrorCode::kTooLarge,
                "the other side sent a message over the limit of " +
                    std::to_string(limits_.receive_message_bytes) + " bytes",
                {}};
    }
    if (error == websocket::condition::protocol_violation) {
        return {ErrorCode::kMalformed,
                "the other side broke the WebSocket protocol: " + error.message(),
                {}};
    }
    if (error == boost::beast::error::timeout) {
        return {ErrorCode::kUnavailable, "the other side has been silent for too long", {}};
    }
    return {ErrorCode::kUnavailable, "the connection was lost: " + error.message(), {}};
}

}  // namespace streetlog::net
