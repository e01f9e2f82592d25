#pragma once

#include "agent/trust/device_trust.hpp"
#include "schema/log.hpp"
#include "sync/net/beast_client.hpp"

namespace streetlog::agent {

struct HubPlace {
    std::string host;
    std::uint16_t port = 0;
    DeviceId hub;
};

/// Gets the device a certificate: by its code, or before the one it has ends. Does nothing when
/// there is nothing to do. A renewal that fails does not matter as long as there is a certificate,
/// even one that has lapsed: with that records can still be handed over.
[[nodiscard]] net::asio::awaitable<Result<void>> get_ready(
    DeviceTrust& trust, HubPlace place, DeviceId device, Instant now, Logger& log);

}  // namespace streetlog::agent
