#pragma once

#include <functional>

#include "sync/change/record.hpp"

namespace streetlog::store {

/// Whether this version understands an op; a record with another op is held whole. Tests bring
/// their own.
using Understands = std::function<bool(const sync::Op&)>;
[[nodiscard]] bool catalogue_understands(const sync::Op& op);

}  // namespace streetlog::store
