#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/id.hpp"
#include "schema/time.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::sync {

/// An author: a device, and how many times it had to start anew (restore, clone, reset). The hub is
/// one, too; it takes a new incarnation at every start.
struct Replica {
    DeviceId device;
    std::uint32_t incarnation = 0;

    friend auto operator<=>(const Replica&, const Replica&) = default;
};

/// One record: `seq` counts from 1 without gaps for each replica.
struct RecordKey {
    Replica replica;
    std::uint64_t seq = 0;

    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// One op of one record: what `supersedes` names.
struct Dot {
    Replica replica;
    std::uint64_t seq = 0;
    std::uint16_t op = 0;

    friend auto operator<=>(const Dot&, const Dot&) = default;

    [[nodiscard]] RecordKey record() const { return {replica, seq}; }
};

/// The cell says in so many words that it is empty.
struct Absent {
    friend auto operator<=>(const Absent&, const Absent&) = default;
};

/// The author saw the value only in redacted form and left it so (sync-core §3, "Redaction").
struct Redacted {
    friend auto operator<=>(const Redacted&, const Redacted&) = default;
};

using CellValue =
    std::variant<Absent, std::int64_t, std::string, Bytes, std::vector<std::uint16_t>, Redacted>;

/// One column's value. Numbers are int64: codes as they are, dates days since 1970-01-01, instants
/// milliseconds since then, money cents. Ids are 16 bytes of data. All else is text, HUD's
/// date-times among it. `make_cell` (sync/change/cells.hpp) keeps to this; bytes from elsewhere may
/// not, so a reader asks for the type it expects.
struct Cell {
    std::uint16_t column = 0;
    CellValue value;

    friend auto operator<=>(const Cell&, const Cell&) = default;
};

/// Stored and sent; numbers are never reused.
enum class OpKind : std::uint16_t {
    kCreate = 1,    // mints the entity: key cells, and the cells of `group` unless that is 0
    kSetGroup = 2,  // writes one field group
    kVoid = 3,      // writes the group `_life`
    kLink = 4,      // asserts same or different person
    kUnlink = 5,    // withdraws the link ops it supersedes; writes no value
    kResolve = 6,   // a reviewer's pick: writes one field group like kSetGroup
    kAttach = 7,    // names a stored blob
    kDevice = 32,   // from here on only the hub may author
    kUser = 33,
    kRule = 34,
    kVerdict = 35,  // releases or rejects a quarantined or held record
    kEarlier = 36,  // brings receipts that records had before the hub gave them others
};

/// Whether an op of this kind writes to a table of the catalogue. What the others (attach, rule,
/// verdict, earlier) say is in cells with numbers of their own.
[[nodiscard]] bool has_table(OpKind kind);

/// One write of a Save.
struct Op {
    EntityId entity;
    OpKind kind = OpKind::kSetGroup;
    std::uint16_t table = 0;
    std::uint16_t group = 0;
    std::vector<Cell> cells{};      // in ascending column order, each column once
    std::vector<Dot> supersedes{};  // the siblings the writer had on screen, in full
    std::vector<EntityId>
        profile{};  // other members of the merged profile whose siblings were on screen

    friend bool operator==(const Op&, const Op&) = default;
    [[nodiscard]] bool redacted() const;
};

/// What the device knew about time at one moment; the hub turns it into an interval
/// (sync/timeliness).
struct ClockEvidence {
    std::uint64_t boot_id = 0;       // 0: no evidence
    std::uint64_t boot_ms = 0;       // CLOCK_BOOTTIME
    std::uint64_t suspended_ms = 0;  // CLOCK_BOOTTIME - CLOCK_MONOTONIC
    std::uint32_t suspends = kUnknownSuspends;
    std::uint32_t flags = 0;
    std::int64_t anchor_hub_ms = 0;  // hub time at the anchor; 0: the device never met the hub
    std::uint64_t anchor_boot_id = 0;
    std::uint64_t anchor_boot_ms = 0;
    std::int64_t anchor_wall_ms = 0;  // the device's wall clock at the anchor
    std::uint32_t anchor_err_ms = 0;
    std::uint32_t anchor_suspends = kUnknownSuspends;
    std::uint64_t anchor_suspended_ms = 0;

    static constexpr std::uint32_t kUnknownSuspends = 0xffffffff;
    static constexpr std::uint32_t kFlagWallJumped = 1;  // the wall clock was set since the anchor
    static constexpr std::uint32_t kFlagSimulated = 2;   // a demonstration clock; never in real use

