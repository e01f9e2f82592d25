#pragma once

#include <array>
#include <chrono>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace streetlog::net {

namespace asio = boost::asio;

/// A TCP stream whose teardown, the end of a WebSocket, reads until the other side has closed.
/// Beast 1.81's own stops after 2 KiB and closes; what is unread then makes the system answer with
/// a reset, and a peer in the middle of a message that was refused would see "broken pipe" instead
/// of the reason, 1009. The reading has a deadline of its own, since after a refused message
/// Beast's is still the one for silence.
class TcpLayer : public boost::beast::tcp_stream {
  public:
    explicit TcpLayer(boost::beast::tcp_stream&& stream)
        : boost::beast::tcp_stream(std::move(stream)) {}
};

inline constexpr std::chrono::seconds kDrainWithin{5};

/// The body of async_teardown below.
class Drain {
  public:
    Drain(boost::beast::role_type role, TcpLayer& stream) : role_(role), stream_(stream) {}

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t = 0) {
        if (!started_) {
            started_ = true;
            stream_.expires_after(kDrainWithin);
            if (role_ == boost::beast::role_type::server) shut_down_sending();
        }
        if (!error) {
            const auto buffer = asio::buffer(*scratch_);
            return stream_.async_read_some(buffer, std::move(self));
        }
        if (role_ == boost::beast::role_type::client) shut_down_sending();
        stream_.close();
        if (error == asio::error::eof) error = {};
        self.complete(error);
    }

  private:
    void shut_down_sending() {
        boost::system::error_code ignored;  // the peer may be gone, which the read then says
        stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }

    boost::beast::role_type role_;
    TcpLayer& stream_;
    bool started_ = false;
    std::unique_ptr<std::array<char, 8192>> scratch_ = std::make_unique<std::array<char, 8192>>();
};

/// Called by Beast, which finds it by its argument.
template <class Handler>
auto async_teardown(boost::beast::role_type role, TcpLayer& stream, Handler&& handler) {
    return asio::async_compose<Handler, void(boost::system::error_code)>(
        Drain(role, stream), handler, stream.socket());
}

/// TLS over that. Its teardown says so to the other side (close_notify) and then lets TcpLayer read
/// to the end: what is still on the way from a peer whose message was refused is no answer to that,
/// so waiting for the peer's close_notify alone would end in a reset. How TLS took its end is of no
/// interest to anybody; Beast would report it in place of why the connection ended.
class TlsLayer : public boost::beast::ssl_stream<TcpLayer> {
  public:
    TlsLayer(TcpLayer&& stream, asio::ssl::context& context)
        : boost::beast::ssl_stream<TcpLayer>(std::move(stream), context) {}
};

/// The body of async_teardown below.
class HangUp {
  public:
    HangUp(boost::beast::role_type role, TlsLayer& stream) : role_(role), stream_(stream) {}

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}) {
        switch (step_++) {
            case 0:
                stream_.next_layer().expires_after(kDrainWithin);
                return stream_.async_shutdown(std::move(self));
            case 1:
                async_teardown(role_, stream_.next_layer(), std::move(self));
                return;
            default:
                self.complete(error);
        }
    }

  private:
    boost::beast::role_type role_;
    TlsLayer& stream_;
    int step_ = 0;
};

template <class Handler>
auto async_teardown(boost::beast::role_type role, TlsLayer& stream, Handler&& handler) {
    return asio::async_compose<Handler, void(boost::system::error_code)>(
        HangUp(role, stream), handler, stream);
}

/// Without permessage-deflate: it is slow, leaks, and lets messages be guessed from their sizes.
using WsStream = boost::beast::websocket::stream<TlsLayer, false>;

}  // namespace streetlog::net
