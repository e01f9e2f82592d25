#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "agent/app/device.hpp"
#include "agent/sync/runner.hpp"

namespace streetlog::agent {

inline constexpr std::string_view kAppVersion = "0.1.0";

/// How to reach the hub this device belongs to.
[[nodiscard]] Result<RunnerOptions> runner_options(Device& device, Logger& log);

/// Fetches the device's first certificate, or the next one, if it is time for that; then what it
/// shows of itself.
[[nodiscard]] net::asio::awaitable<Result<net::DeviceCredentials>> device_credentials(
    Device& device, Logger& log);

/// "12 of 40 records sent, 300 received", for the person who waits.
[[nodiscard]] std::string sync_progress(Device& device);

/// One session with the hub, until everything is pushed and pulled. Blocks; `progress` gets a line
/// about once a second.
[[nodiscard]] Result<boost::json::object> sync_once(
    Device& device, Logger& log, const std::function<void(const std::string&)>& progress);

/// What a sync came to: how the device stands now. `before` is as it stood when the sync began.
[[nodiscard]] Result<boost::json::object> sync_answer(Device& device,
                                                      const store::AgentStatus& before);

}  // namespace streetlog::agent
