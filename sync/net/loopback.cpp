#include "sync/net/loopback.hpp"

#include <boost/asio/ip/address.hpp>

namespace streetlog::net {

Result<std::vector<asio::ip::tcp::endpoint>> loopback_endpoints(const std::string& host,
                                                                std::uint16_t port) {
    if (host == "localhost") {
        return std::vector<asio::ip::tcp::endpoint>{{asio::ip::address_v4::loopback(), port},
                                                    {asio::ip::address_v6::loopback(), port}};
    }
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error || !address.is_loopback()) {
        return fail(ErrorCode::kNotPermitted,
                    "the address " + host +
                        " is not on this machine, and connections are not encrypted yet",
                    "Use 127.0.0.1, ::1 or localhost.");
    }
    return std::vector<asio::ip::tcp::endpoint>{{address, port}};
}

std::string describe(const asio::ip::tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace streetlog::net
