#include "hub/trust/authority.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::hub {
namespace {

using std::chrono::days;

constexpr Millis kRootLife = days{3652};
constexpr Millis kIssuerLife = days{366};
/// What is made now is good from a little earlier on: clocks differ.
constexpr Millis kLeeway = days{1};
/// A renewal that gains less is none: under an issuer that ends soon there is nothing to gain.
constexpr Millis kGainLeast = days{1};

net::Signer make_issuer(const net::Signer& root, Instant now, Random& random) {
    auto key = sync::SigningKey::make(random);
    auto certificate =
        net::issue({.use = net::CertificateUse::kIssuer,
                    .name = "Streetlog issuer",
                    .key = key.public_key(),
                    .from = now - kLeeway,
                    .until = std::min(now + kIssuerLife, root.certificate.not_after())},
                   root,
                   random);
    return {std::move(certificate), std::move(key)};
}

/// Its beginning is the issuer's: a device whose clock is slow, but possible, must not take a new
/// certificate of its hub for one of the future.
net::Certificate make_hub(const std::string& name,
                          const sync::PublicKey& key,
                          const net::Signer& issuer,
                          Instant now,
                          Random& random) {
    return net::issue(
        {.use = net::CertificateUse::kHub,
         .name = name,
         .key = key,
         .from = issuer.certificate.not_before(),
         .until = std::min(now + net::kCertificateLife, issuer.certificate.not_after())},
        issuer,
        random);
}

Result<net::Certificate> load_certificate(const std::filesystem::path& file) {
    STREETLOG_TRY(const auto pem, net::read_private(file));
    auto out = net::Certificate::from_pem(pem);
    if (!out)
        return fail(ErrorCode::kDamaged,
                    fmt::format("{}: {}", file.string(), out.error().message),
                    "Put it back from a backup.");
    return out;
}

}  // namespace

Result<void> Authority::make(const std::filesystem::path& data,
                             const DeviceId& hub,
                             Instant now,
                             Random& random,
                             const KeepRootKey& keep) {
    auto root_key = sync::SigningKey::make(random);
    auto root = net::issue_root({.use = net::CertificateUse::kRoot,
                                 .name = "Streetlog root of " + to_string(hub),
                                 .key = {},
                                 .from = now - kLeeway,
                                 .until = now + kRootLife},
                                root_key,
                                random);
    const net::Signer top{root, root_key};
    const auto issuer = make_issuer(top, now, random);
    STREETLOG_TRY(const auto hub_key, net::load_or_make_key(hub_key_file(data), random));
    const auto own = make_hub(to_string(hub), hub_key.public_key(), issuer, now, random);
    STREETLOG_CHECK(keep(root_key.pem()));
    STREETLOG_CHECK(net::replace_private(issuer_key_file(data), issuer.key.pem()));
    STREETLOG_CHECK(net::replace_private(issuer_certificate_file(data), issuer.certificate.pem()));
    STREETLOG_CHECK(net::replace_private(hub_certificate_file(data), own.pem()));
    return net::replace_private(root_certificate_file(data), root.pem());
}

Result<Authority> Authority::open(const std::filesystem::path& data) {
    const auto missing = [&](const Error& error) {
        return fail(error.code,
                    error.message,
                    "Put the hub's keys and certificates back from a backup; a hub that never had "
                    "any gets them by streetlog-hub ca init.");
    };
    auto root = load_certificate(root_certificate_file(data));
    if (!root) return missing(root.error());
    auto certificate = load_certificate(issuer_certificate_file(data));
    if (!certificate) return missing(certificate.error());
    auto issuer_key = net::load_key(issuer_key_file(data));
    if (!issuer_key) return missing(issuer_key.error());
    auto hub = load_certificate(hub_certificate_file(data));
    if (!hub) return missing(hub.error());
    auto hub_key = net::load_key(hub_key_file(data));
    if (!hub_key) return missing(hub_key.error());
    if (certificate->public_key() != issuer_key->public_key())
        return fail(ErrorCode::kDamaged,
                    "issuer.crt is not of issuer.key",
                    "Put both back from the same backup.");
    if (hub->public_key() != hub_key->public_key())
        return fail(ErrorCode::kDamaged,
                    "hub.crt is not of hub.key",
                    "Put both back from the same backup.");
    return Authority{data,
                     *std::move(root),
                     {*std::move(certificate), *std::move(issuer_key)},
                     *std::move(hub),
                     *std::move(hub_key)};
}

Result<net::Signer> Authority::new_issuer(const sync::SigningKey& root_key,
                                          Instant now,
                                          Random& random) const {
    if (root_.public_key() != root_key.public_key())
        return fail(ErrorCode::kInvalidInput, "that is the key of another root");
    return make_issuer({root_, root_key}, now, random);
}

Result<void> Authority::take_issuer(net::Signer issuer, Instant now, Random& random) {
    if (issuer.certificate.public_key() != issuer.key.public_key())
        return fail(ErrorCode::kInvalidInput, "the issuer's certificate is not of its key");
    auto own = make_hub(hub_.name(), hub_key_.public_key(), issuer, now, random);
    const std::array under{issuer.certificate};
    STREETLOG_CHECK(net::judge(own, under, root_, net::CertificateUse::kHub, now));
    // A stop in between leaves an issuer whose certificate is not of its key, which open() names.
    STREETLOG_CHECK(net::replace_private(issuer_key_file(data_), issuer.key.pem()));
    STREETLOG_CHECK(net::replace_private(issuer_certificate_file(data_), issuer.certificate.pem()));
    STREETLOG_CHECK(net::replace_private(hub_certificate_file(data_), own.pem()));
    issuer_ = std::move(issuer);
    hub_ = std::move(own);
    return {};
}

net::CertificateChain Authority::issue(const DeviceId& device,
                                       const sync::PublicKey& key,
                                       Instant now,
                                       Random& random) const {
    return {net::issue(
                {.use = net::CertificateUse::kDevice,
                 .name = to_string(device),
                 .key = key,
                 .from = now - kLeeway,
                 .until = std::min(now + net::kCertificateLife, issuer_.certificate.not_after())},
                issuer_,
                random),
            issuer_.certificate};
}

Result<bool> Authority::renew_hub(Instant now, Random& random) {
    if (now < net::renewal_due(hub_)) return false;
    auto fresh = make_hub(hub_.name(), hub_key_.public_key(), issuer_, now, random);
    if (fresh.not_after() < hub_.not_after() + kGainLeast) return false;
    STREETLOG_CHECK(net::replace_private(hub_certificate_file(data_), fresh.pem()));
    hub_ = std::move(fresh);
    return true;
}

net::HubCredentials Authority::credentials() const {
    return {root_, {hub_, issuer_.certificate}, hub_key_};
}

}  // namespace streetlog::hub
