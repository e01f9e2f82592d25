#pragma once

#include "schema/error.hpp"
#include "sync/change/sign.hpp"

namespace streetlog::sync {

/// libsodium's sealed box to the X25519 form of an Ed25519 key: only its owner can open it, nobody
/// can alter it unseen, and nothing in it says who made it. Each call gives other bytes.
/// kInvalidInput when `to` is no key that can be sealed to.
[[nodiscard]] Result<Bytes> seal(const PublicKey& to, BytesView content);

/// kMalformed when the box was sealed to another key, or was damaged.
[[nodiscard]] Result<Bytes> open_seal(const SigningKey& key, BytesView box);

}  // namespace streetlog::sync
