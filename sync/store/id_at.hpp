#pragma once

#include <algorithm>

#include "schema/id.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Nil when the column is NULL.
[[nodiscard]] inline EntityId id_at(const Stmt& stmt, int column) {
    EntityId out;
    const auto bytes = stmt.blob(column);
    if (bytes.size() == out.bytes.size()) std::ranges::copy(bytes, out.bytes.begin());
    return out;
}

}  // namespace streetlog::store
