#pragma once

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "hub/ingest/entity_index.hpp"
#include "hub/ingest/prepared.hpp"
#include "hub/recovery/admission.hpp"
#include "hub/recovery/high_water.hpp"
#include "schema/ports.hpp"
#include "sync/change/hlc.hpp"
#include "sync/session/messages.hpp"
#include "sync/store/hub_log.hpp"
#include "sync/store/hub_watch.hpp"

namespace streetlog::hub {

/// What became of one run. The numbers are the replica's; everything up to `acked_seq` is on the
/// disk.
struct IngestResult {
    enum class Outcome : std::uint8_t {
        kStored,  // taken now, or known before: the receipts cover the run
        kGap,     // begins above `acked_seq` + 1: push again from there
        kForked,  // does not continue the chain the hub knows
    };

    struct Exception {
        std::uint64_t seq = 0;
        sync::RecordStatus status = sync::RecordStatus::kQuarantined;
        sync::StatusCode code = sync::StatusCode::kNone;
    };

    struct RunReceiptOf {
        std::uint64_t first_seq = 0;
        sync::Hash last_hash{};
        sync::ReceiptSpan receipt;
    };

    Outcome outcome = Outcome::kStored;
    std::uint64_t acked_seq = 0;
    std::vector<RunReceiptOf> receipts;
    std::vector<Exception> exceptions;
    store::HubHead head;  // of the log, after the group
};

/// What a hub is opened with besides its directory.
struct LedgerSetup {
    std::optional<sync::SigningKey> key;  // signs what the hub itself records
    /// How far the log has been, from outside of it; if it does not have that any more, it fell
    /// back.
    std::optional<HighWater> high_water;
};

/// The rules of ingestion over the hub's log, one thread. Custody first: whatever a device recorded
/// takes a hub sequence, be it accepted, quarantined or held, so that nothing can block the records
/// behind it.
///
/// A group of runs is one transaction. When it fails, nothing of it was acknowledged and the ledger
/// reads its memory anew.
class Ledger {
  public:
    /// `admit` may say that a record is not allowed here (authority); the default lets devices
    /// write what devices may.
    using Admit = std::function<sync::StatusCode(const PreparedRun&, const sync::RecordShape&)>;

    [[nodiscard]] static Result<Ledger> open(const std::filesystem::path& directory,
                                             Clock& clock,
                                             const LedgerSetup& setup = {});

    /// Takes a group; results are in the order of the runs. kStorage when the disk failed: nothing
    /// was stored.
    [[nodiscard]] Result<std::vector<IngestResult>> ingest(std::vector<PreparedRun>& group);

    /// Writes one act of the hub as a record of its own replica. Returns its key.
    [[nodiscard]] Result<sync::RecordKey> author(const sync::Header& draft,
                                                 std::vector<sync::Op> ops);
    /// The same for many acts, one transaction a call.
    [[nodiscard]] Result<std::vector<sync::RecordKey>> author_all(
        std::vector<std::pair<sync::Header, std::vector<sync::Op>>> drafts);

    /// Releases what an earlier version had to hold and this one understands, as a record of the
    /// hub's own, so that every projection and every device learns of it in its place of the log.
    /// What it understands and may not let in stays held, for a person to decide. Returns how many.
    [[nodiscard]] Result<std::size_t> release_understood();

    // What sessions find out about devices and about this log (ledger_recovery.cpp); one
    // transaction each.
    [[nodiscard]] Result<void> note(const HelloFindings& findings);
    /// The replica has that nonce on its disk.
    [[nodiscard]] Result<void> keep_nonce(const sync::Replica& replica, std::uint64_t number);
    /// An incarnation of the device that nobody had, for what comes after record `common` of
    /// `from`, and an alarm.
    [[nodiscard]] Result<std::uint32_t> grant_incarnation(const sync::Replica& from,
                                                          std::uint64_t common);
    [[nodiscard]] Result<void> raise(store::AlarmKind kind,
                                     const DeviceId& device,
                                     std::string_view detail);
    /// Records that the log received anew keep the receipts they had before, as records of the
    /// hub's own say from here on. Those that the log does not have, or that are no earlier, are
    /// left out. Returns how many receipts counted.
    [[nodiscard]] Result<std::size_t> adopt_earlier(std::span<const sync::RunReceipt> receipts);
    [[nodiscard]] Result<void> close_alarm(std::int64_t id, std::string_view note);
    /// Nobody will bring what is missing of this replica.
    [[nodiscard]] Result<void> write_off(const sync::Replica& replica, std::string_view why);

    /// A label that changes when the log is found to have lost its end.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

    /// After a failure, when memory may have run ahead of the disk. If even that fails it is tried
    /// again before the next act, and until then there is none: kStorage.
    [[nodiscard]] Result<void> read_again();

    [[nodiscard]] Instant last_received() const { return last_received_; }

    [[nodiscard]] const std::optional<sync::SigningKey>& key() const { return key_; }

    [[nodiscard]] std::optional<store::ReplicaRow> replica(const sync::Replica& replica) const;

    [[nodiscard]] store::HubHead head() const { return head_; }

    [[nodiscard]] const sync::Replica& self() const { return self_; }

    [[nodiscard]] store::HubLog& log() { return log_; }

    [[nodiscard]] Instant now() const { return clock_->now(); }

    [[nodiscard]] bool taken(const EntityId& id) const { return entities_.find(id) != 0; }

    void set_admit(Admit admit) { admit_ = std::move(admit); }

  private:
    Ledger(store::HubLog log, Clock& clock) : log_(std::move(log)), clock_(&clock) {}

    /// Reads everything kept in memory from the log.
    void reload();
    void notice_loss(const LedgerSetup& setup);
    void begin_epoch(std::string_view how, HubSeq lost);
    template <class Job>
    [[nodiscard]] Result<void> in_one(Job&& job);
    void take_run(PreparedRun& run, Instant received, IngestResult& result);
    /// Cuts the records the hub has from the front of a run; false when nothing is left.
    bool cut_known(PreparedRun& run, const store::ReplicaRow& row, IngestResult& result);
    void append_run(PreparedRun& run,
                    store::ReplicaRow& row,
                    Instant received,
                    IngestResult& result);
    void add_known_receipts(const sync::Replica& replica,
                            std::uint64_t first,
                            std::uint64_t last,
                            IngestResult& result);
    [[nodiscard]] sync::StatusCode check(const PreparedRun& run, std::size_t i);
    /// Keeps the tables of devices, users and verdicts in step with the hub's own records; `at` is
    /// this one's place.
    void learn(const sync::EncodedView& view, HubSeq at);
    void learn_verdict(const sync::RecordVerdict& verdict, HubSeq at);
    void learn_earlier(const sync::RunReceipt& receipt, HubSeq at);
    /// Ids that the record mints and nobody had are its own from here on.
    void take_ids(const sync::RecordShape& shape, HubSeq at);
    store::ReplicaRow& row_of(const sync::Replica& replica);
    [[nodiscard]] bool is_earlier(const sync::RunReceipt& receipt);

    store::HubLog log_;
    Clock* clock_;
    Admit admit_;
    EntityIndex entities_;
    std::unordered_map<sync::Replica, store::ReplicaRow> replicas_;
    std::unordered_map<sync::Replica, sync::ReplicaClock> clocks_;
    store::HubHead head_;
    Instant last_received_;
    sync::Replica self_;
    sync::Hlc hlc_;
    std::optional<sync::SigningKey> key_;
    std::uint64_t epoch_ = 0;
    bool gap_open_ = false;
    bool stale_ = false;
};

}  // namespace streetlog::hub
