#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "schema/error.hpp"
#include "schema/ports.hpp"
#include "sync/change/hash.hpp"

using EVP_PKEY = struct evp_pkey_st;  // <openssl/types.h>

namespace streetlog::sync {

/// Ed25519 (RFC 8032). All zeros: no key, no signature.
using PublicKey = std::array<Byte, 32>;
using Signature = std::array<Byte, 64>;

/// The secret half of a key of a device or of the hub.
class SigningKey {
  public:
    [[nodiscard]] static SigningKey make(Random& random);

    /// kMalformed when the text is no unencrypted PEM of an Ed25519 private key.
    [[nodiscard]] static Result<SigningKey> from_pem(std::string_view pem);
    [[nodiscard]] std::string pem() const;

    [[nodiscard]] const PublicKey& public_key() const { return public_; }

    /// Over `context` and `data`; the context keeps a signature of one kind of thing from being
    /// taken for another. No context is the beginning of another one.
    [[nodiscard]] Signature sign(std::string_view context, BytesView data) const;

    /// For certificates. Lives as long as this key or a copy of it.
    [[nodiscard]] EVP_PKEY* native() const { return key_.get(); }

  private:
    explicit SigningKey(std::shared_ptr<EVP_PKEY> key);

    std::shared_ptr<EVP_PKEY> key_;
    PublicKey public_{};
};

/// False also when the signature has another length than 64.
[[nodiscard]] bool verify(const PublicKey& key,
                          std::string_view context,
                          BytesView data,
                          BytesView signature);

}  // namespace streetlog::sync
