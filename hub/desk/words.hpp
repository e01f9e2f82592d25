#pragma once

#include <boost/json/object.hpp>

#include "sync/merge/register.hpp"

namespace streetlog::hub {

/// Cells by HUD's column names; redacted ones say "(redacted)". Empty answers are left out.
[[nodiscard]] boost::json::object cells_as_json(const std::vector<sync::Cell>& cells);
/// "Client", or the number of a table this version does not know.
[[nodiscard]] std::string table_name(std::uint16_t table);
/// "client.name"; "keys" for group 0.
[[nodiscard]] std::string group_name(std::uint16_t group);

}  // namespace streetlog::hub
