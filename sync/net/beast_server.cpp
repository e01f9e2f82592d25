#include "sync/net/beast_server.hpp"

#include <array>
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
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "sync/net/beast_channel.hpp"
#include "sync/net/endpoint.hpp"
#include "sync/net/trust_frame.hpp"
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

/// One that was let in.
struct Entered {
    WsStream stream;
    Peer peer;
};

/// Says that nothing more comes, then reads on until the other side has heard it.
template <class Layer>
asio::awaitable<void> hang_up(Layer& stream) {
    auto done = asio::as_tuple(asio::use_awaitable);
    co_await async_teardown(beast::role_type::server, stream, std::move(done));
}

asio::awaitable<void> reply(TlsLayer& stream, Response response) {
    co_await http::async_write(
        stream, response, kAwait);  // the peer may be gone; nothing to do then
    co_await hang_up(stream);
}

}  // namespace

class WsServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(const asio::any_io_executor& executor,
         ServerOptions options,
         HubTls tls,
         Handlers handlers,
         Logger& logger)
        : executor_(executor),
          strand_(asio::make_strand(executor)),
          options_(std::move(options)),
          tls_(std::move(tls)),
          handlers_(std::move(handlers)),
          logger_(logger),
          acceptor_(strand_),
          deadline_(strand_) {}

    Result<void> open(const tcp::endpoint& endpoint);
    void start();
    asio::awaitable<std::size_t> stop(Millis deadline);
    void stop_accepting();
    void cut_all();

    void renew(const HubCredentials& credentials) { tls_.renew(credentials); }

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
    asio::awaitable<void> serve(tcp::socket socket,
                                std::shared_ptr<asio::ssl::context> context,
                                std::shared_ptr<Connection> connection);
    asio::awaitable<bool> says_something(tcp::socket& socket);
    asio::awaitable<std::optional<Entered>> enter(tcp::socket socket,
                                                  std::shared_ptr<asio::ssl::context> context,
                                                  std::uint64_t number);
    asio::awaitable<std::optional<WsStream>> upgrade(TlsLayer stream, std::uint64_t number);
    asio::awaitable<void> answer_question(TlsLayer stream, std::optional<Peer> peer);
    asio::awaitable<void> wait_until_empty(Millis at_most);
    bool make_room();
    void forget(const std::shared_ptr<Connection>& connection, bool failed);

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;  // guards what follows; each connection has a strand of its own
    ServerOptions options_;
    HubTls tls_;
    Handlers handlers_;
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
                            std::shared_ptr<asio::ssl::context> context,
                            std::shared_ptr<Connection> its_connection) -> asio::awaitable<void> {
            co_await self->serve(
                std::move(its_socket), std::move(context), std::move(its_connection));
        };
        auto done = [self = shared_from_this(), connection](const std::exception_ptr& failure) {
            self->forget(connection, failure != nullptr);
        };
        asio::co_spawn(strand,
                       run(shared_from_this(), std::move(socket), tls_.context(), connection),
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
                                            std::shared_ptr<asio::ssl::context> context,
                                            std::shared_ptr<Connection> connection) {
    auto entered = co_await enter(std::move(socket), std::move(context), connection->number);
    if (!entered) co_return;
    const auto channel = BeastChannel::start(std::move(entered->stream), limits());
    connection->channel = channel;
    const auto handle =
        channel->handle();  // a handler that throws must not close it before the reason is known
    std::exception_ptr failure;
    try {
        co_await handlers_.sync(handle, entered->peer);
    } catch (...) {
        failure = std::current_exception();
    }
    channel->close(failure ? CloseReason::kInternalError : CloseReason::kNormal);
    if (failure) std::rethrow_exception(failure);
    co_await channel->ended();
}

/// A TLS stream holds a hundred KiB from its first moment on, which nobody gets for silence.
asio::awaitable<bool> WsServer::Impl::says_something(tcp::socket& socket) {
    const auto waiting = std::make_shared<bool>(true);
    asio::steady_timer limit(socket.get_executor(), options_.handshake);
    limit.async_wait([waiting, &socket](const error_code& stopped) {
        error_code ignored;
        if (!stopped && *waiting) socket.cancel(ignored);
    });
    const auto [silent] = co_await socket.async_wait(tcp::socket::wait_read, kAwait);
    *waiting = false;
    co_return !silent;
}

