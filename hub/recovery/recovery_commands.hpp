#pragma once

#include <optional>

#include <boost/json/object.hpp>

#include "hub/ingest/ledger.hpp"

namespace streetlog::hub {

/// The commands "alarms", "alarms show", "alarms close", "recovery" and "recovery write-off"; none
/// when it is another one. On the writer's thread. Throws StorageFailure.
[[nodiscard]] std::optional<Result<boost::json::object>> recovery_command(
    Ledger& ledger, std::string_view command, const boost::json::object& arguments);

}  // namespace streetlog::hub
