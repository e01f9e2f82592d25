#include "tests/bench/derived_trust.hpp"

#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"
#include "sync/net/system_clock.hpp"
#include "tests/bench/dice.hpp"

namespace streetlog::bench {
namespace {

constexpr std::uint64_t kAuthoritySeed = 0xa07407;
constexpr std::uint64_t kDeviceSeed = 0xde51ce;

/// Long enough that no run meets an end.
constexpr Instant kFrom{1'704'067'200'000};   // 2024
constexpr Instant kUntil{2'335'219'200'000};  // 2044

struct Derived {
    net::Certificate root;
    net::Signer issuer;
    net::HubCredentials hub;
};

Derived derive() {
    Dice dice{kAuthoritySeed};
    const auto root_key = sync::SigningKey::make(dice);
    const auto root = net::issue_root({.use = net::CertificateUse::kRoot,
                                       .name = "bench root",
                                       .key = {},
                                       .from = kFrom,
                                       .until = kUntil},
                                      root_key,
                                      dice);
    const auto issuer_key = sync::SigningKey::make(dice);
    const net::Signer issuer{net::issue({.use = net::CertificateUse::kIssuer,
                                         .name = "bench issuer",
                                         .key = issuer_key.public_key(),
                                         .from = kFrom,
                                         .until = kUntil},
                                        {root, root_key},
                                        dice),
                             issuer_key};
    const auto hub_key = sync::SigningKey::make(dice);
    const auto hub = net::issue({.use = net::CertificateUse::kHub,
                                 .name = "bench",
                                 .key = hub_key.public_key(),
                                 .from = kFrom,
                                 .until = kUntil},
                                issuer,
                                dice);
    return {root, issuer, {root, {hub, issuer.certificate}, hub_key}};
}

}  // namespace

net::DeviceCredentials derived_credentials(std::uint64_t number, const DeviceId& device) {
    const auto derived = derive();
    Dice dice{kDeviceSeed + number};
    net::DeviceCredentials out;
    out.root = derived.root;
    out.root_fingerprint = derived.root.fingerprint();
    out.key = sync::SigningKey::make(dice);
    out.chain = {net::issue({.use = net::CertificateUse::kDevice,
                             .name = to_string(device),
                             .key = out.key->public_key(),
                             .from = kFrom,
                             .until = kUntil},
                            derived.issuer,
                            dice),
                 derived.issuer.certificate};
    out.now = net::SystemClock{}.now();
    return out;
}

net::HubCredentials derived_hub() { return derive().hub; }

Result<void> write_derived_authority(const std::filesystem::path& hub_directory) {
    const auto derived = derive();
    STREETLOG_CHECK(
        net::replace_private(hub::root_certificate_file(hub_directory), derived.root.pem()));
    STREETLOG_CHECK(
        net::replace_private(hub::issuer_key_file(hub_directory), derived.issuer.key.pem()));
    STREETLOG_CHECK(net::replace_private(hub::issuer_certificate_file(hub_directory),
                                         derived.issuer.certificate.pem()));
    STREETLOG_CHECK(net::replace_private(hub::hub_key_file(hub_directory), derived.hub.key.pem()));
    return net::replace_private(hub::hub_certificate_file(hub_directory),
                                derived.hub.chain.front().pem());
}

}  // namespace streetlog::bench
