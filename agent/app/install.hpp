#pragma once

#include <filesystem>

#include "schema/ports.hpp"
#include "sync/store/agent_store.hpp"

namespace streetlog::agent {

/// Holds the database against what is kept outside of it, in `directory`/install, and against the
/// machine. When one of them is another the database came here as a copy: it is marked so, and the
/// hub gives the device another number before anything that is saved from now on is sent.
///
/// A backup of a device must leave that file out.
[[nodiscard]] Result<void> check_install(const std::filesystem::path& directory,
                                         store::AgentStore& store,
                                         Random& random);

}  // namespace streetlog::agent
