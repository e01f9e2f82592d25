#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "schema/error.hpp"

namespace streetlog::net {

namespace asio = boost::asio;

/// The endpoints of `host`, which is a literal address or "localhost"; nothing is looked up, so
/// that nobody's name server can say where the hub is. Anything else is kInvalidInput.
[[nodiscard]] Result<std::vector<asio::ip::tcp::endpoint>> endpoints_of(const std::string& host,
                                                                        std::uint16_t port);

/// "127.0.0.1:8080", "[::1]:8080".
[[nodiscard]] std::string describe(const asio::ip::tcp::endpoint& endpoint);

}  // namespace streetlog::net