    friend auto operator<=>(const ClockEvidence&, const ClockEvidence&) = default;
};

/// Event kinds of the lateness rules. Stored; never renumbered. kNone is not an interaction and
/// gets no verdict.
enum class EventKind : std::uint16_t {
    kNone = 0,
    kIntake = 1,
    kContact = 2,
    kExit = 3,
    kUpdate = 4,
    kImport = 5
};

/// Where the interaction time came from.
enum class TimeSource : std::uint16_t { kNone = 0, kLive = 1, kTyped = 2 };

/// What a record was called before a copy of its device was found to use the same numbers.
struct ForkOf {
    std::uint32_t incarnation = 0;
    std::uint64_t seq = 0;

    friend bool operator==(const ForkOf&, const ForkOf&) = default;
};

/// One Save: everything but the ops.
struct Header {
    Replica replica;
    std::uint64_t seq = 0;
    std::uint32_t schema = 0;  // catalogue bundle the form was filled under
    HlcStamp hlc;
    HubSeq base;                  // newest hub sequence applied when Save was pressed
    Instant recorded;             // device wall clock at Save
    Instant occurred;             // interaction time, as claimed
    std::int16_t tz_minutes = 0;  // offset of the recording device, east of Greenwich
    EventKind kind = EventKind::kNone;
    TimeSource source = TimeSource::kNone;
    std::uint16_t flags = 0;
    std::uint32_t user = 0;  // number the hub gave to the user who held the device; 0: nobody
    ClockEvidence clock;     // at Save
    std::optional<ClockEvidence> occurred_clock;  // when "Now" was pressed
    Bytes workflow;                               // id of the workflow instance, empty outside one
    std::optional<ForkOf> fork_of;                // it was stamped anew

    static constexpr std::uint16_t kFlagPaused =
        1;  // the workflow was paused between interaction and Save

    friend bool operator==(const Header&, const Header&) = default;

    [[nodiscard]] RecordKey key() const { return {replica, seq}; }
};

struct Record {
    Header header;
    std::vector<Op> ops;

    friend bool operator==(const Record&, const Record&) = default;
};

/// Where a record stands in the one order that decides what counts: the place of its first receipt.
struct Place {
    Instant received;
    HubSeq seq;

    friend auto operator<=>(const Place&, const Place&) = default;
};

/// The hub's word on one record: when it was first received and what the hub made of the device's
/// clock. Of two receipts for one record the smaller place counts.
struct Receipt {
    Place place;
    HlcStamp hlc_hub;  // the record's HLC clamped into `saved`
    Interval saved;    // bracket of the true time of the Save

    friend auto operator<=>(const Receipt&, const Receipt&) = default;
};

/// What became of a record at the hub. All of them take a hub sequence and are acknowledged.
enum class RecordStatus : std::uint16_t { kAccepted = 0, kQuarantined = 1, kHeld = 2 };

enum class StatusCode : std::uint16_t {
    kNone = 0,
    kMalformed = 1,     // Q_MALFORMED: header or op cannot be decoded
    kUnauthorised = 2,  // Q_UNAUTHORISED: the author may not write this
    kIdTaken = 3,       // Q_ID_TAKEN: creates an entity another record created
    kNewerSchema = 4,   // HELD_NEWER_SCHEMA: an op this version cannot understand
};

[[nodiscard]] std::string_view name_of(StatusCode code);
[[nodiscard]] std::string_view name_of(EventKind kind);
[[nodiscard]] std::string_view name_of(TimeSource source);

/// "hexdevice.incarnation:seq/op", for people, logs and canonical dumps.
[[nodiscard]] std::string to_string(const Dot& dot);
[[nodiscard]] std::string to_string(const RecordKey& key);

}  // namespace streetlog::sync

template <>
struct std::hash<streetlog::sync::Replica> {
    std::size_t operator()(const streetlog::sync::Replica& r) const noexcept {
        return std::hash<streetlog::DeviceId>{}(r.device) ^ (r.incarnation * 0x9e3779b97f4a7c15ULL);
    }
};

template <>
struct std::hash<streetlog::sync::RecordKey> {
    std::size_t operator()(const streetlog::sync::RecordKey& k) const noexcept {
        return std::hash<streetlog::sync::Replica>{}(k.replica) ^ (k.seq * 0xff51afd7ed558ccdULL);
    }
};
