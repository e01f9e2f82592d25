#pragma once

#include <functional>

#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Pages copied so far, and how many there are.
using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Copies the database `from` to the new file `to` as it stands at one moment, while another
/// process may be writing it: through a query-only connection that keeps one read transaction, so
/// the one-writer rule holds and no write starts the copy over. While it runs the WAL cannot be
/// reset, so it grows by what is written meanwhile.
///
/// The copy stands by itself (no WAL), is readable by its owner only and is on the disk when this
/// returns; it has not been checked. kConflict when `to` exists.
[[nodiscard]] Result<void> copy_database(const std::filesystem::path& from,
                                         std::int32_t application,
                                         const std::filesystem::path& to,
                                         const CopyProgress& progress = {});

}  // namespace streetlog::store
