#pragma once

#include "hub/backup/backup.hpp"

namespace streetlog::hub {

inline constexpr std::string_view kRestoredSetting = "restored";

/// Makes a hub in `data`, which is absent or empty, from the backup in `from`. Everything is
/// checked before the directory takes its name: each file against the manifest, SQLite's check,
/// every hash of the log, the head. kDamaged names the file that is not as it was.
[[nodiscard]] Result<Manifest> restore(const std::filesystem::path& from,
                                       const std::filesystem::path& data,
                                       const Say& say);

}  // namespace streetlog::hub
