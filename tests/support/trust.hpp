#pragma once

#include <chrono>

#include "sync/net/system_clock.hpp"
#include "sync/net/tls.hpp"
#include "tests/support/clocks.hpp"

namespace streetlog::test {

using std::chrono::days;

inline DeviceId device_id(Byte n) {
    DeviceId id;
    id.bytes.front() = 0xde;
    id.bytes.back() = n;
    return id;
}

struct Lifetime {
    Millis from = -days{1};
    Millis until = days{90};
};

/// A deployment's authority in memory: as the hub's own makes certificates, and as it never would.
class TestAuthority {
  public:
    explicit TestAuthority(std::uint64_t seed = 1)
        : random_(seed),
          root_key_(sync::SigningKey::make(random_)),
          root_(
              net::issue_root(draft(net::CertificateUse::kRoot, "root", {}, {-days{1}, days{3650}}),
                              root_key_,
                              random_)),
          issuer_(make_issuer()) {}

    [[nodiscard]] Instant now() const { return now_; }

    [[nodiscard]] const net::Certificate& root() const { return root_; }

    [[nodiscard]] const net::Signer& issuer() const { return issuer_; }

    [[nodiscard]] sync::SigningKey key() { return sync::SigningKey::make(random_); }

    [[nodiscard]] net::HubCredentials hub(const std::string& name = kHubName,
                                          Lifetime life = {},
                                          net::CertificateUse use = net::CertificateUse::kHub) {
        const auto own = key();
        return {root_, {issued(use, name, own, life), issuer_.certificate}, own};
    }

    /// What a device of this authority shows.
    [[nodiscard]] net::DeviceCredentials device(
        const DeviceId& id = device_id(1),
        Lifetime life = {},
        net::CertificateUse use = net::CertificateUse::kDevice) {
        auto out = stranger();
        out.key = key();
        out.chain = {issued(use, to_string(id), *out.key, life), issuer_.certificate};
        return out;
    }

    /// Knows the hub, has no certificate.
    [[nodiscard]] net::DeviceCredentials stranger() const {
        net::DeviceCredentials out;
        out.root_fingerprint = root_.fingerprint();
        out.root = root_;
        out.hub = kHubName;
        out.now = now_;
        return out;
    }

    /// A hub's side that lets in whoever has a good certificate.
    [[nodiscard]] net::HubTls tls(net::Admit admit = welcome) {
        return tls(hub(), std::move(admit));
    }

    [[nodiscard]] net::HubTls tls(net::HubCredentials shown, net::Admit admit = welcome) const {
        return {std::move(shown), std::move(admit), [at = now_] { return at; }};
    }

    static net::Admission welcome(const net::Peer&) { return net::Admission::kWelcome; }

    static constexpr const char* kHubName = "db000000000000000000000000000001";

  private:
    [[nodiscard]] net::CertificateDraft draft(net::CertificateUse use,
                                              const std::string& name,
                                              const sync::PublicKey& key,
                                              Lifetime life) const {
        return {use, name, key, now_ + life.from, now_ + life.until};
    }

    [[nodiscard]] net::Certificate issued(net::CertificateUse use,
                                          const std::string& name,
                                          const sync::SigningKey& key,
                                          Lifetime life) {
        return net::issue(draft(use, name, key.public_key(), life), issuer_, random_);
    }

    [[nodiscard]] net::Signer make_issuer() {
        const auto own = key();
        return {net::issue(draft(net::CertificateUse::kIssuer,
                                 "issuer",
                                 own.public_key(),
                                 {-days{1}, days{366}}),
                           {root_, root_key_},
                           random_),
                own};
    }

    Instant now_ = net::SystemClock{}.now();
    SeededRandom random_;
    sync::SigningKey root_key_;
    net::Certificate root_;
    net::Signer issuer_;
};

}  // namespace streetlog::test
