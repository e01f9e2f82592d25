#pragma once

#include <filesystem>

#include "schema/checkup.hpp"
#include "schema/time.hpp"

namespace streetlog::agent {

/// `doctor`: whether the device's key and certificate are there, belong together and last.
void check_trust(const std::filesystem::path& data,
                 Instant own_clock,
                 Instant last_hub_time,
                 Checkup& checkup);

}  // namespace streetlog::agent
