#pragma once

#include "hub/ingest/ledger.hpp"

namespace streetlog::hub {

/// A hub's log with everything that belongs to it: its key, and its high-water mark.
struct OpenedHub {
    Ledger ledger;
    std::filesystem::path high_water;
};

/// Requires: the caller holds the directory's lock.
[[nodiscard]] Result<OpenedHub> open_hub(const std::filesystem::path& directory, Clock& clock);

/// Where the mark is to be from now on. Requires: the caller holds the directory's lock.
[[nodiscard]] Result<void> set_high_water_path(const std::filesystem::path& directory,
                                               const std::filesystem::path& file);

}  // namespace streetlog::hub
