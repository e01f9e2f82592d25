#pragma once

#include <boost/json/object.hpp>

#include "schema/checkup.hpp"

namespace streetlog::net {

/// {"fine": true, "checks": [{"check", "state", "found", "where", "todo", "code"}, ...]}; `code` is
/// there for trouble only.
[[nodiscard]] boost::json::object checkup_answer(const Checkup& checkup);

}  // namespace streetlog::net
