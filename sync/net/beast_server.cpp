#include "sync/net/beast_server.hpp"

#include <chrono>
#include <optional>
#include <unordered_map>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "sync/net/beast_channel.hpp"
#include "sync/net/loopback.hpp"
#include "sync/net/waiting_room.hpp"

namespace streetlog::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeaderBytesMax = 8 * 1024;
constexpr Millis kAcceptPause{
    100};  // after an accept that failed, for want of file descriptors for example
constexpr Millis kCutGrace{1'000};  // for cancelled handlers to unwind
/// Above the limit, until those that were sent away have unwound.
constexpr std::size_t kUnwindingMax = 64;
constexpr std::chrono::seconds kLimitLoggedEvery{10};

Response answer(http::status status, std::string body) {
    Response response{status, 11};
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(false);
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

/// What to answer instead of upgrading; nothing for a good upgrade request.
std::optional<Response> plain_answer(const Request& request, VersionRange versions) {
    if (request.target() == "/healthz") {
        return request.method() == http::verb::get
                   ? answer(http::status::ok, "ok")
                   : answer(http::status::method_not_allowed, "use GET\n");
    }
    if (request.target() != "/sync")
        return answer(http::status::not_found, "there is nothing here\n");
    if (request.count(http::field::origin) != 0)
        return answer(http::status::forbidden, "not for web pages\n");
    const bool upgrade = websocket::is_upgrade(request);
    if (upgrade && choose_subprotocol(request[http::field::sec_websocket_protocol], versions))
        return std::nullopt;
    Response response =
        answer(http::status::upgrade_required,
               "this hub speaks hmis-sync versions " + std::to_string(versions.min) + " to " +
                   std::to_string(versions.max) + " over WebSocket; update the older program\n");
    response.set(http::field::upgrade, "websocket");
    response.set(http::field::sec_websocket_protocol, format_subprotocol(versions));
    return response;
}

struct Connection {
    Connection(std::uint64_t its_number, asio::any_io_executor its_strand)
        : number(its_number), strand(std::move(its_strand)) {}

    std::uint64_t number;
    asio::any_io_executor strand;
    asio::cancellation_signal cancel;       // emitted on `strand`
    std::shared_ptr<BeastChannel> channel;  // after the handshake; on `strand`
};

asio::awaitable<void> reply(beast::tcp_stream& stream, Response response) {
    co_await http::async_write(
        stream, response, kAwait);  // the peer may be gone; nothing to do then
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

class WsServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(const asio::any_io_executor& executor,
         ServerOptions options,
         Handler handler,
         Logger& logger)
        : executor_(executor),
          strand_(asio::make_strand(executor)),
          options_(std::move(options)),
          handler_(std::move(handler)),
          logger_(logger),
          acceptor_(strand_),
          deadline_(strand_) {}

    Result<void> open(const tcp::endpoint& endpoint);
    void start();
    asio::awaitable<std::size_t> stop(Millis deadline);
    void stop_accepting();
    void cut_all();

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] const asio::any_io_executor& strand() const { return strand_; }

  private:
    [[nodiscard]] ChannelLimits limits() const {
        return {.send = options_.send,
                .receive_message_bytes = options_.receive_message_bytes,
                .inbox_bytes = options_.receive_message_bytes,
                .handshake = options_.handshake,
                .idle = options_.idle};
    }

    asio::awaitable<void> accept_connections();
    asio::awaitable<void> serve(tcp::socket socket, std::shared_ptr<Connection> connection);
    asio::awaitable<std::optional<WsStream>> shake_hands(tcp::socket socket, std::uint64_t number);
    asio::awaitable<void> wait_until_empty(Millis at_most);
    bool make_room();
    void forget(const std::shared_ptr<Connection>& connection, bool failed);

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;  // guards what follows; each connection has a strand of its own
    ServerOptions options_;
    Handler handler_;
    Logger& logger_;
    tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    bool stopping_ = false;
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    WaitingRoom waiting_;
    std::uint64_t accepted_ = 0;
    std::size_t unlogged_ = 0;  // that met the limit since it was last logged
    asio::steady_timer::time_point logged_limit_;
    asio::steady_timer deadline_;
};

Result<void> WsServer::Impl::open(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use) {
        return fail(ErrorCode::kConflict,
                    describe(endpoint) + " is already in use",
                    "Stop the program that listens there, or choose another port.");
    }
    if (error)
        return fail(ErrorCode::kUnavailable,
                    "cannot listen on " + describe(endpoint) + ": " + error.message());
    port_ = acceptor_.local_endpoint().port();
    return {};
}

