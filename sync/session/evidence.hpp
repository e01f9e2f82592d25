#pragma once

#include "sync/change/sign.hpp"
#include "sync/session/messages.hpp"

/// What is signed, and by whom. Ed25519 is deterministic, so nothing of it is stored that can be
/// made again from its parts; only what a device signed is kept by the hub, and the other way
/// round. Each kind has a context of its own, so none can pass for another.
namespace streetlog::sync {

/// By the device: that it, and not a recording of it, speaks now; what its log ends in; which
/// session came before.
[[nodiscard]] Bytes sign_hello(const SigningKey& device, BytesView challenge, const Hello& hello);
[[nodiscard]] bool verify_hello(const PublicKey& device, BytesView challenge, const Hello& hello);

/// By the author: that its chain is `head` after its record `last_seq`. The chain holds all that
/// came before, so one signature at the end of a batch covers the batch however it is cut later.
[[nodiscard]] Bytes sign_batch(const SigningKey& author,
                               const Replica& replica,
                               std::uint64_t last_seq,
                               const Hash& head);
[[nodiscard]] bool verify_batch(const PublicKey& author,
                                const Replica& replica,
                                std::uint64_t last_seq,
                                const Hash& head,
                                BytesView signature);

/// By the hub: everything in the receipt.
void sign_receipt(const SigningKey& hub, RunReceipt& receipt);
[[nodiscard]] bool verify_receipt(const PublicKey& hub, const RunReceipt& receipt);

/// How far the hub's log had gone, and under which epoch label.
struct SignedHead {
    std::uint64_t epoch = 0;
    Position head;

    friend bool operator==(const SignedHead&, const SignedHead&) = default;
};

/// By the hub. The bytes hold it all.
[[nodiscard]] Bytes sign_head(const SigningKey& hub, const SignedHead& head);
/// What the bytes hold, if the hub signed it.
[[nodiscard]] std::optional<SignedHead> verified_head(const PublicKey& hub, BytesView signed_head);

/// The rolling nonce of a replica: the hub issues them in order, so a number tells a device that
/// fell back (it shows an older one) from a hub that did (it is shown a newer one than it knows).
[[nodiscard]] Bytes make_nonce(const SigningKey& hub, const Replica& replica, std::uint64_t number);
/// Its number, if the hub issued it for this replica; 0 for the empty nonce of a replica that never
/// had a session.
[[nodiscard]] std::optional<std::uint64_t> number_of_nonce(const SigningKey& hub,
                                                           const Replica& replica,
                                                           BytesView nonce);

}  // namespace streetlog::sync
