#pragma once

#include <memory>

#include "tests/bench/role.hpp"

namespace streetlog::bench {

/// The naive floor behind the exec protocol: records of twelve texts over a WebSocket into one
/// SQLite table, synchronous=FULL, 500 a transaction, four batches in flight, no checks, no
/// merging. What a push costs beside what it is for.
[[nodiscard]] std::unique_ptr<Role> make_floor_role();

}  // namespace streetlog::bench
