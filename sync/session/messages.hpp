#pragma once

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "schema/error.hpp"
#include "sync/change/codec.hpp"
#include "sync/change/compress.hpp"
#include "sync/change/hash.hpp"
#include "sync/change/record.hpp"
#include "sync/session/wire_codes.hpp"

namespace streetlog::sync {

/// The messages of schema/wire/protocol.capnp as plain values; DESIGN.md says who sends which and
/// when. A hash of all zeros means "none" and is left out on the wire.

/// What this version speaks.
inline constexpr std::uint32_t kProtocolVersion = 1;

/// Most bytes of one message, either way.
inline constexpr std::size_t kMessageBytesMax = 256 * 1024;

/// Most records of one batch, and most bytes of its body, packed or unfolded: 16 KiB less than a
/// message, so that a page, which adds 24 bytes of receipt a record, can hold whatever a push
/// could.
inline constexpr std::uint32_t kBatchRecordsMax = 500;
inline constexpr std::uint32_t kBatchRawBytesMax = 240 * 1024;

/// Longest list of any kind in a message.
inline constexpr std::size_t kListMax = 8192;

/// What a message of that many bytes costs of a credit. Small ones cost more than their size, so
/// that credit bounds their number as well.
[[nodiscard]] inline std::uint64_t credit_of(std::size_t message_bytes) {
    return message_bytes < 512 ? 512 : message_bytes;
}

/// A place in the hub's log together with the hash of the hub's chain there.
struct Position {
    HubSeq seq;
    Hash hash{};
    HubSeq through{};  // of a scope of states: beyond `seq`, where the chain has no hash; else 0

    /// The last place the reader has.
    [[nodiscard]] HubSeq reach() const { return std::max(seq, through); }

    friend bool operator==(const Position&, const Position&) = default;
};

/// How far a store has read one scope.
struct ScopeCursor {
    std::uint32_t scope = 0;
    Position cursor;
    Position newest;  // newest state taken; at or above the cursor

    friend bool operator==(const ScopeCursor&, const ScopeCursor&) = default;
};

struct ScopeGrant {
    std::uint32_t scope = 0;
    bool resume = false;    // false: the hub does not know the cursor; read from the beginning
    bool snapshot = false;  // load a snapshot first

    friend bool operator==(const ScopeGrant&, const ScopeGrant&) = default;
};

struct Challenge {
    Bytes nonce;
    Instant hub_time;
    std::uint32_t protocol = kProtocolVersion;
    std::uint64_t epoch = 0;  // alarm label only
    DeviceId hub;
    Bytes hub_key;  // Ed25519, by which it signs

    friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct Hello {
    Replica replica;
    Bytes secret;  // reserved: empty since the certificate says who it is
    Bytes session_nonce;
    Bytes signature;
    std::uint64_t last_seq = 0;
    Hash head_hash{};
    std::uint64_t last_receipt_seq = 0;
    std::vector<ScopeCursor> scopes;
    Bytes signed_head;
    std::uint32_t bundle = 0;
    std::string app_version;
    std::uint64_t features = 0;
    std::uint64_t free_disk = 0;
    std::uint64_t unsent = 0;
    Instant oldest_unsent;
    bool reidentify = false;  // the database is on another machine than it was
    Hash snapshot{};          // of which a part is here; zeros: none

    friend bool operator==(const Hello&, const Hello&) = default;
};

/// What the hub has of another incarnation, of the device or of the hub itself.
struct OlderReplica {
    std::uint32_t incarnation = 0;
    std::uint64_t acked_seq = 0;
    Hash acked_hash{};

    friend bool operator==(const OlderReplica&, const OlderReplica&) = default;
};

struct HelloAck {
    HelloVerdict verdict = HelloVerdict::kOk;
    std::uint64_t acked_seq = 0;
    Hash acked_hash{};
    std::vector<ScopeGrant> scopes;
    Bytes next_nonce;
    Instant hub_time;
    std::uint64_t credit = 0;  // total since the session began, see DESIGN.md
    std::uint32_t bundle = 0;
    std::uint32_t policy = 0;
    std::vector<OlderReplica> older;  // the device's other incarnations
    std::vector<OlderReplica> hubs;   // the hub's own, when it does not know a cursor of the device
    std::uint64_t features = 0;       // what it takes that earlier hubs do not know

