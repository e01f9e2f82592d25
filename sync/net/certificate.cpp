#include "sync/net/certificate.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace streetlog::net {
namespace {

struct Free {
    void operator()(X509* p) const { X509_free(p); }

    void operator()(X509_REQ* p) const { X509_REQ_free(p); }

    void operator()(X509_STORE* p) const { X509_STORE_free(p); }

    void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }

    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }

    void operator()(ASN1_INTEGER* p) const { ASN1_INTEGER_free(p); }

    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }

    void operator()(BIO* p) const { BIO_free(p); }

    void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }
};

template <class T>
using Owned = std::unique_ptr<T, Free>;

/// What is left to fail where this is used is a lack of memory or a broken library.
void require(bool done) {
    if (!done) throw std::runtime_error{"OpenSSL cannot work with a certificate"};
}

Owned<BIO> reading(std::string_view text) {
    Owned<BIO> bio{BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size()))};
    require(bio != nullptr);
    return bio;
}

/// What `write` puts into a BIO.
template <class Write>
std::string written(Write write) {
    const Owned<BIO> bio{BIO_new(BIO_s_mem())};
    require(bio != nullptr && write(bio.get()) == 1);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

sync::PublicKey raw_key(EVP_PKEY* key) {
    sync::PublicKey out{};
    std::size_t size = out.size();
    if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key, out.data(), &size) != 1 || size != out.size())
        return {};
    return out;
}

Instant instant_of(const ASN1_TIME* time) {
    std::tm utc{};
    if (ASN1_TIME_to_tm(time, &utc) != 1) return {};
    return {static_cast<std::int64_t>(::timegm(&utc)) * 1000};
}

void set_time(ASN1_TIME* field, Instant at) {
    require(ASN1_TIME_set(field, static_cast<std::time_t>(at.ms / 1000)) != nullptr);
}

void add_extension(X509* certificate, X509* signer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension{X509V3_EXT_conf_nid(nullptr, &context, what, value)};
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// What each use may do, and no more (RFC 5280, 4.2.1).
void add_uses(X509* certificate, X509* signer, CertificateUse use, const std::string& name) {
    add_extension(certificate, signer, NID_subject_key_identifier, "hash");
    if (use != CertificateUse::kRoot)
        add_extension(certificate, signer, NID_authority_key_identifier, "keyid");
    switch (use) {
        case CertificateUse::kRoot:
            add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:1");
            add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign");
            break;
        case CertificateUse::kIssuer:
            add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
            add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign");
            break;
        case CertificateUse::kHub:
            add_extension(certificate, signer, NID_basic_constraints, "critical,CA:FALSE");
            add_extension(certificate, signer, NID_key_usage, "critical,digitalSignature");
            add_extension(certificate, signer, NID_ext_key_usage, "serverAuth");
            add_extension(certificate, signer, NID_subject_alt_name, ("DNS:" + name).c_str());
            break;
        case CertificateUse::kDevice:
            add_extension(certificate, signer, NID_basic_constraints, "critical,CA:FALSE");
            add_extension(certificate, signer, NID_key_usage, "critical,digitalSignature");
            add_extension(certificate, signer, NID_ext_key_usage, "clientAuth");
            break;
    }
}

void set_serial(X509* certificate, Random& random) {
    constexpr std::size_t kSerialBytes = 16;
    std::array<Byte, kSerialBytes> bytes{};
    random.fill(bytes);
    bytes.front() = static_cast<Byte>((bytes.front() & 0x7fU) | 0x01U);  // positive, full length
    BIGNUM* value = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
    require(value != nullptr);
    const Owned<ASN1_INTEGER> serial{BN_to_ASN1_INTEGER(value, nullptr)};
    BN_free(value);
    require(serial != nullptr && X509_set_serialNumber(certificate, serial.get()) == 1);
}

Owned<X509> drafted(const CertificateDraft& draft, Random& random) {
    Owned<X509> certificate{X509_new()};
    require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    set_serial(certificate.get(), random);
    set_time(X509_getm_notBefore(certificate.get()), draft.from);
    set_time(X509_getm_notAfter(certificate.get()), draft.until);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    require(X509_NAME_add_entry_by_txt(subject,
                                       "CN",
                                       MBSTRING_ASC,
                                       reinterpret_cast<const unsigned char*>(draft.name.data()),
                                       static_cast<int>(draft.name.size()),
                                       -1,
                                       0) == 1);
    const Owned<EVP_PKEY> key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, draft.key.data(), draft.key.size())};
    require(key != nullptr && X509_set_pubkey(certificate.get(), key.get()) == 1);
    return certificate;
}

Certificate signed_by(const CertificateDraft& draft,
                      Owned<X509> certificate,
                      X509* signer,
                      const sync::SigningKey& key) {
    require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1);
    add_uses(certificate.get(), signer, draft.use, draft.name);
    require(X509_sign(certificate.get(), key.native(), nullptr) > 0);
    return Certificate{certificate.get()};
}

