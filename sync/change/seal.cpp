#include "sync/change/seal.hpp"

#include <stdexcept>

#include <openssl/evp.h>
#include <sodium.h>

namespace streetlog::sync {
namespace {

using BoxKey = std::array<Byte, crypto_box_PUBLICKEYBYTES>;

/// What is left to fail below is a lack of memory or a broken library.
void require(bool done) {
    if (!done) throw std::runtime_error{"libsodium cannot make a sealed box"};
}

void begin() { require(sodium_init() >= 0); }

/// Wiped when it goes.
template <std::size_t size>
struct Secret {
    std::array<Byte, size> bytes{};

    Secret() = default;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    ~Secret() { sodium_memzero(bytes.data(), bytes.size()); }
};

}  // namespace

Result<Bytes> seal(const PublicKey& to, BytesView content) {
    begin();
    BoxKey box_key{};
    if (crypto_sign_ed25519_pk_to_curve25519(box_key.data(), to.data()) != 0)
        return fail(ErrorCode::kInvalidInput, "nothing can be sealed to this key");
    Bytes out(content.size() + crypto_box_SEALBYTES);
    require(crypto_box_seal(out.data(), content.data(), content.size(), box_key.data()) == 0);
    return out;
}

Result<Bytes> open_seal(const SigningKey& key, BytesView box) {
    begin();
    const auto closed = [] {
        return fail(ErrorCode::kMalformed, "it is sealed for somebody else, or damaged");
    };
    if (box.size() < crypto_box_SEALBYTES) return closed();
    Secret<crypto_sign_SEEDBYTES> seed;
    std::size_t size = seed.bytes.size();
    require(EVP_PKEY_get_raw_private_key(key.native(), seed.bytes.data(), &size) == 1);
    Secret<crypto_sign_SECRETKEYBYTES> signing;
    PublicKey same{};
    require(crypto_sign_seed_keypair(same.data(), signing.bytes.data(), seed.bytes.data()) == 0);
    Secret<crypto_box_SECRETKEYBYTES> secret;
    BoxKey box_key{};
    require(crypto_sign_ed25519_sk_to_curve25519(secret.bytes.data(), signing.bytes.data()) == 0 &&
            crypto_sign_ed25519_pk_to_curve25519(box_key.data(), same.data()) == 0);
    Bytes out(box.size() - crypto_box_SEALBYTES);
    if (crypto_box_seal_open(
            out.data(), box.data(), box.size(), box_key.data(), secret.bytes.data()) != 0)
        return closed();
    return out;
}

}  // namespace streetlog::sync
