#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "hub/backup/last_backup.hpp"
#include "hub/backup/manifest.hpp"

namespace streetlog::hub {

/// Gets a line of progress for the person who waits.
using Say = std::function<void(std::string)>;

/// Copies the hub in `data` to the new directory `out` while it may be running, and checks the copy
/// before it is called a backup: SQLite's full check, every hash of the log, size and SHA-256 of
/// each file. Holds hub.db and every other regular file (keys, certificates, the clock of a
/// demonstration hub), but not projection.db, which is made again from the log.
///
/// Needs neither the lock nor the running program. `now` is hub time. kInvalidInput for a place
/// inside `data`; kConflict when `out` is not new; kDamaged when the log is.
[[nodiscard]] Result<Manifest> back_up(const std::filesystem::path& data,
                                       const std::filesystem::path& out,
                                       Instant now,
                                       const Say& say);

}  // namespace streetlog::hub
