#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/net/tls.hpp"

using SSL = struct ssl_st;  // <openssl/types.h>

namespace streetlog::test {

/// A blocking TCP socket on loopback that knows nothing of what it carries, so that tests can send
/// what a decent peer never would. Reads give up after ten seconds, which a test then sees as a
/// failure.
class RawSocket {
  public:
    /// `receive_buffer` 0 leaves the system's default.
    [[nodiscard]] static RawSocket connect(std::uint16_t port, int receive_buffer = 0);

    explicit RawSocket(int fd) : fd_(fd) {}

    RawSocket(RawSocket&& other) noexcept;
    RawSocket& operator=(RawSocket&&) = delete;
    ~RawSocket();

    [[nodiscard]] bool ok() const { return fd_ >= 0; }

    /// Goes on in TLS, as a device. In TLS 1.3 the hub may still refuse the certificate afterwards.
    bool secure(const net::DeviceCredentials& credentials,
                std::string_view protocol = net::kSyncProtocol);
    /// The same as a hub.
    bool secure(const net::HubTls& tls);
    /// The same on an object the caller has made; takes it over.
    bool secure(SSL* tls);

    /// The last thing that went wrong in TLS.
    [[nodiscard]] boost::system::error_code tls_error() const { return tls_error_; }

    bool write(std::string_view bytes) const;
    /// Exactly `size` bytes, or fewer when the connection ends first.
    [[nodiscard]] std::string read(std::size_t size) const;
    /// Up to and with the empty line.
    [[nodiscard]] std::string read_head() const;
    /// All until the other side closes; nothing when it does not within the time limit.
    [[nodiscard]] std::optional<std::string> read_to_end() const;
    void close();

  private:
    [[nodiscard]] long read_some(char* out, std::size_t size) const;
    bool shake_hands(bool as_hub);

    int fd_;
    SSL* tls_ = nullptr;
    std::shared_ptr<void> keep_;  // what its callbacks point to
    mutable boost::system::error_code tls_error_;
};

/// Accepts connections on a free loopback port.
class RawListener {
  public:
    RawListener();
    RawListener(const RawListener&) = delete;
    RawListener& operator=(const RawListener&) = delete;
    ~RawListener();

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] RawSocket accept() const;

  private:
    int fd_;
    std::uint16_t port_ = 0;
};

enum class Opcode : std::uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10
};
enum class Fin : std::uint8_t { kNo = 0, kYes = 0x80 };

/// One WebSocket frame as a client writes it, masked with zeros; `claimed` in place of the
/// payload's length.
[[nodiscard]] std::string client_frame(Opcode opcode,
                                       std::string_view payload,
                                       Fin fin = Fin::kYes,
                                       std::optional<std::uint64_t> claimed = {});
/// The same as a server writes it.
[[nodiscard]] std::string server_frame(std::string_view payload,
                                       std::optional<std::uint64_t> claimed = {});

struct Frame {
    Opcode opcode{};
    std::string payload;

    /// Of a close frame, else 0.
    [[nodiscard]] int close_code() const;
};

/// The next frame of a server; nothing when the connection ends first.
[[nodiscard]] std::optional<Frame> read_frame(const RawSocket& socket);

[[nodiscard]] std::string upgrade_request(std::string_view subprotocol,
                                          std::string_view path = "/sync",
                                          std::string_view more_headers = {});
/// What a server answers to `request_head` to accept it.
[[nodiscard]] std::string upgrade_answer(std::string_view request_head);

/// A device that is connected by TLS.
[[nodiscard]] RawSocket connect_secure(std::uint16_t port,
                                       const net::DeviceCredentials& credentials,
                                       int receive_buffer = 0);
/// The same, and whose upgrade was accepted.
[[nodiscard]] RawSocket connect_upgraded(std::uint16_t port,
                                         const net::DeviceCredentials& credentials,
                                         int receive_buffer = 0);

}  // namespace streetlog::test