void WsServer::Impl::start() {
    const auto run = [](std::shared_ptr<Impl> self) -> asio::awaitable<void> {
        co_await self->accept_connections();
    };
    asio::co_spawn(strand_, run(shared_from_this()), asio::detached);
}

asio::awaitable<void> WsServer::Impl::accept_connections() {
    while (!stopping_) {
        const asio::any_io_executor strand = asio::make_strand(executor_);
        auto [error, socket] = co_await acceptor_.async_accept(strand, kAwait);
        if (stopping_) co_return;
        if (error) {
            logger_.event(LogLevel::kWarning, "accept_failed", {{"errno", error.value()}});
            deadline_.expires_after(kAcceptPause);
            co_await deadline_.async_wait(kAwait);
            continue;
        }
        if (connections_.size() >= options_.connections && !make_room()) continue;
        auto connection = std::make_shared<Connection>(++accepted_, strand);
        connections_.emplace(connection->number, connection);
        error_code gone;
        waiting_.enter(connection->number, socket.remote_endpoint(gone).address().to_string());
        const auto run = [](std::shared_ptr<Impl> self,
                            tcp::socket its_socket,
                            std::shared_ptr<Connection> its_connection) -> asio::awaitable<void> {
            co_await self->serve(std::move(its_socket), std::move(its_connection));
        };
        auto done = [self = shared_from_this(), connection](const std::exception_ptr& failure) {
            self->forget(connection, failure != nullptr);
        };
        asio::co_spawn(strand,
                       run(shared_from_this(), std::move(socket), connection),
                       asio::bind_cancellation_slot(connection->cancel.slot(),
                                                    asio::bind_executor(strand_, std::move(done))));
    }
}

/// Whether one more may come in: then somebody who has not shaken hands was sent away for it.
bool WsServer::Impl::make_room() {
    ++unlogged_;
    const auto now = asio::steady_timer::clock_type::now();
    if (now - logged_limit_ >= kLimitLoggedEvery) {
        logger_.event(LogLevel::kWarning,
                      "connection_limit_reached",
                      {{"limit", options_.connections}, {"met_by", unlogged_}});
        logged_limit_ = now;
        unlogged_ = 0;
    }
    const auto number = waiting_.next_to_go();
    if (!number || connections_.size() >= options_.connections + kUnwindingMax) return false;
    waiting_.leave(*number);
    const auto connection = connections_.at(*number);
    asio::post(connection->strand, [connection] {
        if (!connection->channel) connection->cancel.emit(asio::cancellation_type::terminal);
    });
    return true;
}

asio::awaitable<void> WsServer::Impl::serve(tcp::socket socket,
                                            std::shared_ptr<Connection> connection) {
    auto stream = co_await shake_hands(std::move(socket), connection->number);
    if (!stream) co_return;
    const auto channel = BeastChannel::start(std::move(*stream), limits());
    connection->channel = channel;
    const auto handle =
        channel->handle();  // a handler that throws must not close it before the reason is known
    std::exception_ptr failure;
    try {
        co_await handler_(handle);
    } catch (...) {
        failure = std::current_exception();
    }
    channel->close(failure ? CloseReason::kInternalError : CloseReason::kNormal);
    if (failure) std::rethrow_exception(failure);
    co_await channel->ended();
}