    friend bool operator==(const HelloAck&, const HelloAck&) = default;
};

struct Probe {
    std::uint32_t id = 0;
    std::uint64_t boot_ms = 0;
    std::uint64_t boot_id = 0;
    std::uint64_t suspended_ms = 0;
    std::uint32_t suspends = ClockEvidence::kUnknownSuspends;

    friend bool operator==(const Probe&, const Probe&) = default;
};

struct ProbeAck {
    std::uint32_t id = 0;
    std::uint64_t boot_ms = 0;  // as in the probe
    Instant hub_time;

    friend bool operator==(const ProbeAck&, const ProbeAck&) = default;
};

/// What the hub made of one record's clock.
struct RecordTime {
    HlcStamp hlc_hub;
    Interval saved;

    friend bool operator==(const RecordTime&, const RecordTime&) = default;
};

/// Receipt of a run of consecutive records of one replica that were received together.
struct RunReceipt {
    Replica replica;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    Hash last_hash{};  // h(last_seq); binds the content
    Instant received;
    HubSeq first_hub_seq;           // of the first record; the others follow
    std::vector<RecordTime> times;  // one a record
    Bytes signature;

    friend bool operator==(const RunReceipt&, const RunReceipt&) = default;

    /// The receipt of one record. Requires: first_seq <= seq <= last_seq; decoding has checked that
    /// every record has its time.
    [[nodiscard]] Receipt of(std::uint64_t seq) const {
        const std::uint64_t i = seq - first_seq;
        return {{received, {first_hub_seq.value + i}}, times[i].hlc_hub, times[i].saved};
    }
};

struct Push {
    std::uint64_t first_seq = 0;
    std::uint32_t count = 0;
    std::uint32_t raw_bytes = 0;
    Encoding encoding = Encoding::kPlain;
    Hash prev_hash{};  // h(first_seq - 1); zeros before the first record
    Hash head_hash{};  // h of the last record
    Bytes signature;
    Bytes body;  // a packed batch
    std::vector<RunReceipt> receipts;

    friend bool operator==(const Push&, const Push&) = default;
};

/// A record that was taken but is not merged.
struct RecordException {
    std::uint64_t seq = 0;
    RecordStatus status = RecordStatus::kAccepted;
    StatusCode code = StatusCode::kNone;

    friend bool operator==(const RecordException&, const RecordException&) = default;
};

struct PushAck {
    std::uint64_t acked_seq = 0;  // every record up to here is on the hub's disk
    std::vector<RunReceipt> receipts;
    std::vector<RecordException> exceptions;
    std::uint64_t safe_seq = 0;
    std::uint64_t credit = 0;  // total since the session began
    Bytes signed_head;

    friend bool operator==(const PushAck&, const PushAck&) = default;
};

struct Pull {
    std::uint32_t scope = 0;
    Position cursor;           // what the reader has committed
    std::uint64_t credit = 0;  // total of this scope since the session began

    friend bool operator==(const Pull&, const Pull&) = default;
};

struct HiddenRecord {
    std::uint64_t seq = 0;
    RecordStatus status = RecordStatus::kQuarantined;
    StatusCode code = StatusCode::kNone;
    std::vector<HiddenWrite> writes;

    friend bool operator==(const HiddenRecord&, const HiddenRecord&) = default;
};

/// Consecutive records of one replica as the hub took them.
struct PageRun {
    RunReceipt receipt;
    HubSeq hub_seq;                        // place in this hub's log
    Encoding encoding = Encoding::kPlain;  // kNone: the reader's own records, no body
    std::uint32_t raw_bytes = 0;
    Bytes body;  // a packed batch; a hidden record stands in it with no header and no ops
    std::vector<HiddenRecord> hidden;

