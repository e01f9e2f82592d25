#pragma once

#include <cstdint>
#include <filesystem>

#include "schema/error.hpp"

namespace streetlog::bench {

/// Fills a hub: pushes `records` of a load as one device, through the protocol like any other, but
/// made on the way out and kept nowhere. Returns when the hub has acknowledged all.
[[nodiscard]] Result<void> preload(const std::filesystem::path& enrolment,
                                   std::uint16_t port,
                                   std::uint64_t records);

}  // namespace streetlog::bench
