#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sync/net/control_frame.hpp"
#include "sync/net/control_socket.hpp"

namespace streetlog::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A non-blocking Unix socket with a deadline over each message.
class ControlClient {
  public:
    ControlClient() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

    ControlClient(const ControlClient&) = delete;
    ControlClient& operator=(const ControlClient&) = delete;

    ~ControlClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    Result<void> connect(const std::filesystem::path& path);
    Result<void> write(std::span<const Byte> bytes, SteadyClock::time_point deadline);
    Result<void> read(std::span<Byte> bytes, SteadyClock::time_point deadline);

  private:
    Result<void> wait(short events, SteadyClock::time_point deadline) const;

    int fd_;
};

Result<void> ControlClient::connect(const std::filesystem::path& path) {
    STREETLOG_CHECK(check_socket_path(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    std::copy(text.begin(), text.end(), address.sun_path);
    // A Unix socket connects at once or fails, EAGAIN when too many wait to be accepted.
    if (fd_ < 0 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        if (error == EACCES || error == EPERM) {
            return fail(ErrorCode::kNotPermitted,
                        "the program at " + path.string() + " is another user's");
        }
        return fail(ErrorCode::kUnavailable,
                    "no program answers at " + path.string() + ": " + std::strerror(error));
    }
    if (peer_user(fd_) != std::int64_t{geteuid()}) {
        return fail(ErrorCode::kNotPermitted,
                    "the program at " + path.string() + " is another user's");
    }
    return {};
}

Result<void> ControlClient::wait(short events, SteadyClock::time_point deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<Millis>(deadline - SteadyClock::now()).count();
        if (left <= 0) return fail(ErrorCode::kUnavailable, "the running program does not answer");
        pollfd wanted{.fd = fd_, .events = events, .revents = 0};
        const int ready =
            poll(&wanted,
                 1,
                 static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max())));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR)
            return fail(ErrorCode::kUnavailable, "waiting for the running program failed");
    }
}

Result<void> ControlClient::write(std::span<const Byte> bytes, SteadyClock::time_point deadline) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            STREETLOG_CHECK(wait(POLLOUT, deadline));
        } else if (errno != EINTR) {
            return fail(ErrorCode::kUnavailable,
                        "the running program closed the connection before it took the request");
        }
    }
    return {};
}

Result<void> ControlClient::read(std::span<Byte> bytes, SteadyClock::time_point deadline) {
    while (!bytes.empty()) {
        const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
        if (got > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        } else if (got < 0 && errno == EAGAIN) {
            STREETLOG_CHECK(wait(POLLIN, deadline));
        } else if (got == 0 || errno != EINTR) {
            return fail(
                ErrorCode::kUnavailable,
                "the running program closed the connection before it answered",
                "Whether the request was carried out is not known; look before repeating it.");
        }
    }
    return {};
}

}  // namespace

bool control_listens(const std::filesystem::path& path) {
    return ControlClient{}.connect(path).has_value();
}

Result<Bytes> control_request(const std::filesystem::path& path,
                              const Bytes& request,
                              Millis silence,
                              const std::function<void(std::string_view)>& on_progress) {
    if (request.size() > kControlBytesMax) {
        return fail(ErrorCode::kTooLarge,
                    "the request of " + std::to_string(request.size()) + " bytes is too large");
    }
    ControlClient client;
    STREETLOG_CHECK(client.connect(path));
    const auto request_deadline = SteadyClock::now() + silence;
    STREETLOG_CHECK(
        client.write(encode_length(static_cast<std::uint32_t>(request.size())), request_deadline));
    STREETLOG_CHECK(client.write(request, request_deadline));
    for (;;) {
        const auto deadline = SteadyClock::now() + silence;
        std::array<Byte, 4> head{};
        STREETLOG_CHECK(client.read(head, deadline));
        const std::uint32_t length = decode_length(head);
        if (length > kControlBytesMax)
            return fail(ErrorCode::kTooLarge, "the running program's answer is too large");
        Byte type = 0;
        if (length != 0) STREETLOG_CHECK(client.read(std::span(&type, 1), deadline));
        if (type != kControlProgress && type != kControlResult) {
            return fail(ErrorCode::kMalformed, "the running program's answer is not understood");
        }
        Bytes payload(length - 1);
        STREETLOG_CHECK(client.read(payload, deadline));
        if (type == kControlResult) return payload;
        if (on_progress) on_progress(std::string(payload.begin(), payload.end()));
    }
}

}  // namespace streetlog::net
