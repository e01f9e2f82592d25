#include "sync/net/beast_client.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>

#include "sync/net/beast_channel.hpp"
#include "sync/net/loopback.hpp"

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

}  // namespace

asio::awaitable<Result<std::shared_ptr<Channel>>> connect(ConnectOptions options) {
    const auto endpoints = loopback_endpoints(options.host, options.port);
    if (!endpoints) co_return std::unexpected(endpoints.error());

    beast::tcp_stream tcp(co_await asio::this_coro::executor);
    tcp.expires_after(options.timeout);
    const auto [connect_error, endpoint] = co_await tcp.async_connect(*endpoints, kAwait);
    if (connect_error) co_return std::unexpected(no_answer(options, connect_error.message()));
    tcp.expires_never();
    tcp.socket().set_option(asio::ip::tcp::no_delay(true));

    WsStream stream(TcpLayer(std::move(tcp)));
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
    const std::string host = describe(endpoint);
    const auto [error] = co_await stream.async_handshake(response, host, options.path, kAwait);
    if (error == websocket::error::upgrade_declined)
        co_return std::unexpected(refused(options, response));
    if (error) co_return std::unexpected(no_answer(options, error.message()));
    if (response[http::field::sec_websocket_protocol] != offer) {
        co_return std::unexpected(no_answer(options, "the other side does not speak hmis-sync"));
    }
    limits.handshake = std::min(limits.handshake, Millis{5'000});  // from here on, of a close
    configure(stream, limits);
    co_return BeastChannel::start(std::move(stream), limits)->handle();
}

}  // namespace streetlog::net
