#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"
#include "schema/ports.hpp"
#include "schema/time.hpp"
#include "sync/net/peer.hpp"

using X509 = struct x509_st;  // <openssl/types.h>

/// The deployment's own certificates: a root, an issuer under it, and under that the hub's and the
/// devices'. All keys are Ed25519.
namespace streetlog::net {

class Certificate {
  public:
    /// The first one in the text; kMalformed when there is none.
    [[nodiscard]] static Result<Certificate> from_pem(std::string_view pem);

    /// Requires: not null. Takes a reference of its own.
    explicit Certificate(X509* certificate);

    [[nodiscard]] std::string pem() const;

    /// The common name of its subject: a device's or the hub's id in 32 hex digits.
    [[nodiscard]] std::string name() const;

    /// Zeros when it is no Ed25519 key.
    [[nodiscard]] sync::PublicKey public_key() const;

    [[nodiscard]] Instant not_before() const;
    [[nodiscard]] Instant not_after() const;

    /// SHA-256 of the whole certificate, as `openssl x509 -fingerprint -sha256` shows it.
    [[nodiscard]] sync::Hash fingerprint() const;

    [[nodiscard]] X509* native() const { return certificate_.get(); }

  private:
    std::shared_ptr<X509> certificate_;
};

using CertificateChain = std::vector<Certificate>;  // from the leaf towards the root

/// Every certificate in the text; kMalformed when there is none or one cannot be read.
[[nodiscard]] Result<CertificateChain> read_chain(std::string_view pem);
[[nodiscard]] std::string to_pem(std::span<const Certificate> chain);

/// Written into the certificate, so that a device's cannot be shown as the hub's.
enum class CertificateUse : std::uint8_t { kRoot, kIssuer, kHub, kDevice };

struct CertificateDraft {
    CertificateUse use = CertificateUse::kDevice;
    std::string name;
    sync::PublicKey key{};
    Instant from;
    Instant until;
};

/// Whoever signs certificates: the root for the issuer, the issuer for the rest.
struct Signer {
    Certificate certificate;
    sync::SigningKey key;
};

[[nodiscard]] Certificate issue(const CertificateDraft& draft,
                                const Signer& signer,
                                Random& random);

/// A root is signed by itself. The draft's key is `key`'s, whatever it says.
[[nodiscard]] Certificate issue_root(CertificateDraft draft,
                                     const sync::SigningKey& key,
                                     Random& random);

/// A certificate request in PEM, signed by the key it is for.
[[nodiscard]] std::string make_request(const sync::SigningKey& key);

/// The key a request is for. kMalformed when it cannot be read, is for another kind of key or is
/// not signed by it.
[[nodiscard]] Result<sync::PublicKey> read_request(std::string_view pem);

/// Whether `leaf` stands under `root`, through any of `others`, for that use at `now`. One that
/// ended, or whose issuer did, has lapsed; it is for the caller to say what that means.
/// kNotPermitted for everything else that is wrong with it.
[[nodiscard]] Result<Validity> judge(const Certificate& leaf,
                                     std::span<const Certificate> others,
                                     const Certificate& root,
                                     CertificateUse use,
                                     Instant now);

/// Of the hub's and of devices'.
inline constexpr Millis kCertificateLife = std::chrono::days{90};

/// When the last third of such a life begins: the time to get the next one.
[[nodiscard]] Instant renewal_due(const Certificate& certificate);

}  // namespace streetlog::net
