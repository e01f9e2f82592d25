#include "tests/bench/floor_tls.hpp"

#include <boost/asio/buffer.hpp>
#include <openssl/ssl.h>

#include "tests/bench/derived_trust.hpp"

namespace streetlog::bench::floor {

namespace ssl = boost::asio::ssl;

ssl::context hub_tls() {
    const auto shown = derived_hub();
    ssl::context out{ssl::context::tls_server};
    SSL_CTX_set_min_proto_version(out.native_handle(), TLS1_3_VERSION);
    out.use_certificate_chain(boost::asio::buffer(net::to_pem(shown.chain)));
    out.use_private_key(boost::asio::buffer(shown.key.pem()), ssl::context::pem);
    return out;
}

ssl::context device_tls() {
    ssl::context out{ssl::context::tls_client};
    SSL_CTX_set_min_proto_version(out.native_handle(), TLS1_3_VERSION);
    return out;
}

}  // namespace streetlog::bench::floor