asio::awaitable<std::optional<Entered>> WsServer::Impl::enter(
    tcp::socket socket, std::shared_ptr<asio::ssl::context> context, std::uint64_t number) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (!co_await says_something(socket)) co_return std::nullopt;
    TlsLayer stream(TcpLayer(beast::tcp_stream(std::move(socket))), *context);
    stream.next_layer().expires_after(options_.handshake);
    HubHandshake handshake;
    tls_.begin(stream.native_handle(), handshake);
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAwait);
    HubTls::end(stream.native_handle());
    if (!handshake.refused.empty())
        logger_.event(
            LogLevel::kWarning, "device_refused", {{"why", LogText::vouched(handshake.refused)}});
    if (error) {
        // Until the other side has read why; it may be saying something by now.
        if (error.category() == asio::error::get_ssl_category())
            co_await hang_up(stream.next_layer());
        co_return std::nullopt;
    }
    if (speaks(stream.native_handle(), kTrustProtocol)) {
        co_await answer_question(std::move(stream), handshake.peer);
        co_return std::nullopt;
    }
    if (!handshake.peer) co_return std::nullopt;
    auto upgraded = co_await upgrade(std::move(stream), number);
    if (!upgraded) co_return std::nullopt;
    co_return Entered{*std::move(upgraded), *handshake.peer};
}

/// One question, one answer. Who has no certificate may ask, too.
asio::awaitable<void> WsServer::Impl::answer_question(TlsLayer stream, std::optional<Peer> peer) {
    std::array<Byte, 4> length{};
    const auto [no_length, length_size] =
        co_await asio::async_read(stream, asio::buffer(length), kAwait);
    const auto size = get_length(length);
    if (no_length || size > kTrustBytesMax) co_return;
    std::string question(size, '\0');
    const auto [no_question, question_size] =
        co_await asio::async_read(stream, asio::buffer(question), kAwait);
    if (no_question) co_return;
    const std::string text = co_await handlers_.trust(std::move(question), std::move(peer));
    const std::string answer = with_length(text);
    stream.next_layer().expires_after(options_.handshake);
    const auto [not_said, said] = co_await asio::async_write(stream, asio::buffer(answer), kAwait);
    if (!not_said) co_await hang_up(stream);
}

asio::awaitable<std::optional<WsStream>> WsServer::Impl::upgrade(TlsLayer tls,
                                                                 std::uint64_t number) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(0);
    beast::flat_buffer buffer(kHeaderBytesMax);
    const auto [read_error, read_size] = co_await http::async_read(tls, buffer, parser, kAwait);
    if (read_error) co_return std::nullopt;
    const Request request = parser.release();
    auto plain = plain_answer(request, options_.versions);
    if (!plain && buffer.size() != 0)
        plain = answer(http::status::bad_request, "wait for the answer\n");
    if (plain) {
        co_await reply(tls, std::move(*plain));
        co_return std::nullopt;
    }
    tls.next_layer().expires_never();

    WsStream stream(std::move(tls));
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
                                                   HubTls tls,
                                                   Handlers handlers,
                                                   Logger& logger) {
    STREETLOG_TRY(const auto endpoints, endpoints_of(options.address, options.port));
    auto impl = std::make_shared<Impl>(
        executor, std::move(options), std::move(tls), std::move(handlers), logger);
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

void WsServer::renew(HubCredentials credentials) {
    asio::post(impl_->strand(),
               [impl = impl_, credentials = std::move(credentials)] { impl->renew(credentials); });
}

asio::awaitable<std::size_t> WsServer::stop(Millis deadline) {
    const auto run = [](std::shared_ptr<Impl> impl,
                        Millis at_most) -> asio::awaitable<std::size_t> {
        co_return co_await impl->stop(at_most);
    };
    co_return co_await asio::co_spawn(impl_->strand(), run(impl_, deadline), asio::use_awaitable);
}

}  // namespace streetlog::net
