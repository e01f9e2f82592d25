#pragma once

#include <filesystem>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "hub/serve/service.hpp"
#include "sync/net/control_socket.hpp"

/// How a command of the command line is carried out: by the running hub when there is one, since
/// one process writes, else here under the lock.
namespace streetlog::hub {

/// What a running hub is asked with the issuer that `ca renew` made: no command of people.
inline constexpr std::string_view kTakeIssuer = "ca take";

[[nodiscard]] std::filesystem::path control_socket(const std::filesystem::path& data);

/// `command` is one of Admin's or of Desk's. Progress goes to standard error.
[[nodiscard]] Result<boost::json::object> perform(const std::filesystem::path& data,
                                                  std::string_view command,
                                                  const boost::json::object& arguments);

/// The running hub's end: Admin's commands on the writer's thread, Desk's on the follower's; the
/// I/O thread waits for neither.
[[nodiscard]] boost::asio::awaitable<sync::Bytes> answer_request(
    Service& service, Random& random, sync::Bytes request, net::ControlServer::Progress progress);

}  // namespace streetlog::hub
