#pragma once

#include <span>

namespace streetlog::store {

/// Numbered steps of agent.db, forward only (store::migrate). A released step never changes.
[[nodiscard]] std::span<const char* const> agent_schema();

}  // namespace streetlog::store