/// An end is remembered and passed over; everything else stands.
int pass_over_ends(int good, X509_STORE_CTX* context) {
    if (good == 1) return 1;
    if (X509_STORE_CTX_get_error(context) != X509_V_ERR_CERT_HAS_EXPIRED) return 0;
    *static_cast<Validity*>(X509_STORE_CTX_get_app_data(context)) = Validity::kLapsed;
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
}

}  // namespace

Certificate::Certificate(X509* certificate) {
    require(certificate != nullptr && X509_up_ref(certificate) == 1);
    certificate_ = {certificate, Free{}};
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
    STREETLOG_TRY(const auto chain, read_chain(pem));
    return chain.front();
}

std::string Certificate::pem() const {
    return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
}

std::string Certificate::name() const {
    const X509_NAME* subject = X509_get_subject_name(certificate_.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

sync::PublicKey Certificate::public_key() const {
    return raw_key(X509_get0_pubkey(certificate_.get()));
}

Instant Certificate::not_before() const {
    return instant_of(X509_get0_notBefore(certificate_.get()));
}

Instant Certificate::not_after() const {
    return instant_of(X509_get0_notAfter(certificate_.get()));
}

sync::Hash Certificate::fingerprint() const {
    sync::Hash out{};
    unsigned size = out.size();
    require(X509_digest(certificate_.get(), EVP_sha256(), out.data(), &size) == 1);
    return out;
}

Result<CertificateChain> read_chain(std::string_view pem) {
    const auto bio = reading(pem);
    CertificateChain out;
    for (;;) {
        const Owned<X509> next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
        if (next == nullptr) break;
        out.emplace_back(next.get());
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (out.empty() || !at_end) return fail(ErrorCode::kMalformed, "not a certificate in PEM");
    return out;
}

std::string to_pem(std::span<const Certificate> chain) {
    std::string out;
    for (const auto& certificate : chain) out += certificate.pem();
    return out;
}

Certificate issue(const CertificateDraft& draft, const Signer& signer, Random& random) {
    return signed_by(draft, drafted(draft, random), signer.certificate.native(), signer.key);
}

Certificate issue_root(CertificateDraft draft, const sync::SigningKey& key, Random& random) {
    draft.use = CertificateUse::kRoot;
    draft.key = key.public_key();
    auto certificate = drafted(draft, random);
    X509* self = certificate.get();
    return signed_by(draft, std::move(certificate), self, key);
}

std::string make_request(const sync::SigningKey& key) {
    const Owned<X509_REQ> request{X509_REQ_new()};
    require(request != nullptr && X509_REQ_set_pubkey(request.get(), key.native()) == 1 &&
            X509_REQ_sign(request.get(), key.native(), nullptr) > 0);
    return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

Result<sync::PublicKey> read_request(std::string_view pem) {
    const auto bio = reading(pem);
    const Owned<X509_REQ> request{PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr)};
    EVP_PKEY* key = request == nullptr ? nullptr : X509_REQ_get0_pubkey(request.get());
    const auto raw = raw_key(key);
    const bool good = raw != sync::PublicKey{} && X509_REQ_verify(request.get(), key) == 1;
    ERR_clear_error();
    if (!good)
        return fail(ErrorCode::kMalformed, "not a certificate request signed by an Ed25519 key");
    return raw;
}

Result<Validity> judge(const Certificate& leaf,
                       std::span<const Certificate> others,
                       const Certificate& root,
                       CertificateUse use,
                       Instant now) {
    const Owned<X509_STORE> store{X509_STORE_new()};
    const Owned<X509_STORE_CTX> context{X509_STORE_CTX_new()};
    const Owned<STACK_OF(X509)> untrusted{sk_X509_new_null()};
    require(store != nullptr && context != nullptr && untrusted != nullptr);
    const auto unusable = [] {
        ERR_clear_error();
        return fail(ErrorCode::kMalformed, "the certificate cannot be judged");
    };
    if (X509_STORE_add_cert(store.get(), root.native()) != 1) return unusable();
    for (const auto& other : others) require(sk_X509_push(untrusted.get(), other.native()) > 0);
    if (X509_STORE_CTX_init(context.get(), store.get(), leaf.native(), untrusted.get()) != 1)
        return unusable();
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
    const int purpose =
        use == CertificateUse::kHub ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
    require(X509_VERIFY_PARAM_set_purpose(rules, purpose) == 1 &&
            X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT) == 1);
    X509_VERIFY_PARAM_set_depth(rules, 1);  // the issuer, between leaf and root
    X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(now.ms / 1000));
    Validity validity = Validity::kCurrent;
    X509_STORE_CTX_set_app_data(context.get(), &validity);
    X509_STORE_CTX_set_verify_cb(context.get(), pass_over_ends);
    const bool good = X509_verify_cert(context.get()) == 1;
    const int why = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    if (!good || leaf.public_key() == sync::PublicKey{})
        return fail(ErrorCode::kNotPermitted,
                    good ? "its key is no Ed25519 key" : X509_verify_cert_error_string(why));
    return validity;
}

Instant renewal_due(const Certificate& certificate) {
    return certificate.not_after() - kCertificateLife / 3;
}

}  // namespace streetlog::net
