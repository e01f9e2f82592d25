#pragma once

#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Unpacks, hashes and chains every own record of agent.db anew, through any connection. Returns
/// how many there are; kDamaged where the chain breaks, kNotFound when the device is not set up.
[[nodiscard]] Result<std::uint64_t> verify_own_log(Db& db);

/// What the hub confirmed, checked without it.
struct EvidenceCheck {
    std::uint64_t receipts = 0;
    std::uint64_t unsigned_receipts = 0;  // from before hub and device had keys
};

/// Every receipt of own records against the hub's pinned key and the device's own chain. kDamaged
/// names the first that does not fit.
[[nodiscard]] Result<EvidenceCheck> verify_evidence(Db& db);

}  // namespace streetlog::store
