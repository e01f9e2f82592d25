#pragma once

#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Unpacks, hashes and chains every own record of agent.db anew, through any connection. Returns
/// how many there are; kDamaged where the chain breaks, kNotFound when the device is not set up.
[[nodiscard]] Result<std::uint64_t> verify_own_log(Db& db);

}  // namespace streetlog::store
