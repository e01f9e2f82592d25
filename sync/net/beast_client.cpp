#include "sync/net/beast_client.hpp"

#include <algorithm>
#include <array>
#include <expected>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/field.hpp>

#include "sync/net/beast_channel.hpp"
#include "sync/net/endpoint.hpp"

namespace streetlog::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

Error no_answer(const ConnectOptions& options, const std::string& why) {
    return {ErrorCode::kUnavailable,
            "cannot reach " + options.host + " port " + std::to_string(options.port) + ": " + why,
            "Check that the hub is running there. Nothing is lost; the next attempt continues "
            "where this one stopped."};
}

Error refused(const ConnectOptions& options, const websocket::response_type& response) {
    if (response.result() == http::status::upgrade_required) {
        return {ErrorCode::kUnsupported,
                "the hub does not speak " + format_subprotocol(options.versions),
                "Update the older of the two programs."};
    }
    return no_answer(
        options, "the upgrade was answered with status " + std::to_string(response.result_int()));
}

/// Times it is tried when the other side lets go of the line without a word, and the pause after
/// the first of them; each next one is twice as long.
constexpr int kTriesMax = 3;
constexpr Millis kPause{250};

struct Failure {
    Error error;
    bool let_go = false;  // without a word: asking again is worth it
};

template <class T>
using Try = std::expected<T, Failure>;

std::unexpected<Failure> for_good(Error error) {
    return std::unexpected(Failure{std::move(error)});
}

/// What went wrong where the other side had the last word. A hub that is too busy to shake hands in
/// its five seconds, one that stops, or a tunnel before one that starts has none.
std::unexpected<Failure> ended(const ConnectOptions& options,
                               const boost::system::error_code& error) {
    if (auto refusal = refusal_of(error)) return for_good(*std::move(refusal));
    const bool let_go = error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
                        error == asio::error::connection_reset || error == asio::error::broken_pipe;
    const std::string why =
        let_go ? "the connection was ended there before an answer came" : error.message();
    return std::unexpected(Failure{no_answer(options, why), let_go});
}

/// What the first try gives that is not let go of, or the last.
template <class T, class Once>
asio::awaitable<Result<T>> persist(Once once) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int tries = 1;; ++tries) {
        auto got = co_await once();
        if (got) co_return *std::move(got);
        if (!got.error().let_go || tries == kTriesMax)
            co_return std::unexpected(std::move(got.error().error));
        pause.expires_after(kPause * (1 << (tries - 1)));
        co_await pause.async_wait(kAwait);
    }
}

/// A stream whose other side has shown that it is the hub.
asio::awaitable<Try<TlsLayer>> reach(const ConnectOptions& options, const DeviceTls& tls) {
    const auto endpoints = endpoints_of(options.host, options.port);
    if (!endpoints) co_return for_good(endpoints.error());
    beast::tcp_stream tcp(co_await asio::this_coro::executor);
    tcp.expires_after(options.timeout);
    const auto [connect_error, endpoint] = co_await tcp.async_connect(*endpoints, kAwait);
    if (connect_error) co_return for_good(no_answer(options, connect_error.message()));
    tcp.socket().set_option(asio::ip::tcp::no_delay(true));

    TlsLayer stream(TcpLayer(std::move(tcp)), tls.context());
    stream.next_layer().expires_after(options.timeout);
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
    if (!tls.refused().empty()) {
        co_return for_good({ErrorCode::kNotPermitted,
                            "what answers at " + options.host + " port " +
                                std::to_string(options.port) +
                                " is not this device's hub: " + tls.refused(),
                            "Check the address, and the date of this device. Nothing was sent."});
    }
    if (error) co_return ended(options, error);
    co_return stream;
}

asio::awaitable<Try<std::shared_ptr<Channel>>> connect_once(const ConnectOptions& options) {
    const auto tls = DeviceTls::make(options.credentials, kSyncProtocol);
    if (!tls) co_return for_good(tls.error());
    auto reached = co_await reach(options, *tls);
    if (!reached) co_return std::unexpected(std::move(reached).error());
    const std::string host = options.host + ":" + std::to_string(options.port);
    reached->next_layer().expires_never();

    WsStream stream(*std::move(reached));
    ChannelLimits limits{.send = options.send,
                         .receive_message_bytes = options.receive_message_bytes,
                         .inbox_bytes = options.receive_message_bytes,
                         .handshake = options.timeout,
                         .idle = options.idle};
    configure(stream, limits);
    const std::string offer = format_subprotocol(options.versions);
    stream.set_option(websocket::stream_base::decorator([offer](websocket::request_type& request) {
        request.set(http::field::sec_websocket_protocol, offer);
    }));
    websocket::response_type response;
    const auto [error] = co_await stream.async_handshake(response, host, options.path, kAwait);
    if (error == websocket::error::upgrade_declined) co_return for_good(refused(options, response));
    if (error) co_return ended(options, error);
    if (response[http::field::sec_websocket_protocol] != offer) {
        co_return for_good(no_answer(options, "the other side does not speak hmis-sync"));
    }
    limits.handshake = std::min(limits.handshake, Millis{5'000});  // from here on, of a close
    configure(stream, limits);
    co_return BeastChannel::start(std::move(stream), limits)->handle();
}

asio::awaitable<Try<Trusted>> ask_once(const ConnectOptions& options,
                                       const TrustQuestion& question) {
    const auto tls = DeviceTls::make(options.credentials, kTrustProtocol);
    if (!tls) co_return for_good(tls.error());
    auto stream = co_await reach(options, *tls);
    if (!stream) co_return std::unexpected(std::move(stream).error());
    const std::string text = with_length(format_question(question));
    const auto [not_sent, sent] = co_await asio::async_write(*stream, asio::buffer(text), kAwait);
    if (not_sent) co_return ended(options, not_sent);
    TrustLength length{};
    const auto [silent, n] = co_await asio::async_read(*stream, asio::buffer(length), kAwait);
    if (silent) co_return ended(options, silent);
    if (get_length(length) > kTrustBytesMax)
        co_return for_good({ErrorCode::kTooLarge, "the hub's answer is over the limit", {}});
    std::string answer(get_length(length), '\0');
    const auto [cut, size] = co_await asio::async_read(*stream, asio::buffer(answer), kAwait);
    if (cut) co_return ended(options, cut);
    auto parsed = parse_answer(answer);
    co_await stream->async_shutdown(kAwait);  // the answer is here, whatever becomes of this
    if (!parsed) co_return for_good(std::move(parsed).error());
    co_return Trusted{*std::move(parsed), tls->root()->pem()};
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<Channel>>> connect(ConnectOptions options) {
    co_return co_await persist<std::shared_ptr<Channel>>(
        [&options] { return connect_once(options); });
}

/// Asking twice is harmless: a code is used up by one key, which may come again.
asio::awaitable<Result<Trusted>> ask_trust(ConnectOptions options, TrustQuestion question) {
    co_return co_await persist<Trusted>(
        [&options, &question] { return ask_once(options, question); });
}

}  // namespace streetlog::net
