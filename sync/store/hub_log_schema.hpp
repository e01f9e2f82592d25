#pragma once

#include <span>

namespace streetlog::store {

/// The schema of hub.db, one step a version; for HubLog alone.
[[nodiscard]] std::span<const char* const> hub_log_steps();

}  // namespace streetlog::store
