#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "schema/log.hpp"
#include "schema/time.hpp"
#include "sync/net/channel.hpp"
#include "sync/net/send_queue.hpp"
#include "sync/net/subprotocol.hpp"
#include "sync/net/tls.hpp"

namespace streetlog::net {

struct ServerOptions {
    std::string address = "127.0.0.1";  // a literal loopback address or "localhost"
    std::uint16_t port = 0;             // 0: any free one
    VersionRange versions{};
    /// Above it a new connection takes the place of one that has not shaken hands (WaitingRoom), or
    /// is closed at once when there is none.
    std::size_t connections = 1'000;
    Millis handshake{5'000};  // from accept to the whole request; also how long a close may take
    Millis idle{60'000};      // silence after which the peer counts as gone
    SendLimits send{};
    std::size_t receive_message_bytes = kMessageBytesMax;
};

/// Takes connections by TLS and tells them apart by what they are for: WebSocket connections at
/// /sync go to one handler, questions of trust to the other. Nobody without a good certificate gets
/// to say a word of HTTP. Binary messages only. A request from a web page (it carries an Origin) is
/// refused. Any number of threads may run the executor. Any thread may call the functions.
class WsServer {
  public:
    struct Handlers {
        /// Runs on the connection's own strand; the connection is closed when it returns, and with
        /// 1011 when it throws. At a forced stop it is cancelled (terminal).
        std::function<asio::awaitable<void>(std::shared_ptr<Channel>, Peer)> sync;
        /// The answer to one question (trust_frame.hpp) of a device that has shown its certificate,
        /// or of somebody who has none.
        std::function<asio::awaitable<std::string>(std::string, std::optional<Peer>)> trust;
    };

    /// kConflict when the port is taken, kNotPermitted for an address that is not allowed,
    /// kUnavailable when the system refuses for another reason. `logger` must outlive the last
    /// connection. `tls` looks devices up on the strands of their connections.
    [[nodiscard]] static Result<std::unique_ptr<WsServer>> listen(
        const asio::any_io_executor& executor,
        ServerOptions options,
        HubTls tls,
        Handlers handlers,
        Logger& logger);

    WsServer(const WsServer&) = delete;
    WsServer& operator=(const WsServer&) = delete;
    ~WsServer();  // stops accepting and cuts what is left

    [[nodiscard]] std::uint16_t port() const;

    /// What the hub shows to those who come from now on.
    void renew(HubCredentials credentials);

    /// Stops accepting, closes every connection with 1001 and waits for the handlers, at most
    /// `deadline`; then cuts what is left, and cancels it. Returns how many that were. The caller
    /// keeps the server until then.
    [[nodiscard]] asio::awaitable<std::size_t> stop(Millis deadline);

  private:
    class Impl;
    explicit WsServer(std::shared_ptr<Impl> impl);

    std::shared_ptr<Impl> impl_;
};

}  // namespace streetlog::net
