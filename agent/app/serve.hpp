#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/app/device.hpp"
#include "schema/log.hpp"

namespace streetlog::agent {

/// The program that keeps running: holds the device, keeps it in step with the hub through every
/// outage, and does for other commands what they ask over `control`. Blocks until SIGTERM or
/// SIGINT. `ready` gets one JSON line once commands are answered.
[[nodiscard]] Result<void> serve(Device& device,
                                 const std::filesystem::path& control,
                                 Logger& log,
                                 const std::function<void(const std::string&)>& ready);

}  // namespace streetlog::agent
