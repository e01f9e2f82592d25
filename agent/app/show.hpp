#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"

/// What the device knows, as answers for people and programs: lists of flat objects. They hold what
/// people typed and go to whoever asked, never to a log.
namespace streetlog::agent {

/// Any entity, with its columns under HUD's names, what else was said of them, and what belongs to
/// it; a client as its merged profile. kNotFound when the device does not know it.
[[nodiscard]] Result<boost::json::object> show_entity(store::AgentReader& reader, EntityId id);

/// One box: names in any order, digits of an SSN, a date of birth. SSNs come masked.
[[nodiscard]] Result<boost::json::object> find_clients(store::AgentReader& reader,
                                                       std::string_view text,
                                                       std::size_t limit);

[[nodiscard]] Result<boost::json::object> list_projects(store::AgentReader& reader);

}  // namespace streetlog::agent
