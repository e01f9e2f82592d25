#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/change/record.hpp"
#include "sync/change/sign.hpp"
#include "sync/session/ports.hpp"
#include "sync/timeliness/probes.hpp"

namespace streetlog::store {

using sync::Anchor;
using sync::Bytes;
using sync::BytesView;
using sync::Hash;

enum class ClockMode : std::uint8_t { kReal = 0, kSimulated = 1 };

/// Who this device is and what it belongs to.
struct AgentSettings {
    sync::Replica self;
    DeviceId hub;               // nil until the hub is known
    sync::PublicKey hub_key{};  // what the hub signs with, pinned at enrolment; zeros: not known
    std::string hub_address;
    std::string device_name;
    EntityId project;  // default for new enrollments; nil: none
    std::string coc;   // "CA-600", or empty
    std::uint32_t bundle = 1;
    std::uint32_t policy = 0;
    ClockMode clock = ClockMode::kReal;

    friend bool operator==(const AgentSettings&, const AgentSettings&) = default;
};

/// One Save as a form hands it over. The store sets the header's replica, seq, hlc and base.
struct SaveRequest {
    sync::Header header;
    std::vector<sync::Op> ops;
};

/// How far a snapshot is loaded.
struct BootstrapStatus {
    std::uint32_t chunks = 0;
    std::uint32_t of = 0;
};

/// A bundle of another device that this one was given to carry.
struct CarriedRow {
    Hash digest{};
    std::string name;  // of the file it came as
    std::uint64_t bytes = 0;
    Instant since;
    bool refused = false;  // by the hub, for good; it is kept for a person to look at
    std::string word;      // what the hub said of it last; empty: nothing
};

/// Most bytes a device carries for others, so that it always has room for its own.
inline constexpr std::uint64_t kCarriedBytesMax = 256 * 1024 * 1024;

struct Saved {
    std::uint64_t seq = 0;
    sync::RecordKey key;
};

}  // namespace streetlog::store
