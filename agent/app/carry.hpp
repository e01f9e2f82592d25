#pragma once

#include <filesystem>

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"

namespace streetlog::agent {

/// So many hex digits of its digest name a carried bundle to people.
inline constexpr std::size_t kCarriedNameDigits = 12;

/// `carry`: takes another device's bundle along until the hub has it. kMalformed when the file is
/// none, kTooLarge when no more can be carried.
[[nodiscard]] Result<boost::json::object> carry_bundle(Device& device,
                                                       const std::filesystem::path& file);

/// `carried`, and that part of `status`.
[[nodiscard]] Result<boost::json::object> list_carried(Device& device);

/// `drop-carried`: `bundle` is the beginning of one's digest.
[[nodiscard]] Result<boost::json::object> drop_carried(Device& device, std::string_view bundle);

}  // namespace streetlog::agent
