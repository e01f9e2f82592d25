#pragma once

#include <boost/asio/ssl/context.hpp>

/// TLS for the floor: the same library, version and kind of keys, and no more than it takes to have
/// it at all: nobody checks anybody.
namespace streetlog::bench::floor {

[[nodiscard]] boost::asio::ssl::context hub_tls();
[[nodiscard]] boost::asio::ssl::context device_tls();

}  // namespace streetlog::bench::floor
