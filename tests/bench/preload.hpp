#pragma once

#include <cstdint>
#include <filesystem>

#include "schema/error.hpp"

namespace streetlog::bench {

/// kLoad: the mix of `Load`. kTown: every client by an intake of its own, and beside each one
/// record of the mix, most of them contacts.
enum class PreloadOf : std::uint8_t { kLoad, kTown };

/// Fills a hub: pushes `records` of a load as one device, through the protocol like any other, but
/// made on the way out and kept nowhere. Returns when the hub has acknowledged all.
[[nodiscard]] Result<void> preload(const std::filesystem::path& enrolment,
                                   std::uint16_t port,
                                   std::uint64_t records,
                                   PreloadOf of = PreloadOf::kLoad);

}  // namespace streetlog::bench
