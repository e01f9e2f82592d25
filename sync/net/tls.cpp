#include "sync/net/tls.hpp"

#include <array>
#include <stdexcept>

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace streetlog::net {
namespace {

/// Of a peer's certificates, before anything is known of it.
constexpr long kPeerChainBytesMax = 16 * 1024;

void require(bool done) {
    if (!done) throw std::runtime_error{"OpenSSL cannot set up TLS"};
}

/// One byte of length, then the name.
std::string wire_name(std::string_view protocol) {
    return static_cast<char>(protocol.size()) + std::string{protocol};
}

/// Where a handshake's own data hangs on its SSL object; asio has the usual place.
int slot() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

SSL* stream_of(X509_STORE_CTX* context) {
    return static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/// What the other side showed: its own certificate, and all it sent along.
std::pair<Certificate, CertificateChain> shown(X509_STORE_CTX* context) {
    CertificateChain others;
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    for (int i = 0; i < sk_X509_num(sent); ++i) others.emplace_back(sk_X509_value(sent, i));
    return {Certificate{X509_STORE_CTX_get0_cert(context)}, std::move(others)};
}

void use_only_the_strictest(SSL_CTX* context) {
    require(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
            SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1 &&
            SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
            SSL_CTX_set_num_tickets(context, 0) == 1 &&
            SSL_CTX_set_max_early_data(context, 0) == 1);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, kPeerChainBytesMax);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

/// False when the key is not the leaf's.
bool use_credentials(SSL_CTX* context, const CertificateChain& chain, const sync::SigningKey& key) {
    if (chain.empty() || SSL_CTX_use_certificate(context, chain.front().native()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.native()) != 1) {
        ERR_clear_error();
        return false;
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
        require(SSL_CTX_add1_chain_cert(context, chain[i].native()) == 1);
    return true;
}

/// Which of OpenSSL's reasons makes the alert that says it (RFC 8446, 6.2).
int reason_of(Admission admission) {
    switch (admission) {
        case Admission::kWelcome:
            return X509_V_OK;
        case Admission::kUnknown:
            return X509_V_ERR_CERT_REJECTED;  // bad_certificate
        case Admission::kSuspended:
            return X509_V_ERR_APPLICATION_VERIFICATION;  // handshake_failure
        case Admission::kRevoked:
            return X509_V_ERR_CERT_REVOKED;  // certificate_revoked
    }
    return X509_V_ERR_UNSPECIFIED;
}

std::string_view in_words(Admission admission) {
    switch (admission) {
        case Admission::kWelcome:
            return "welcome";
        case Admission::kUnknown:
            return "no device of this hub has that key";
        case Admission::kSuspended:
            return "the device is suspended";
        case Admission::kRevoked:
            return "the device is revoked";
    }
    return "refused";
}

}  // namespace

struct HubRules {
    Certificate root;
    Admit admit;
    std::function<Instant()> now;

    [[nodiscard]] std::shared_ptr<asio::ssl::context> context_of(const HubCredentials& credentials);

    /// The alert to end with, or X509_V_OK.
    [[nodiscard]] int judge_device(X509_STORE_CTX* context, HubHandshake& handshake) const {
        const auto [leaf, others] = shown(context);
        const auto validity = judge(leaf, others, root, CertificateUse::kDevice, now());
        const auto device = parse_id<DeviceId>(leaf.name());
        if (!validity || !device) {
            handshake.refused = validity ? "its subject is no device" : validity.error().message;
            return X509_V_ERR_CERT_REJECTED;
        }
        const Peer peer{*device, leaf.public_key(), leaf.not_after(), *validity};
        const auto admission = admit(peer);
        if (admission == Admission::kWelcome)
            handshake.peer = peer;
        else
            handshake.refused = to_string(*device) + ": " + std::string{in_words(admission)};
        return reason_of(admission);
    }

    static int verify(X509_STORE_CTX* context, void*) noexcept {
        auto* handshake = static_cast<HubHandshake*>(SSL_get_ex_data(stream_of(context), slot()));
        int reason = X509_V_ERR_UNSPECIFIED;  // internal_error
        try {
            if (handshake != nullptr) reason = handshake->rules->judge_device(context, *handshake);
        } catch (const std::exception&) {
            handshake->refused = "the hub cannot look the device up";
        }
        X509_STORE_CTX_set_error(context, reason);
        return reason == X509_V_OK ? 1 : 0;
    }

    static int choose_protocol(SSL* stream,
                               const unsigned char** chosen,
                               unsigned char* chosen_size,
                               const unsigned char* offered,
                               unsigned offered_size,
                               void* root) {
        for (const auto protocol : {kSyncProtocol, kTrustProtocol}) {
            const std::string ours = wire_name(protocol);
            unsigned char* at = nullptr;
            if (SSL_select_next_proto(&at,
                                      chosen_size,
                                      reinterpret_cast<const unsigned char*>(ours.data()),
                                      static_cast<unsigned>(ours.size()),
                                      offered,
                                      offered_size) != OPENSSL_NPN_NEGOTIATED)
                continue;
            *chosen = reinterpret_cast<const unsigned char*>(protocol.data());
            if (protocol == kTrustProtocol) {
                // Who enrols has no certificate yet, and of the root only the fingerprint.
                SSL_set_verify(stream, SSL_VERIFY_PEER, nullptr);
                if (SSL_add1_chain_cert(stream, static_cast<X509*>(root)) != 1) break;
            }
            return SSL_TLSEXT_ERR_OK;
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
};

std::shared_ptr<asio::ssl::context> HubRules::context_of(const HubCredentials& credentials) {
    auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* context = out->native_handle();
    use_only_the_strictest(context);
    require(use_credentials(context, credentials.chain, credentials.key));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, root.native());
    return out;
}

HubTls::HubTls(HubCredentials credentials, Admit admit, std::function<Instant()> now)
    : rules_(
          std::make_shared<HubRules>(HubRules{credentials.root, std::move(admit), std::move(now)})),
      context_(rules_->context_of(credentials)) {}

void HubTls::renew(const HubCredentials& credentials) {
    context_ = rules_->context_of(credentials);
}

void HubTls::begin(SSL* stream, HubHandshake& handshake) const {
    handshake.rules = rules_;
    require(SSL_set_ex_data(stream, slot(), &handshake) == 1);
}

void HubTls::end(SSL* stream) { SSL_set_ex_data(stream, slot(), nullptr); }

struct DeviceTls::State {
    explicit State(DeviceCredentials its_credentials) : credentials(std::move(its_credentials)) {}

    /// Why the chain is not the hub's; empty when it is.
    [[nodiscard]] std::string judge_hub(X509_STORE_CTX* store) {
        const auto [leaf, others] = shown(store);
        root = credentials.root;
        for (const auto& other : others)
            if (!root && other.fingerprint() == credentials.root_fingerprint) root = other;
        if (!root || root->fingerprint() != credentials.root_fingerprint)
            return "it does not show the authority this device was enrolled with";
        const auto validity = judge(leaf, others, *root, CertificateUse::kHub, credentials.now);
        if (!validity) return validity.error().message;
        if (*validity == Validity::kLapsed)
            return "its certificate ended on " + format_instant(leaf.not_after()) + ", and it is " +
                   format_instant(credentials.now) + " here";
        const bool named =
            credentials.hub.empty() || X509_check_host(leaf.native(),
                                                       credentials.hub.data(),
                                                       credentials.hub.size(),
                                                       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                                                       nullptr) == 1;
        return named ? "" : "its certificate is of another hub";
    }

    static int verify(X509_STORE_CTX* store, void* state) noexcept {
        auto* self = static_cast<State*>(state);
        try {
            self->refused = self->judge_hub(store);
        } catch (const std::exception& e) {
            self->refused = e.what();
        }
        X509_STORE_CTX_set_error(store,
                                 self->refused.empty() ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
        return self->refused.empty() ? 1 : 0;
    }

    DeviceCredentials credentials;
    asio::ssl::context context{asio::ssl::context::tls_client};
    std::optional<Certificate> root;
    std::string refused;
};

Result<DeviceTls> DeviceTls::make(DeviceCredentials credentials, std::string_view protocol) {
    auto state = std::make_shared<State>(std::move(credentials));
    SSL_CTX* context = state->context.native_handle();
    use_only_the_strictest(context);
    const auto& mine = state->credentials;
    if (mine.key && !use_credentials(context, mine.chain, *mine.key))
        return fail(ErrorCode::kInvalidInput,
                    "the device's certificate is not of its key",
                    "Ask the office for a new code: streetlog-hub device code.");
    const std::string offer = wire_name(protocol);
    require(SSL_CTX_set_alpn_protos(context,
                                    reinterpret_cast<const unsigned char*>(offer.data()),
                                    static_cast<unsigned>(offer.size())) == 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, State::verify, state.get());
    return DeviceTls{std::move(state)};
}

asio::ssl::context& DeviceTls::context() const { return state_->context; }

const std::string& DeviceTls::refused() const { return state_->refused; }

const std::optional<Certificate>& DeviceTls::root() const { return state_->root; }

bool speaks(const SSL* stream, std::string_view protocol) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream, &name, &size);
    return std::string_view{reinterpret_cast<const char*>(name), size} == protocol;
}

std::optional<Error> refusal_of(const boost::system::error_code& error) {
    if (error.category() != asio::error::get_ssl_category()) return std::nullopt;
    const auto refused = [](const char* why, const char* hint) {
        return Error{ErrorCode::kNotPermitted, why, hint};
    };
    switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
            return refused("the office has revoked this device",
                           "Keep the device and ask the office; nothing on it is lost.");
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return refused("the office has suspended this device",
                           "Recording goes on; ask the office to resume it.");
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return refused("the hub does not know this device's certificate",
                           "Ask the office for a new code: streetlog-hub device code.");
        default:
            return std::nullopt;
    }
}

}  // namespace streetlog::net
