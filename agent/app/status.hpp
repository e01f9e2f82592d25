#pragma once

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"

namespace streetlog::agent {

/// When the interaction of `header` took place in hub time, as well as this device can say. What
/// was entered as it happened in this boot, or in a boot whose anchor the record carries, does not
/// lean on the wall clock; what was typed is as the worker says, and compared with hub time.
[[nodiscard]] sync::HubTime interaction_time(const sync::Header& header,
                                             const ClockReading& now,
                                             const std::optional<sync::Anchor>& anchor);

/// How the device stands: what is saved, what the hub has not got yet and how long there is left
/// for it, when the two last spoke, and what the clock is worth.
[[nodiscard]] Result<boost::json::object> device_status(Device& device);

/// "2026-11-23T14:05:09Z", or null.
[[nodiscard]] boost::json::value shown(const std::optional<Instant>& t);

}  // namespace streetlog::agent