    friend bool operator==(const PageRun&, const PageRun&) = default;
};

struct Page {
    std::uint32_t scope = 0;
    std::vector<PageRun> runs;
    Position next;  // the cursor once this page is stored
    bool caught_up = false;
    Bytes signed_head;  // of `next`, when caught up

    // Of a scope of states, which has no runs:
    HubSeq as_of{};  // the states are of this place
    Encoding encoding = Encoding::kPlain;
    std::uint32_t raw_bytes = 0;
    Bytes states{};  // packed rows, state_rows.hpp; of the client index: index_rows.hpp

    friend bool operator==(const Page&, const Page&) = default;
};

/// The device has the nonce of HelloAck on its disk.
struct NonceKept {
    Bytes nonce;

    friend bool operator==(const NonceKept&, const NonceKept&) = default;
};

/// A device that lacks records of its own asks for them from `from_seq` on.
struct AskOwn {
    std::uint64_t from_seq = 0;

    friend bool operator==(const AskOwn&, const AskOwn&) = default;
};

/// Runs of the device's own records, whole and with bodies; the first may begin before what was
/// asked for. `hidden` says what became of a record, without edges.
struct OwnRecords {
    std::vector<PageRun> runs;
    bool more = false;

    friend bool operator==(const OwnRecords&, const OwnRecords&) = default;
};

/// h(seq) of the device's chain.
struct ChainPoint {
    std::uint64_t seq = 0;
    Hash hash{};

    friend bool operator==(const ChainPoint&, const ChainPoint&) = default;
};

/// Places of the device's chain, ascending; answered with the newest that the hub has, too.
struct Compare {
    std::vector<ChainPoint> points;

    friend bool operator==(const Compare&, const Compare&) = default;
};

struct Common {
    std::uint64_t seq = 0;  // 0: none of them

    friend bool operator==(const Common&, const Common&) = default;
};

/// The device wants to be another replica from here on.
struct AskIncarnation {
    std::uint64_t common = 0;  // newest own record that keeps its number

    friend bool operator==(const AskIncarnation&, const AskIncarnation&) = default;
};

struct Incarnation {
    std::uint32_t incarnation = 0;

    friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

/// Records of the hub's own that it may have lost.
struct Reoffer {
    std::vector<PageRun> runs;

    friend bool operator==(const Reoffer&, const Reoffer&) = default;
};

struct ReofferAck {
    friend bool operator==(const ReofferAck&, const ReofferAck&) = default;
};

/// Receipts in one Earlier. Each is at most 12 KiB, so that many surely fit.
inline constexpr std::size_t kEarlierMax = 16;

/// Receipts of own records that are earlier than those the hub sent.
struct Earlier {
    std::vector<RunReceipt> receipts;

    friend bool operator==(const Earlier&, const Earlier&) = default;
};

struct ErrorMessage {
    WireCode code = WireCode::kNone;
    ErrorClass error_class = ErrorClass::kNone;
    std::uint32_t retry_after_ms = 0;
    std::uint64_t expected_seq = 0;
    std::string detail;  // for logs; never a value from a record

    friend bool operator==(const ErrorMessage&, const ErrorMessage&) = default;
};

struct Bye {
    WireCode reason = WireCode::kNone;
    std::string detail;

    friend bool operator==(const Bye&, const Bye&) = default;
};

/// Most chunks of a snapshot, so that its manifest fits one message.
inline constexpr std::size_t kSnapshotChunksMax = 5'000;

/// Of Hello::features: this device loads snapshots.
inline constexpr std::uint64_t kFeatureSnapshots = 1;
/// This device keeps the client index (index_rows.hpp) beside the states of its projects.
inline constexpr std::uint64_t kFeatureIndex = 2;

struct SnapshotAsk {
    std::uint32_t scope = 0;
    std::uint64_t own_from = 0;
    Hash have{};

