#pragma once

#include <filesystem>

#include "hub/exchange/import_run.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::hub {

/// Imports the file of one table, and after Enrollment.csv the households. A file that is missing
/// or has no usable header is a finding; fails only when reading or the sink does.
[[nodiscard]] Result<void> import_table(ImportRun& run,
                                        const std::filesystem::path& directory,
                                        const hud::Table& table);

}  // namespace streetlog::hub
