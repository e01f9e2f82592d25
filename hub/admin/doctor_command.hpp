#pragma once

#include <filesystem>

#include "schema/checkup.hpp"
#include "sync/store/file_checks.hpp"

namespace streetlog::hub {

/// `streetlog-hub doctor`: examine_hub with the clock the hub lives by.
[[nodiscard]] Checkup doctor_command(const std::filesystem::path& data, store::CheckDepth depth);

}  // namespace streetlog::hub
