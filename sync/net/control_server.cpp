#include <cerrno>
#include <unordered_set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/net/control_frame.hpp"
#include "sync/net/control_socket.hpp"

namespace streetlog::net {
namespace {

using Local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kConnectionsMax =
    16;  // commands at a time; each may hold a request of kControlBytesMax
constexpr Millis kAcceptPause{100};

asio::awaitable<bool> write_message(Local::socket& socket,
                                    Byte type,
                                    std::span<const Byte> payload) {
    if (payload.size() >= kControlBytesMax) co_return false;
    const auto length = encode_length(static_cast<std::uint32_t>(payload.size() + 1));
    const std::array<asio::const_buffer, 3> parts{
        asio::buffer(length), asio::buffer(&type, 1), asio::buffer(payload.data(), payload.size())};
    const auto [error, size] = co_await asio::async_write(socket, parts, kAwait);
    co_return !error;
}

/// Makes room for a new socket file at `path`, unless something lives there.
Result<void> remove_stale(const asio::any_io_executor& executor,
                          const std::filesystem::path& path) {
    struct stat found{};
    if (lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode)) {
        return fail(ErrorCode::kConflict,
                    path.string() + " exists and is not a socket",
                    "Move the file away.");
    }
    Local::socket probe(executor);
    error_code error;
    probe.connect(Local::endpoint(path.string()), error);
    if (error != asio::error::connection_refused) {
        return fail(ErrorCode::kLocked, "another process listens on " + path.string());
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
        return fail(ErrorCode::kUnavailable, "cannot remove the stale socket " + path.string());
    }
    return {};
}

}  // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(const asio::any_io_executor& executor, Handler handler, Logger& logger, uid_t user)
        : strand_(asio::make_strand(executor)),
          handler_(std::move(handler)),
          logger_(logger),
          user_(user),
          acceptor_(strand_),
          pause_(strand_) {}

    Result<void> open(const std::filesystem::path& path);
    void start();
    void stop();
    void remove_file() const;

    [[nodiscard]] const asio::any_io_executor& strand() const { return strand_; }

  private:
    using Socket = std::shared_ptr<Local::socket>;

    asio::awaitable<void> accept_connections();
    void admit(Socket socket);
    asio::awaitable<void> serve(Socket socket);

    asio::any_io_executor strand_;
    Handler handler_;
    Logger& logger_;
    uid_t user_;
    Local::acceptor acceptor_;
    asio::steady_timer pause_;
    std::filesystem::path path_;
    struct stat file_{};  // of the socket file made here, so that no other one is ever removed
    bool stopping_ = false;
    std::unordered_set<Socket> sockets_;
};

Result<void> ControlServer::Impl::open(const std::filesystem::path& path) {
    STREETLOG_CHECK(check_socket_path(path));
    STREETLOG_CHECK(remove_stale(strand_, path));
    error_code error;
    acceptor_.open(Local(), error);
    if (!error) acceptor_.bind(Local::endpoint(path.string()), error);
    // Nobody can connect before listen(), so the mode the umask gave the file in between does not
    // matter.
    const bool bound = !error;
    if (bound &&
        (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || lstat(path.c_str(), &file_) != 0)) {
        error = error_code(errno, boost::system::system_category());
    }
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    path_ = path;
    if (!error) return {};
    if (bound) unlink(path.c_str());
    return fail(ErrorCode::kUnavailable,
                "cannot listen on " + path.string() + ": " + error.message());
}

void ControlServer::Impl::start() {
    const auto run = [](std::shared_ptr<Impl> self) -> asio::awaitable<void> {
        co_await self->accept_connections();
    };
    asio::co_spawn(strand_, run(shared_from_this()), asio::detached);
}

void ControlServer::Impl::stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const Socket& socket : sockets_) socket->close(ignored);
}

void ControlServer::Impl::remove_file() const {
    struct stat now{};
    const bool ours =
        lstat(path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino;
    if (ours) unlink(path_.c_str());
}

asio::awaitable<void> ControlServer::Impl::accept_connections() {
    while (!stopping_) {
        auto socket = std::make_shared<Local::socket>(strand_);
        const auto [error] = co_await acceptor_.async_accept(*socket, kAwait);
        if (stopping_) co_return;
        if (!error) {
            admit(std::move(socket));
            continue;
        }
        logger_.event(LogLevel::kWarning, "control_accept_failed", {{"errno", error.value()}});
        pause_.expires_after(kAcceptPause);
        co_await pause_.async_wait(kAwait);
    }
}

void ControlServer::Impl::admit(Socket socket) {
    if (const std::int64_t user = peer_user(socket->native_handle()); user != std::int64_t{user_}) {
        logger_.event(LogLevel::kWarning, "control_user_refused", {{"uid", user}});
        return;
    }
    if (sockets_.size() >= kConnectionsMax) {
        logger_.event(LogLevel::kWarning, "control_limit_reached", {{"limit", kConnectionsMax}});
        return;
    }
    sockets_.insert(socket);
    const auto run = [](std::shared_ptr<Impl> self, Socket its_socket) -> asio::awaitable<void> {
        co_await self->serve(std::move(its_socket));
    };
    asio::co_spawn(strand_,
                   run(shared_from_this(), socket),
                   [self = shared_from_this(), socket](const std::exception_ptr& failure) {
                       if (failure) self->logger_.event(LogLevel::kError, "control_handler_failed");
                       error_code ignored;
                       socket->close(ignored);
                       self->sockets_.erase(socket);
                   });
}

asio::awaitable<void> ControlServer::Impl::serve(Socket socket) {
    std::array<Byte, 4> head{};
    const auto [head_error, head_size] =
        co_await asio::async_read(*socket, asio::buffer(head), kAwait);
    if (head_error) co_return;
    const std::uint32_t length = decode_length(head);
    if (length > kControlBytesMax) {
        logger_.event(LogLevel::kWarning, "control_request_too_large", {{"bytes", length}});
        co_return;
    }
    Bytes request(length);
    const auto [body_error, body_size] =
        co_await asio::async_read(*socket, asio::buffer(request), kAwait);
    if (body_error) co_return;
    const Progress progress = [socket](std::string line) -> asio::awaitable<void> {
        const Bytes bytes(line.begin(), line.end());
        co_await write_message(*socket, kControlProgress, bytes);
    };
    const Bytes result = co_await handler_(std::move(request), progress);
    if (result.size() >= kControlBytesMax) {
        logger_.event(LogLevel::kError, "control_result_too_large", {{"bytes", result.size()}});
    }
    co_await write_message(*socket, kControlResult, result);
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const asio::any_io_executor& executor,
                                                             const std::filesystem::path& path,
                                                             Handler handler,
                                                             Logger& logger,
                                                             uid_t user) {
    auto impl = std::make_shared<Impl>(executor, std::move(handler), logger, user);
    STREETLOG_CHECK(impl->open(path));
    impl->start();
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() {
    impl_->remove_file();
    asio::post(impl_->strand(), [impl = impl_] { impl->stop(); });
}

}  // namespace streetlog::net