    friend bool operator==(const SnapshotAsk&, const SnapshotAsk&) = default;
};

struct SnapshotChunk {
    Hash hash{};              // SHA-256 of the packed bytes
    std::uint32_t bytes = 0;  // packed
    std::uint32_t raw_bytes = 0;
    Encoding encoding = Encoding::kPlain;

    friend bool operator==(const SnapshotChunk&, const SnapshotChunk&) = default;
};

/// Bytes of a chunk's row in the manifest's table.
inline constexpr std::size_t kChunkRowBytes = 42;

struct SnapshotManifest {
    std::uint32_t scope = 0;
    Position at;  // zeros: the hub has no snapshot to offer; read the log
    std::uint32_t bundle = 0;
    std::uint64_t entities = 0;
    std::vector<SnapshotChunk> chunks;
    std::vector<PageRun> own;
    bool own_more = false;

    friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;
};

struct SnapshotGet {
    std::uint32_t scope = 0;
    Hash snapshot{};
    std::uint32_t chunk = 0;
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;

    friend bool operator==(const SnapshotGet&, const SnapshotGet&) = default;
};

struct SnapshotPiece {
    std::uint32_t scope = 0;
    Hash snapshot{};
    std::uint32_t chunk = 0;
    std::uint32_t offset = 0;
    Bytes body;

    friend bool operator==(const SnapshotPiece&, const SnapshotPiece&) = default;
};

/// Of HelloAck::features: this hub takes bundles that a device carries for another. It must not be
/// sent one otherwise.
inline constexpr std::uint64_t kFeatureCarry = 1;

/// Most bytes of one CarryPiece.
inline constexpr std::size_t kCarryPieceBytesMax = 192 * 1024;

struct CarryOffer {
    Hash digest{};  // SHA-256 of the bundle
    std::uint64_t bytes = 0;

    friend bool operator==(const CarryOffer&, const CarryOffer&) = default;
};

struct CarryPiece {
    Hash digest{};
    std::uint64_t offset = 0;
    Bytes body;

    friend bool operator==(const CarryPiece&, const CarryPiece&) = default;
};

/// What becomes of a carried bundle. On the wire; never renumbered. Later ones are taken for
/// kWaits.
enum class CarryOutcome : std::uint16_t {
    kGoesOn = 0,   // send what comes after `have`
    kTaken = 1,    // every record of it is on the hub's disk
    kWaits = 2,    // whole, and not to be taken yet: offer it in another session
    kRefused = 3,  // it never will be taken; keep it for a person to look at
};

struct CarryAnswer {
    Hash digest{};
    std::uint64_t have = 0;
    CarryOutcome outcome = CarryOutcome::kGoesOn;
    std::string detail;  // for people; never a value from a record

    friend bool operator==(const CarryAnswer&, const CarryAnswer&) = default;
};

/// A message of a later version. Skipped unless critical.
struct Unknown {
    bool critical = false;

    friend bool operator==(const Unknown&, const Unknown&) = default;
};

using Message = std::variant<Unknown,
                             Challenge,
                             Hello,
                             HelloAck,
                             Probe,
                             ProbeAck,
                             Push,
                             PushAck,
                             Pull,
                             Page,
                             ErrorMessage,
                             Bye,
                             SnapshotAsk,
                             SnapshotManifest,
                             SnapshotGet,
                             SnapshotPiece,
                             NonceKept,
                             AskOwn,
                             OwnRecords,
                             Compare,
                             Common,
                             AskIncarnation,
                             Incarnation,
                             Reoffer,
                             ReofferAck,
                             Earlier,
                             CarryOffer,
                             CarryPiece,
                             CarryAnswer>;

/// One message as it travels. `Unknown` cannot be encoded. The caller keeps bulk under the message
/// limit; nothing is checked here.
[[nodiscard]] Bytes encode_message(const Message& message);

/// kTooLarge over kMessageBytesMax or kListMax; kMalformed when the bytes are no message, a hash is
/// neither 32 bytes nor empty, or a receipt does not carry one time a record. `data` may have any
/// alignment.
[[nodiscard]] Result<Message> decode_message(BytesView data);

}  // namespace streetlog::sync
