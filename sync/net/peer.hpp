#pragma once

#include "schema/id.hpp"
#include "schema/time.hpp"
#include "sync/change/sign.hpp"

namespace streetlog::net {

enum class Validity : std::uint8_t { kCurrent, kLapsed };

/// A device on the other side of a connection, as the certificate it showed says; its chain is
/// good.
struct Peer {
    DeviceId device;
    sync::PublicKey key{};
    Instant until;  // end of the certificate
    Validity validity = Validity::kCurrent;
};

}  // namespace streetlog::net
