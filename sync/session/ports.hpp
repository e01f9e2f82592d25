#pragma once

#include <optional>
#include <vector>

#include "sync/session/messages.hpp"

namespace streetlog::sync {

/// State of a device's own log.
struct LogHead {
    Replica replica;
    std::uint64_t last_seq = 0;          // newest own record; 0: none yet
    Hash head_hash{};                    // h(last_seq)
    std::uint64_t acked_seq = 0;         // newest the hub has acknowledged, as stored here
    std::uint64_t last_receipt_seq = 0;  // newest with a receipt
    Hash snapshot{};                     // of which a part is here; zeros: none
    Instant oldest_unsent;               // wall clock of its Save; 0: nothing unsent
    Bytes session_nonce;                 // as the hub gave it out last; empty: never
    Bytes signed_head;                   // newest head of the hub's log that it signed
    /// Set while the database may be a copy: the newest record that another copy may hold as well.
    /// What comes after it must not be sent under this replica's name.
    std::optional<std::uint64_t> shared_seq;
};

/// Consecutive own records, ready to be sent.
struct PushRun {
    std::uint64_t first_seq = 0;
    Hash prev_hash{};  // h(first_seq - 1)
    Hash head_hash{};  // h of the last record
    std::vector<EncodedRecord> records;
    std::vector<RunReceipt> receipts;  // of those records that have one; may be cut to whole runs
};

/// A bundle of another device that this one was given to carry.
struct CarriedBundle {
    Hash digest{};  // SHA-256 of it
    std::uint64_t bytes = 0;
};

/// What an agent's session needs of the device's store. Reads are small and come back at once.
class AgentLog {
  public:
    AgentLog() = default;
    AgentLog(const AgentLog&) = delete;
    AgentLog& operator=(const AgentLog&) = delete;
    virtual ~AgentLog() = default;

    [[nodiscard]] virtual Result<LogHead> head() = 0;

    /// At least one record, then as many as fit both limits; max_bytes counts headers and ops. A
    /// log that has receipts may end it earlier or later, so that none of them is cut, within
    /// kBatchRecordsMax.
    /// Requires: first_seq <= head().last_seq.
    [[nodiscard]] virtual Result<PushRun> read_run(std::uint64_t first_seq,
                                                   std::uint32_t max_records,
                                                   std::size_t max_bytes) = 0;

    /// h(seq); zeros for 0; nothing when the record is no longer kept.
    [[nodiscard]] virtual Result<std::optional<Hash>> hash_at(std::uint64_t seq) = 0;

    /// Oldest own record that the hub has and whose receipt is not here, because its ack was lost
    /// on the way; 0: none. Looks at every receipt that the states do not know of yet.
    [[nodiscard]] virtual Result<std::uint64_t> first_unreceipted() { return 0; }

    /// One for each scope read before.
    [[nodiscard]] virtual Result<std::vector<ScopeCursor>> cursors() = 0;

    /// Runs of the hub's own records that came with pages, in the order of (incarnation, seq) after
    /// `after`, without those the hub `has`: about max_bytes of them, none at the end.
    [[nodiscard]] virtual Result<std::vector<PageRun>> hub_runs(
        const std::vector<OlderReplica>& has, const RecordKey& after, std::size_t max_bytes) = 0;

    /// The bundle to hand over after that one, in the order of their digests (zeros: the first),
    /// without those the hub refused; nothing at the end.
    [[nodiscard]] virtual Result<std::optional<CarriedBundle>> next_carried(const Hash& /*after*/) {
        return std::nullopt;
    }

    /// Its bytes from there on: one at least, at most `max_bytes`.
    /// Requires: `offset` lies within it.
    [[nodiscard]] virtual Result<Bytes> read_carried(const Hash& /*digest*/,
                                                     std::uint64_t /*offset*/,
                                                     std::size_t /*max_bytes*/) {
        return fail(ErrorCode::kNotFound, "nothing is carried");
    }
};

/// What a hub's session needs of the hub's store.
class HubLog {
  public:
    HubLog() = default;
    HubLog(const HubLog&) = delete;
    HubLog& operator=(const HubLog&) = delete;
    virtual ~HubLog() = default;

    /// h(seq) of a replica's chain; zeros for 0; nothing when the log does not have the record, or
    /// only as bytes that could not be read.
    [[nodiscard]] virtual std::optional<Hash> hash_at(const Replica& replica,
                                                      std::uint64_t seq) = 0;
};

/// Messages of a higher lane overtake those that wait on a lower one.
enum class SendLane : std::uint8_t { kControl, kRecords, kBlobs };

/// Action of both sessions: hand these bytes to the connection.
struct Send {
    Bytes bytes;
    SendLane lane = SendLane::kControl;
};

}  // namespace streetlog::sync
