#pragma once

#include <memory>

#include "schema/time.hpp"
#include "sync/net/channel.hpp"
#include "sync/net/send_queue.hpp"
#include "sync/net/subprotocol.hpp"

namespace streetlog::net {

struct ConnectOptions {
    std::string host;  // a literal loopback address or "localhost"
    std::uint16_t port = 0;
    std::string path = "/sync";
    VersionRange versions{};
    Millis timeout{10'000};  // of connecting, and again of the handshake
    Millis idle{60'000};     // silence after which the peer counts as gone
    SendLimits send{};
    std::size_t receive_message_bytes = kMessageBytesMax;
};

/// Opens a connection on the executor of the awaiting coroutine, which must be a strand or run on
/// one thread. kUnavailable when nothing answers there or the answer is not a WebSocket;
/// kUnsupported when the other side speaks no common version; kNotPermitted for a host that is not
/// on this machine.
[[nodiscard]] asio::awaitable<Result<std::shared_ptr<Channel>>> connect(ConnectOptions options);

}  // namespace streetlog::net
