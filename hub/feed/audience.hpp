#pragma once

#include <span>

#include "sync/change/record.hpp"

/// Who is told what (sync-core §10): a device that serves some projects is told what every device
/// needs, and beside that what its projects did. Pure.
namespace streetlog::hub {

/// Scopes that are no project's, by their numbers on the wire. Those of projects begin at
/// kScopeFirstProject; the projection gives them out in the order of the log.
inline constexpr std::uint32_t kScopeAll = 1;     // everything there is, as records
inline constexpr std::uint32_t kScopeIndex = 2;   // who is a client of the CoC, as rows
inline constexpr std::uint32_t kScopeOffice = 3;  // what every device needs, as records of the hub
inline constexpr std::uint32_t kScopeFirstProject = 16;  // the states of a project's entities

/// Whether rows of this table are for the devices of a project: not what every device has anyway,
/// nor what never leaves the hub.
[[nodiscard]] bool for_projects(std::uint16_t table);

/// Whether a record of the hub is for every device: projects and other reference data, users,
/// devices, rules, verdicts, links. None that says anything about a client or a stay.
[[nodiscard]] bool for_everybody(std::span<const sync::Op> ops);

}  // namespace streetlog::hub
