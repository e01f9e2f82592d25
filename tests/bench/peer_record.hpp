#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "sync/store/agent_types.hpp"

namespace streetlog::bench {

/// A record of the peer comparison (twelve texts: clientId, first, last, dob, ...) as the intake
/// that would have made it: a client whose id is `clientId`, and what of it HUD has a column for;
/// the rest stands in a note. kMalformed when a field is missing.
[[nodiscard]] Result<store::SaveRequest> read_peer_record(const boost::json::value& record);
[[nodiscard]] Result<store::SaveRequest> read_peer_record(std::string_view line);

/// As `clientId` is written: "01234567-89ab-cdef-0123-456789abcdef".
[[nodiscard]] std::string client_id_text(const EntityId& id);

}  // namespace streetlog::bench
