#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/change/codec.hpp"
#include "sync/change/compress.hpp"
#include "sync/change/record.hpp"

namespace streetlog::store {

using sync::Bytes;
using sync::BytesView;
using sync::Hash;

enum class ClockMode : std::uint8_t { kReal = 0, kSimulated = 1 };

/// Who this device is and what it belongs to.
struct AgentSettings {
    sync::Replica self;
    Bytes secret;  // what the hub gave out for this device; never shown or logged
    DeviceId hub;  // nil until the hub is known
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

struct Saved {
    std::uint64_t seq = 0;
    sync::RecordKey key;
};

/// A place in a hub's log, and the hash its chain has there.
struct Position {
    HubSeq seq;
    Hash hash{};

    friend bool operator==(const Position&, const Position&) = default;
};

struct RecordTime {
    HlcStamp hlc_hub;
    Interval saved;

    friend bool operator==(const RecordTime&, const RecordTime&) = default;
};

/// The hub's word on a run of consecutive records of one replica that it received together.
struct RunReceipt {
    sync::Replica replica;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    Hash last_hash{};
    Instant received;
    HubSeq hub_seq;                 // of the first record; the others follow
    std::vector<RecordTime> times;  // one a record
    Bytes signature;

    friend bool operator==(const RunReceipt&, const RunReceipt&) = default;

    /// Requires: first_seq <= seq <= last_seq, and `times` complete.
    [[nodiscard]] sync::Receipt at(std::uint64_t seq) const;
    /// One record at least, none twice, a time for each.
    [[nodiscard]] bool consistent() const;
};

/// A record of this device that the hub took custody of but did not accept.
struct Exception {
    std::uint64_t seq = 0;
    sync::RecordStatus status = sync::RecordStatus::kQuarantined;
    sync::StatusCode code = sync::StatusCode::kNone;
};

struct Ack {
    std::uint64_t acked_seq = 0;  // every own record up to here is on the hub's disk
    std::vector<RunReceipt> receipts;
    std::vector<Exception> exceptions;
};

/// A quarantined or held record inside a pulled run: edges, no cells.
struct HiddenRecord {
    std::uint64_t seq = 0;
    sync::RecordStatus status = sync::RecordStatus::kQuarantined;
    sync::StatusCode code = sync::StatusCode::kNone;
    std::vector<sync::HiddenWrite> writes;
};

/// Consecutive records of one replica as the hub took them. In the body a hidden record stands with
/// no header and no ops; with Encoding::kNone there is no body: the reader's own records.
struct PulledRun {
    RunReceipt receipt;
    HubSeq hub_seq;  // in this hub's log; differs from receipt.hub_seq only after a restore
    sync::Encoding encoding = sync::Encoding::kPlain;
    std::uint32_t raw_bytes = 0;
    Bytes body;
    std::vector<HiddenRecord> hidden;
};

struct PulledPage {
    std::uint32_t scope = 0;
    std::vector<PulledRun> runs;
    Position next;
};

struct Head {
    std::uint64_t seq = 0;  // newest own record; 0: none yet
    Hash hash{};
    std::uint64_t acked = 0;

    friend bool operator==(const Head&, const Head&) = default;
};

/// Own records ready to push: a batch body, not yet compressed.
struct OwnRun {
    std::uint64_t first_seq = 0;
    std::uint32_t count = 0;
    Hash prev_hash{};
    Hash head_hash{};
    Bytes body;
    std::vector<RunReceipt> receipts;  // of records that have one already (after a hub restore)
};

/// A run holds at least one record, whatever its size.
struct RunLimits {
    std::uint32_t records_max = 500;
    std::size_t bytes_max = 256 * 1024;
};

/// The last time the device learned the hub's time, against its own clocks.
struct Anchor {
    std::uint64_t boot_id = 0;
    std::uint64_t boot_ms = 0;
    std::uint64_t suspended_ms = 0;
    std::uint32_t suspends = sync::ClockEvidence::kUnknownSuspends;
    Instant wall;
    Instant hub;
    std::uint32_t error_ms = 0;

    friend bool operator==(const Anchor&, const Anchor&) = default;
};

}  // namespace streetlog::store
