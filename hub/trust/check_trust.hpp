#pragma once

#include <filesystem>

#include "schema/checkup.hpp"
#include "schema/time.hpp"

namespace streetlog::hub {

/// `doctor`: whether the hub's keys and certificates are there, belong together and last.
void check_trust(const std::filesystem::path& data, Instant now, Checkup& checkup);

}  // namespace streetlog::hub
