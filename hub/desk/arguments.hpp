#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "schema/error.hpp"
#include "schema/id.hpp"

namespace streetlog::hub {

/// Arguments of a command as they came over the control socket: kUsage names the one that is
/// missing or of another form.
[[nodiscard]] Result<std::string> text_of(const boost::json::object& arguments,
                                          std::string_view name);
[[nodiscard]] std::optional<std::string> optional_text(const boost::json::object& arguments,
                                                       std::string_view name);
[[nodiscard]] std::optional<std::int64_t> optional_number(const boost::json::object& arguments,
                                                          std::string_view name);
[[nodiscard]] Result<EntityId> entity_of(const boost::json::object& arguments,
                                         std::string_view name);

}  // namespace streetlog::hub
