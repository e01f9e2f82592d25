#include "sync/net/endpoint.hpp"

#include <boost/asio/ip/address.hpp>

namespace streetlog::net {

Result<std::vector<asio::ip::tcp::endpoint>> endpoints_of(const std::string& host,
                                                          std::uint16_t port) {
    if (host == "localhost") {
        return std::vector<asio::ip::tcp::endpoint>{{asio::ip::address_v4::loopback(), port},
                                                    {asio::ip::address_v6::loopback(), port}};
    }
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error)
        return fail(ErrorCode::kInvalidInput,
                    host + " is no address",
                    "Use the number of the address, as 192.0.2.7, or localhost.");
    return std::vector<asio::ip::tcp::endpoint>{{address, port}};
}

std::string describe(const asio::ip::tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace streetlog::net
