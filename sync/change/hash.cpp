// SHA256_Init and friends are deprecated in OpenSSL 3 in favour of EVP, which allocates a context
// per digest: three times the cost for the 100-byte inputs here, four of them a record.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sync/change/hash.hpp"

#include <string_view>

#include <openssl/sha.h>

namespace streetlog::sync {
namespace {

class Sha256 {
  public:
    Sha256() { SHA256_Init(&context_); }

    Sha256& operator<<(BytesView data) {
        SHA256_Update(&context_, data.data(), data.size());
        return *this;
    }

    Sha256& operator<<(std::string_view text) {
        SHA256_Update(&context_, text.data(), text.size());
        return *this;
    }

    Hash finish() {
        Hash out;
        SHA256_Final(out.data(), &context_);
        return out;
    }

  private:
    SHA256_CTX context_{};
};

}  // namespace

Hash sha256(BytesView data) { return (Sha256{} << data).finish(); }

struct Sha256Stream::Impl {
    Sha256 sha;
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::add(BytesView data) { impl_->sha << data; }

Hash Sha256Stream::finish() { return impl_->sha.finish(); }

Hash record_hash(BytesView header, std::span<const BytesView> ops) {
    Sha256 sha;
    sha << std::string_view{"hmis-rec/1"} << header;
    for (BytesView op : ops) sha << sha256(op);
    return sha.finish();
}

Hash chain_hash(const Hash& previous, const Hash& record) {
    return (Sha256{} << std::string_view{"hmis-sync/1"} << previous << record).finish();
}

Hash hub_chain_hash(const Hash& previous, const Hash& run_head) {
    return (Sha256{} << std::string_view{"hmis-hub/1"} << previous << run_head).finish();
}

}  // namespace streetlog::sync
