#pragma once

#include <filesystem>

#include "sync/net/tls.hpp"

/// The authority of a hub in a process of this program: the same for every process that asks, so
/// that a hub and devices started apart believe each other. Worth nothing anywhere else.
namespace streetlog::bench {

/// Key and certificate of device `number`, and the root to pin.
[[nodiscard]] net::DeviceCredentials derived_credentials(std::uint64_t number,
                                                         const DeviceId& device);

[[nodiscard]] net::HubCredentials derived_hub();

/// Puts it into the hub's directory, in place of what is there.
[[nodiscard]] Result<void> write_derived_authority(const std::filesystem::path& hub_directory);

}  // namespace streetlog::bench
