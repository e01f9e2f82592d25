#include "sync/session/evidence.hpp"

#include <algorithm>

#include "sync/session/statement.hpp"

namespace streetlog::sync {
namespace {

constexpr std::string_view kHello = "streetlog hello/1\n";
constexpr std::string_view kBatch = "streetlog batch/1\n";
constexpr std::string_view kReceipt = "streetlog receipt/1\n";
constexpr std::string_view kHead = "streetlog head/1\n";
constexpr std::string_view kNonce = "streetlog nonce/1\n";

constexpr std::size_t kHeadBytes = 16 + sizeof(Hash);
/// Of the signature that makes a nonce; as hard to guess as it needs to be.
constexpr std::size_t kNonceProofBytes = 24;

Bytes as_bytes(const Signature& signature) { return {signature.begin(), signature.end()}; }

Bytes hello_statement(BytesView challenge, const Hello& hello) {
    Statement out;
    out << challenge << hello.replica << hello.last_seq << hello.head_hash
        << BytesView{hello.session_nonce};
    return out.take();
}

Bytes batch_statement(const Replica& replica, std::uint64_t last_seq, const Hash& head) {
    Statement out;
    out << replica << last_seq << head;
    return out.take();
}

Bytes receipt_statement(const RunReceipt& receipt) {
    Statement out;
    out << receipt.replica << receipt.first_seq << receipt.last_seq << receipt.last_hash
        << receipt.received.ms << receipt.first_hub_seq.value;
    for (const RecordTime& t : receipt.times)
        out << t.hlc_hub.value << t.saved.lo.ms << t.saved.hi.ms;
    return out.take();
}

Bytes head_statement(const SignedHead& head) {
    Statement out;
    out << head.epoch << head.head.seq.value << head.head.hash;
    return out.take();
}

std::uint64_t number_in(BytesView bytes) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 8; ++i) n |= std::uint64_t{bytes[i]} << (8 * i);
    return n;
}

}  // namespace

Bytes sign_hello(const SigningKey& device, BytesView challenge, const Hello& hello) {
    return as_bytes(device.sign(kHello, hello_statement(challenge, hello)));
}

bool verify_hello(const PublicKey& device, BytesView challenge, const Hello& hello) {
    return verify(device, kHello, hello_statement(challenge, hello), hello.signature);
}

Bytes sign_batch(const SigningKey& author,
                 const Replica& replica,
                 std::uint64_t last_seq,
                 const Hash& head) {
    return as_bytes(author.sign(kBatch, batch_statement(replica, last_seq, head)));
}

bool verify_batch(const PublicKey& author,
                  const Replica& replica,
                  std::uint64_t last_seq,
                  const Hash& head,
                  BytesView signature) {
    return verify(author, kBatch, batch_statement(replica, last_seq, head), signature);
}

void sign_receipt(const SigningKey& hub, RunReceipt& receipt) {
    receipt.signature = as_bytes(hub.sign(kReceipt, receipt_statement(receipt)));
}

bool verify_receipt(const PublicKey& hub, const RunReceipt& receipt) {
    return verify(hub, kReceipt, receipt_statement(receipt), receipt.signature);
}

Bytes sign_head(const SigningKey& hub, const SignedHead& head) {
    Bytes out = head_statement(head);
    const Signature signature = hub.sign(kHead, out);
    out.insert(out.end(), signature.begin(), signature.end());
    return out;
}

std::optional<SignedHead> verified_head(const PublicKey& hub, BytesView signed_head) {
    if (signed_head.size() != kHeadBytes + sizeof(Signature)) return std::nullopt;
    const BytesView said = signed_head.first(kHeadBytes);
    if (!verify(hub, kHead, said, signed_head.subspan(kHeadBytes))) return std::nullopt;
    SignedHead out;
    out.epoch = number_in(said);
    out.head.seq = {number_in(said.subspan(8))};
    std::ranges::copy(said.subspan(16), out.head.hash.begin());
    return out;
}

Bytes make_nonce(const SigningKey& hub, const Replica& replica, std::uint64_t number) {
    Statement statement;
    statement << replica << number;
    const Signature proof = hub.sign(kNonce, statement.take());
    Statement out;
    out << number;
    Bytes nonce = out.take();
    nonce.insert(nonce.end(), proof.begin(), proof.begin() + kNonceProofBytes);
    return nonce;
}

std::optional<std::uint64_t> number_of_nonce(const SigningKey& hub,
                                             const Replica& replica,
                                             BytesView nonce) {
    if (nonce.empty()) return 0;
    if (nonce.size() != 8 + kNonceProofBytes) return std::nullopt;
    const std::uint64_t number = number_in(nonce);
    // The nonce is no secret from who shows it, so comparing need not take constant time.
    const Bytes own = make_nonce(hub, replica, number);
    if (number == 0 || !std::ranges::equal(own, nonce)) return std::nullopt;
    return number;
}

}  // namespace streetlog::sync
