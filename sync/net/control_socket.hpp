#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <sys/types.h>

#include "schema/error.hpp"
#include "schema/log.hpp"
#include "schema/time.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::net {

namespace asio = boost::asio;
using sync::Bytes;

/// The control socket lets a command reach the program of the same user that holds the data
/// directory. On the wire, both ways, a message is its length as u32 little endian and that many
/// bytes, at most kControlBytesMax. An answer's first byte is its type: 'P', a line of progress for
/// the person at the keyboard, any number of times; then 'R', the result, once. One request a
/// connection.
constexpr std::uint32_t kControlBytesMax = 16 * 1024 * 1024;

/// The server's end. Any thread may call the functions; the handler runs on one strand.
class ControlServer {
  public:
    /// Sends a line of progress; drops it when the other side has gone.
    using Progress = std::function<asio::awaitable<void>(std::string)>;
    /// Answers one request. It runs to its end even when the other side goes away. What it throws
    /// is logged as an event and the connection is closed without a result.
    using Handler = std::function<asio::awaitable<Bytes>(Bytes request, Progress progress)>;

    /// Listens at `path` with mode 0600 and answers only processes of `user`. A socket file whose
    /// process is dead is replaced. kLocked when a live process answers there, kInvalidInput when
    /// the path is over the 107 bytes the system allows, kConflict when something other than a
    /// socket is there. Requires: the caller holds the data directory's lock, so no second program
    /// does this at the same time. `logger` must outlive the last connection.
    [[nodiscard]] static Result<std::unique_ptr<ControlServer>> listen(
        const asio::any_io_executor& executor,
        const std::filesystem::path& path,
        Handler handler,
        Logger& logger,
        uid_t user);

    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    ~ControlServer();  // removes the socket file, stops accepting, and drops the connections

  private:
    class Impl;
    explicit ControlServer(std::shared_ptr<Impl> impl);

    std::shared_ptr<Impl> impl_;
};

/// Whether some program listens at `path`; false also when that cannot be found out.
[[nodiscard]] bool control_listens(const std::filesystem::path& path);

/// The command's end: sends one request and waits for its result; blocks. `on_progress` may be
/// empty. kUnavailable when no program listens there or it stops before the result, or nothing
/// comes for `silence`; kNotPermitted when the program is another user's; kTooLarge, kMalformed for
/// what breaks the form above.
[[nodiscard]] Result<Bytes> control_request(
    const std::filesystem::path& path,
    const Bytes& request,
    Millis silence,
    const std::function<void(std::string_view)>& on_progress = {});

}  // namespace streetlog::net