asio::awaitable<std::optional<WsStream>> WsServer::Impl::shake_hands(tcp::socket socket,
                                                                     std::uint64_t number) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    beast::tcp_stream tcp(std::move(socket));
    tcp.expires_after(options_.handshake);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(0);
    beast::flat_buffer buffer(kHeaderBytesMax);
    const auto [read_error, read_size] = co_await http::async_read(tcp, buffer, parser, kAwait);
    if (read_error) co_return std::nullopt;
    const Request request = parser.release();
    auto plain = plain_answer(request, options_.versions);
    if (!plain && buffer.size() != 0)
        plain = answer(http::status::bad_request, "wait for the answer\n");
    if (plain) {
        co_await reply(tcp, std::move(*plain));
        co_return std::nullopt;
    }
    tcp.expires_never();

    WsStream stream(TcpLayer(std::move(tcp)));
    configure(stream, limits());
    const std::string chosen{
        *choose_subprotocol(request[http::field::sec_websocket_protocol], options_.versions)};
    stream.set_option(
        websocket::stream_base::decorator([chosen](websocket::response_type& response) {
            response.set(http::field::sec_websocket_protocol, chosen);
        }));
    // Before the peer can know it, so that it is never asked to go.
    asio::post(strand_, [self = shared_from_this(), number] { self->waiting_.leave(number); });
    const auto [error] = co_await stream.async_accept(request, kAwait);
    if (error) co_return std::nullopt;
    co_return stream;
}

void WsServer::Impl::forget(const std::shared_ptr<Connection>& connection, bool failed) {
    if (failed && !stopping_) logger_.event(LogLevel::kError, "connection_handler_failed");
    waiting_.leave(connection->number);
    connections_.erase(connection->number);
    if (connections_.empty() && stopping_) deadline_.cancel();
}

void WsServer::Impl::stop_accepting() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    deadline_.cancel();
}

asio::awaitable<void> WsServer::Impl::wait_until_empty(Millis at_most) {
    deadline_.expires_after(at_most);
    while (!connections_.empty() && deadline_.expiry() > asio::steady_timer::clock_type::now()) {
        co_await deadline_.async_wait(kAwait);
    }
}

void WsServer::Impl::cut_all() {
    for (const auto& entry : connections_) {
        const auto connection = entry.second;
        asio::post(connection->strand, [connection] {
            if (connection->channel) connection->channel->cut();
            connection->cancel.emit(asio::cancellation_type::terminal);
        });
    }
}

asio::awaitable<std::size_t> WsServer::Impl::stop(Millis deadline) {
    stop_accepting();
    for (const auto& entry : connections_) {
        const auto connection = entry.second;
        asio::post(connection->strand, [connection] {
            if (connection->channel) {
                connection->channel->close(CloseReason::kGoingAway);
            } else {
                connection->cancel.emit(asio::cancellation_type::terminal);
            }
        });
    }
    co_await wait_until_empty(deadline);
    const std::size_t left = connections_.size();
    if (left != 0) {
        logger_.event(LogLevel::kWarning, "connections_cut", {{"count", left}});
        cut_all();
        co_await wait_until_empty(kCutGrace);
    }
    co_return left;
}

Result<std::unique_ptr<WsServer>> WsServer::listen(const asio::any_io_executor& executor,
                                                   ServerOptions options,
                                                   Handler handler,
                                                   Logger& logger) {
    STREETLOG_TRY(const auto endpoints, loopback_endpoints(options.address, options.port));
    auto impl = std::make_shared<Impl>(executor, std::move(options), std::move(handler), logger);
    STREETLOG_CHECK(impl->open(endpoints.front()));
    impl->start();
    return std::unique_ptr<WsServer>(new WsServer(std::move(impl)));
}

WsServer::WsServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

WsServer::~WsServer() {
    asio::post(impl_->strand(), [impl = impl_] {
        impl->stop_accepting();
        impl->cut_all();
    });
}

std::uint16_t WsServer::port() const { return impl_->port(); }

asio::awaitable<std::size_t> WsServer::stop(Millis deadline) {
    const auto run = [](std::shared_ptr<Impl> impl,
                        Millis at_most) -> asio::awaitable<std::size_t> {
        co_return co_await impl->stop(at_most);
    };
    co_return co_await asio::co_spawn(impl_->strand(), run(impl_, deadline), asio::use_awaitable);
}

}  // namespace streetlog::net
