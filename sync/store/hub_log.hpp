#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "sync/change/compress.hpp"
#include "sync/change/receipts.hpp"
#include "sync/change/sign.hpp"
#include "sync/change/verdict.hpp"
#include "sync/store/earlier_receipts.hpp"
#include "sync/store/log_weight.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

using sync::Bytes;
using sync::BytesView;
using sync::Encoding;
using sync::Hash;
using sync::ReceiptSpan;
using sync::RecordStatus;
using sync::Replica;
using sync::StatusCode;

/// Consecutive records of one replica, as the hub took them in one commit.
struct LogRun {
    HubSeq first_hub;  // place of the first record in this log; the others follow
    std::uint32_t count = 0;
    Replica replica;
    std::uint64_t first_seq = 0;
    ReceiptSpan
        receipt;      // differs in place from `first_hub` only for what came back after a restore
    Hash head{};      // chain of the replica after the last record
    Hash hub_hash{};  // chain of the hub after this run
    Bytes times;      // sync/timeliness: one verdict a record, as the hub gave it once
    Encoding encoding = Encoding::kPlain;
    std::uint32_t raw_bytes = 0;
    Bytes body;       // a Batch, as the device sent it
    Bytes signature;  // of the author, for its chain after the last record; the run that ends a
                      // pushed batch has it, and it covers those before

    [[nodiscard]] std::uint64_t last_seq() const { return first_seq + count - 1; }

    [[nodiscard]] HubSeq last_hub() const { return {first_hub.value + count - 1}; }
};

/// What the hub remembers of a replica between its runs.
struct ReplicaRow {
    std::int64_t no = 0;
    Replica replica;
    std::uint64_t acked_seq = 0;
    Hash acked_hash{};
    Bytes clock;  // sync/timeliness: what earlier records said of its clock
    Instant last_seen;
    std::uint64_t nonce = 0;  // number of the newest that the replica is known to have
};

struct ExceptionRow {
    HubSeq seq;
    RecordStatus status = RecordStatus::kQuarantined;
    StatusCode code = StatusCode::kNone;
};

/// A reviewer's word on a quarantined record, and where in the log it stands. A projection of the
/// hub's own records, kept here because pages are made by it.
struct VerdictRow {
    sync::RecordVerdict verdict;
    HubSeq at;
};

/// Whom the hub lets in. A projection of the hub's own device records, kept here because the writer
/// needs it at once.
struct DeviceRow {
    DeviceId id;
    std::string name;
    std::int64_t state = 1;        // list S.6: active, suspended, revoked
    sync::PublicKey public_key{};  // zeros: not enrolled yet
    Instant
        approved_until;  // may renew a certificate that has lapsed until then; 0: never approved
    sync::Dot written;   // by which the hub said all this; what the next such write supersedes
};

/// Who may hold a device. A projection of the hub's own user records, for the number of the next
/// one.
struct AccountRow {
    EntityId id;
    std::int64_t number = 0;
    std::string name;
    std::string email;
    bool active = true;
};

/// The end of the log: a cursor is this pair, and is good only where the hub's chain has that hash.
struct HubHead {
    HubSeq seq;
    Hash hash{};

    friend bool operator==(const HubHead&, const HubHead&) = default;
};

inline constexpr std::int32_t kHubLogMark = 0x534c4c31;  // "SLL1"

/// The newest schema of hub.db this program knows.
[[nodiscard]] int hub_log_schema();

/// The hub's log: appended in runs, never changed (hub-storage decisions are in
/// sync/store/DESIGN.md). One instance writes, in the writer's thread; every reader opens its own
/// with Access::kRead. All calls but open() throw StorageFailure.
class HubLog {
  public:
    /// Creates and migrates when writing; a reader finds it made.
    [[nodiscard]] static Result<HubLog> open(const std::filesystem::path& directory, Access access);

    // --- reading; any instance
    [[nodiscard]] HubHead head();
    /// True when the chain has this hash there; the beginning (0, zeros) always is.
    [[nodiscard]] bool has(const HubHead& cursor);
    /// Runs that begin after `after`, in order, until `take` says stop (false).
    void runs_after(HubSeq after, const std::function<bool(LogRun&&)>& take);
    [[nodiscard]] std::optional<LogRun> run_at(HubSeq seq);
    [[nodiscard]] std::optional<LogRun> run_of(const Replica& replica, std::uint64_t seq);
    /// Where the runs of `replica` after `after` begin, ascending.
    [[nodiscard]] std::vector<HubSeq> runs_of(const Replica& replica, HubSeq after);
    /// Places of the records that were held, released since or not.
    [[nodiscard]] std::vector<HubSeq> held();
    [[nodiscard]] std::vector<ExceptionRow> exceptions(HubSeq first, HubSeq last);
    /// The verdict that counts: the first release, else the first reject.
    [[nodiscard]] std::optional<VerdictRow> verdict_on(const sync::RecordKey& record);
    /// Those that stand there, in order.
    [[nodiscard]] std::vector<VerdictRow> verdicts(HubSeq first, HubSeq last);
    [[nodiscard]] std::vector<ReplicaRow> replicas();
    [[nodiscard]] std::optional<ReplicaRow> replica(const Replica& replica);
    /// All incarnations of one author.
    [[nodiscard]] std::vector<ReplicaRow> replicas_of(const DeviceId& author);
    /// Newest record of the replica that stands at or before `head`; 0: none.
    [[nodiscard]] std::uint64_t newest_before(const Replica& replica, HubSeq head);
    [[nodiscard]] std::vector<DeviceRow> devices();
    [[nodiscard]] std::optional<DeviceRow> device(const DeviceId& id);
    /// The projects a device is told of; none: everything.
    [[nodiscard]] std::vector<EntityId> projects_of(const DeviceId& device);
    [[nodiscard]] std::vector<AccountRow> users();
    [[nodiscard]] std::optional<std::string> setting(std::string_view name);
    /// Every entity in order of its number.
    void scan_entities(const std::function<void(std::int64_t eno, const EntityId& id)>& take);
    [[nodiscard]] std::int64_t entity_count();

    /// What came to light of receipts from before those in the runs.
    [[nodiscard]] EarlierReceipts& earlier() { return earlier_; }

    /// What reading it costs.
    [[nodiscard]] LogWeight& weight() { return weight_; }

    // --- writing; inside a transaction of the caller
    [[nodiscard]] Db& db() { return db_; }

    void append(const LogRun& run, std::int64_t replica_no);
    void add_entity(std::int64_t eno, const EntityId& id, std::uint16_t table, HubSeq first);
    void add_exception(const ExceptionRow& row);
    /// Of several with the same act for one record the first is kept.
    void add_verdict(const VerdictRow& row);
    void put_replica(const ReplicaRow& row);
    void put_device(const DeviceRow& row);
    void put_projects(const DeviceId& device, BytesView ids);
    void put_user(const AccountRow& row);
    void put_setting(std::string_view name, std::string_view value);

    /// After a rollback: numbers that were given out in it may be given to others.
    void forget() {
        replica_cache_.clear();
        weight_.forget();
    }

  private:
    explicit HubLog(Db db);

    [[nodiscard]] LogRun read_run(Stmt& row);

    Db db_;
    std::vector<ReplicaRow> replica_cache_;  // committed numbers never change
    Stmt append_, entity_, exception_, verdict_, replica_, device_, user_, setting_, get_setting_;
    Stmt after_, at_, of_, exceptions_, verdict_on_, verdicts_, replicas_, replicas_of_, place_of_,
        head_, device_of_;
    EarlierReceipts earlier_;
    LogWeight weight_;
};

}  // namespace streetlog::store
