#include "sync/change/sign.hpp"

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>

namespace streetlog::sync {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

    void operator()(BIO* bio) const { BIO_free(bio); }
};

using Context = std::unique_ptr<EVP_MD_CTX, Free>;
using Memory = std::unique_ptr<BIO, Free>;

/// What is left to fail below is a lack of memory or a broken library.
void require(bool done) {
    if (!done) throw std::runtime_error{"OpenSSL cannot work with an Ed25519 key"};
}

Bytes message_of(std::string_view context, BytesView data) {
    Bytes out;
    out.reserve(context.size() + data.size());
    out.insert(out.end(), context.begin(), context.end());
    out.insert(out.end(), data.begin(), data.end());
    return out;
}

/// No password: an encrypted key must not ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

SigningKey::SigningKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {
    std::size_t size = public_.size();
    require(EVP_PKEY_get_raw_public_key(key_.get(), public_.data(), &size) == 1);
}

SigningKey SigningKey::make(Random& random) {
    std::array<Byte, 32> seed{};
    random.fill(seed);
    std::shared_ptr<EVP_PKEY> key{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()), Free{}};
    require(key != nullptr);
    return SigningKey{std::move(key)};
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
    const Memory bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    require(bio != nullptr);
    std::shared_ptr<EVP_PKEY> key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr),
                                  Free{}};
    if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
        return fail(ErrorCode::kMalformed, "not an Ed25519 private key in PEM");
    return SigningKey{std::move(key)};
}

std::string SigningKey::pem() const {
    const Memory bio{BIO_new(BIO_s_mem())};
    require(bio != nullptr &&
            PEM_write_bio_PrivateKey(
                bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Signature SigningKey::sign(std::string_view context, BytesView data) const {
    const Bytes message = message_of(context, data);
    Signature out{};
    std::size_t size = out.size();
    const Context digest{EVP_MD_CTX_new()};
    require(digest != nullptr &&
            EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
            EVP_DigestSign(digest.get(), out.data(), &size, message.data(), message.size()) == 1);
    return out;
}

bool verify(const PublicKey& key, std::string_view context, BytesView data, BytesView signature) {
    // All zeros is a point of low order: anybody can sign for it.
    if (signature.size() != Signature{}.size() || key == PublicKey{}) return false;
    const std::unique_ptr<EVP_PKEY, Free> native{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size())};
    if (native == nullptr) return false;
    const Bytes message = message_of(context, data);
    const Context digest{EVP_MD_CTX_new()};
    require(digest != nullptr);
    return EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, native.get()) == 1 &&
           EVP_DigestVerify(
               digest.get(), signature.data(), signature.size(), message.data(), message.size()) ==
               1;
}

}  // namespace streetlog::sync
