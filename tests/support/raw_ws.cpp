#include "tests/support/raw_ws.hpp"

#include <array>
#include <csignal>
#include <utility>

#include <arpa/inet.h>
#include <boost/asio/ssl/error.hpp>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace streetlog::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::string frame(std::uint8_t first,
                  std::uint8_t mask_bit,
                  std::string_view payload,
                  std::uint64_t length) {
    std::string out(1, static_cast<char>(first));
    if (length < 126) {
        out += static_cast<char>(mask_bit | length);
    } else if (length < 65536) {
        out += static_cast<char>(mask_bit | 126);
        append_big_endian(out, length, 2);
    } else {
        out += static_cast<char>(mask_bit | 127);
        append_big_endian(out, length, 8);
    }
    if (mask_bit != 0) out.append(4, '\0');
    return out.append(payload);
}

}  // namespace

RawSocket RawSocket::connect(std::uint16_t port, int receive_buffer) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in address = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return RawSocket(fd);
    ::close(fd);
    return RawSocket(-1);
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::exchange(other.tls_, nullptr)),
      keep_(std::move(other.keep_)),
      tls_error_(other.tls_error_) {}

bool RawSocket::shake_hands(bool as_hub) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_set_fd(tls_, fd_);
    ERR_clear_error();
    if ((as_hub ? SSL_accept(tls_) : SSL_connect(tls_)) == 1) return true;
    tls_error_ = {static_cast<int>(ERR_get_error()), net::asio::error::get_ssl_category()};
    return false;
}

bool RawSocket::secure(const net::DeviceCredentials& credentials, std::string_view protocol) {
    auto tls = net::DeviceTls::make(credentials, protocol);
    if (!tls) return false;
    tls_ = SSL_new(tls->context().native_handle());
    keep_ = std::make_shared<net::DeviceTls>(*std::move(tls));
    return shake_hands(false);
}

bool RawSocket::secure(const net::HubTls& tls) {
    const auto context = tls.context();
    tls_ = SSL_new(context->native_handle());
    net::HubHandshake handshake;
    tls.begin(tls_, handshake);
    const bool done = shake_hands(true);
    net::HubTls::end(tls_);
    keep_ = handshake.rules == nullptr
                ? nullptr
                : std::make_shared<std::shared_ptr<const net::HubRules>>(handshake.rules);
    return done;
}

bool RawSocket::secure(SSL* tls) {
    tls_ = tls;
    return shake_hands(false);
}

long RawSocket::read_some(char* out, std::size_t size) const {
    if (tls_ == nullptr) return recv(fd_, out, size, 0);
    ERR_clear_error();
    const int got = SSL_read(tls_, out, static_cast<int>(size));
    if (got > 0) return got;
    const int why = SSL_get_error(tls_, got);
    if (why == SSL_ERROR_WANT_READ) {
        errno = EAGAIN;
        return -1;
    }
    errno = ECONNRESET;
    if (why == SSL_ERROR_SSL)
        tls_error_ = {static_cast<int>(ERR_get_error()), net::asio::error::get_ssl_category()};
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

RawSocket::~RawSocket() { close(); }

void RawSocket::close() {
    if (tls_ != nullptr) SSL_free(std::exchange(tls_, nullptr));
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool RawSocket::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = tls_ == nullptr
                                 ? send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                 : SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string RawSocket::read(std::size_t size) const {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const auto got = read_some(out.data() + have, size - have);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

std::string RawSocket::read_head() const {
    std::string out;
    while (!out.ends_with("\r\n\r\n")) {
        const std::string next = read(1);
        if (next.empty()) break;
        out += next;
    }
    return out;
}

std::optional<std::string> RawSocket::read_to_end() const {
    std::string out;
    std::array<char, 4096> part{};
    for (;;) {
        const auto got = read_some(part.data(), part.size());
        if (got < 0 && errno == EAGAIN) return std::nullopt;
        if (got <= 0) return out;
        out.append(part.data(), static_cast<std::size_t>(got));
    }
}

RawListener::RawListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
    listen(fd_, 16);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
}

RawListener::~RawListener() { ::close(fd_); }

RawSocket RawListener::accept() const { return RawSocket(::accept(fd_, nullptr, nullptr)); }

std::string client_frame(Opcode opcode,
                         std::string_view payload,
                         Fin fin,
                         std::optional<std::uint64_t> claimed) {
    const auto first =
        static_cast<std::uint8_t>(std::to_underlying(fin) | std::to_underlying(opcode));
    return frame(first, 0x80, payload, claimed.value_or(payload.size()));
}

std::string server_frame(std::string_view payload, std::optional<std::uint64_t> claimed) {
    return frame(
        0x80 | std::to_underlying(Opcode::kBinary), 0, payload, claimed.value_or(payload.size()));
}

int Frame::close_code() const {
    if (opcode != Opcode::kClose || payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
}

std::optional<Frame> read_frame(const RawSocket& socket) {
    const std::string head = socket.read(2);
    if (head.size() != 2) return std::nullopt;
    std::uint64_t length = static_cast<unsigned char>(head[1]) & 0x7fU;
    if (length >= 126) {
        const std::string longer = socket.read(length == 126 ? 2 : 8);
        length = 0;
        for (const char c : longer) length = length << 8 | static_cast<unsigned char>(c);
    }
    return Frame{static_cast<Opcode>(head[0] & 0x0f), socket.read(length)};
}

std::string upgrade_request(std::string_view subprotocol,
                            std::string_view path,
                            std::string_view more_headers) {
    std::string out =
        "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n";
    out +=
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (!subprotocol.empty()) out += "Sec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n";
    return out.append(more_headers).append("\r\n");
}

std::string upgrade_answer(std::string_view request_head) {
    constexpr std::string_view kName = "Sec-WebSocket-Key: ";
    const auto at = request_head.find(kName) + kName.size();
    std::string key(request_head.substr(at, request_head.find("\r\n", at) - at));
    key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
    std::array<unsigned char, 32> accept{};
    EVP_EncodeBlock(accept.data(), digest.data(), static_cast<int>(digest.size()));
    return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Protocol: hmis-sync#1-1\r\nSec-WebSocket-Accept: " +
           std::string(reinterpret_cast<const char*>(accept.data())) + "\r\n\r\n";
}

RawSocket connect_secure(std::uint16_t port,
                         const net::DeviceCredentials& credentials,
                         int receive_buffer) {
    RawSocket socket = RawSocket::connect(port, receive_buffer);
    if (socket.ok() && !socket.secure(credentials)) socket.close();
    return socket;
}

RawSocket connect_upgraded(std::uint16_t port,
                           const net::DeviceCredentials& credentials,
                           int receive_buffer) {
    RawSocket socket = connect_secure(port, credentials, receive_buffer);
    const bool upgraded = socket.ok() && socket.write(upgrade_request("hmis-sync#1-1")) &&
                          socket.read_head().starts_with("HTTP/1.1 101");
    if (!upgraded) socket.close();
    return socket;
}

}  // namespace streetlog::test
