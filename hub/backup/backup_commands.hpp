#pragma once

#include <filesystem>

#include <boost/json/object.hpp>

#include "schema/error.hpp"

namespace streetlog::hub {

/// `streetlog-hub backup --out DIR`. Progress goes to standard error. A backup that is good but
/// could not be noted in the hub says so in "noted".
[[nodiscard]] Result<boost::json::object> backup_command(const std::filesystem::path& data,
                                                         const std::filesystem::path& out);

/// `streetlog-hub restore --from DIR`, into the data directory.
[[nodiscard]] Result<boost::json::object> restore_command(const std::filesystem::path& from,
                                                          const std::filesystem::path& data);

}  // namespace streetlog::hub
