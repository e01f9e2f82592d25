#pragma once

#include "hub/ingest/ledger.hpp"
#include "hub/trust/authority.hpp"
#include "sync/net/trust_frame.hpp"

/// Whom the hub lets in, and how a device comes by its certificate.
namespace streetlog::hub {

/// Wrong tries after which a code is worth nothing.
inline constexpr std::int64_t kCodeFailuresMost = 5;
inline constexpr Millis kCodeLife = std::chrono::hours{24};

/// What the hub thinks of the holder of a good certificate right now: of its key and of its state,
/// so no list of revoked certificates is needed. Throws StorageFailure.
[[nodiscard]] net::Admission admit(store::HubLog& log, const net::Peer& peer);

/// Answers one question of trust. `peer` is who asks, when it could show a certificate. On the
/// writer's thread: what it decides is on the disk when it returns.
[[nodiscard]] Result<net::TrustAnswer> answer_question(Ledger& ledger,
                                                       const Authority& authority,
                                                       Random& random,
                                                       std::string_view question,
                                                       const std::optional<net::Peer>& peer);

}  // namespace streetlog::hub
