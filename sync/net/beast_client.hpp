#pragma once

#include <memory>

#include "schema/time.hpp"
#include "sync/net/channel.hpp"
#include "sync/net/send_queue.hpp"
#include "sync/net/subprotocol.hpp"
#include "sync/net/tls.hpp"
#include "sync/net/trust_frame.hpp"

namespace streetlog::net {

struct ConnectOptions {
    std::string host;  // a literal address or "localhost"
    std::uint16_t port = 0;
    std::string path = "/sync";
    VersionRange versions{};
    DeviceCredentials credentials{};
    Millis timeout{10'000};  // of connecting, and again of the handshakes
    Millis idle{60'000};     // silence after which the peer counts as gone
    SendLimits send{};
    std::size_t receive_message_bytes = kMessageBytesMax;
};

/// Opens a connection on the executor of the awaiting coroutine, which must be a strand or run on
/// one thread. kUnavailable when nothing answers there or the answer is not a WebSocket;
/// kUnsupported when the other side speaks no common version; kNotPermitted when it is not the hub
/// of `credentials`, when it refuses the device, or for an address that is not allowed.
[[nodiscard]] asio::awaitable<Result<std::shared_ptr<Channel>>> connect(ConnectOptions options);

struct Trusted {
    TrustAnswer answer;
    std::string root;  // certificate of the root the hub stands under, in PEM
};

/// Asks one question of trust (trust_frame.hpp) over a connection of its own. Errors as above, or
/// the hub's own.
[[nodiscard]] asio::awaitable<Result<Trusted>> ask_trust(ConnectOptions options,
                                                         TrustQuestion question);

}  // namespace streetlog::net
