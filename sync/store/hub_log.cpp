#include "sync/store/hub_log.hpp"

#include <algorithm>

#include "schema/planted.hpp"
#include "sync/store/hub_log_schema.hpp"

namespace streetlog::store {
namespace {

constexpr const char* kDeviceColumns =
    "SELECT id, name, state, public_key, approved_ms, author, incarnation, seq, op "
    "FROM device ";

constexpr const char* kRunColumns =
    "SELECT first_hub, n, replica, first_seq, receipt, head, hub_hash, times, encoding, "
    "raw_bytes, body, signature FROM log_run ";

constexpr const char* kReplicaColumns =
    "SELECT no, device, incarnation, acked_seq, acked_hash, clock, last_seen_ms, nonce "
    "FROM replica ";

Hash hash_from(BytesView blob) {
    if (blob.size() != 32) throw StorageFailure("a hash in the log is not 32 bytes", 11);
    Hash out;
    std::ranges::copy(blob, out.begin());
    return out;
}

template <class IdType>
IdType id_from(BytesView blob) {
    if (blob.size() != 16) throw StorageFailure("an id in the log is not 16 bytes", 11);
    IdType out;
    std::ranges::copy(blob, out.bytes.begin());
    return out;
}

Bytes copy(BytesView view) { return {view.begin(), view.end()}; }

std::uint64_t natural(std::int64_t n) { return static_cast<std::uint64_t>(n); }

VerdictRow verdict_from(const Stmt& row) {
    VerdictRow out;
    out.verdict.record.replica = {id_from<DeviceId>(row.blob(0)),
                                  static_cast<std::uint32_t>(row.integer(1))};
    out.verdict.record.seq = natural(row.integer(2));
    out.verdict.act = static_cast<sync::VerdictAct>(row.integer(3));
    out.at = {natural(row.integer(4))};
    return out;
}

ReplicaRow replica_from(const Stmt& row) {
    ReplicaRow out;
    out.no = row.integer(0);
    out.replica = {id_from<DeviceId>(row.blob(1)), static_cast<std::uint32_t>(row.integer(2))};
    out.acked_seq = natural(row.integer(3));
    out.acked_hash = hash_from(row.blob(4));
    out.clock = copy(row.blob(5));
    out.last_seen = {row.integer(6)};
    out.nonce = natural(row.integer(7));
    return out;
}

DeviceRow device_from(const Stmt& row) {
    DeviceRow out;
    out.id = id_from<DeviceId>(row.blob(0));
    out.name = row.text(1);
    out.state = row.integer(2);
    const auto key = row.blob(3);
    if (key.size() == out.public_key.size()) std::ranges::copy(key, out.public_key.begin());
    out.approved_until = {row.integer(4)};
    if (row.blob(5).empty()) return out;
    out.written.replica = {id_from<DeviceId>(row.blob(5)),
                           static_cast<std::uint32_t>(row.integer(6))};
    out.written.seq = natural(row.integer(7));
    out.written.op = static_cast<std::uint16_t>(row.integer(8));
    return out;
}

std::int64_t sql(std::uint64_t n) { return static_cast<std::int64_t>(n); }

}  // namespace

Result<HubLog> HubLog::open(const std::filesystem::path& directory, Access access) {
    STREETLOG_TRY(auto db, Db::open(directory / "hub.db", access, Durability::kFull, kHubLogMark));
    if (access == Access::kWrite) STREETLOG_CHECK(migrate(db, hub_log_steps()));
    return guarded_job([&]() -> Result<HubLog> { return HubLog{std::move(db)}; });
}

HubLog::HubLog(Db db) : db_(std::move(db)), earlier_(db_), weight_(db_) {
    const std::string select = kRunColumns;
    after_ = db_.prepare((select + "WHERE first_hub > ? ORDER BY first_hub").c_str());
    at_ = db_.prepare((select + "WHERE first_hub <= ? ORDER BY first_hub DESC LIMIT 1").c_str());
    of_ = db_.prepare(
        (select + "WHERE replica = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1").c_str());
    head_ = db_.prepare(
        "SELECT first_hub + n - 1, hub_hash FROM log_run ORDER BY first_hub DESC LIMIT 1");
    exceptions_ = db_.prepare(
        "SELECT hub_seq, status, code FROM exception_ WHERE hub_seq BETWEEN ? AND ? ORDER BY "
        "hub_seq");
    verdict_on_ = db_.prepare(
        "SELECT device, incarnation, seq, act, hub_seq FROM verdict WHERE device = ? AND "
        "incarnation = ? AND seq = ? ORDER BY act DESC LIMIT 1");
    verdicts_ = db_.prepare(
        "SELECT device, incarnation, seq, act, hub_seq FROM verdict WHERE hub_seq BETWEEN ? AND ? "
        "ORDER BY hub_seq, device, incarnation, seq, act");
    replicas_ = db_.prepare((std::string{kReplicaColumns} + "ORDER BY no").c_str());
    replicas_of_ = db_.prepare(
        (std::string{kReplicaColumns} + "WHERE device = ? ORDER BY incarnation").c_str());
    place_of_ = db_.prepare(
        "SELECT first_hub FROM log_run WHERE replica = ? AND first_seq <= ? ORDER BY first_seq "
        "DESC LIMIT 1");
    append_ = db_.prepare("INSERT INTO log_run VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
    entity_ = db_.prepare("INSERT INTO entity VALUES(?,?,?,0,0,?)");
    exception_ = db_.prepare("INSERT INTO exception_ VALUES(?,?,?)");
    verdict_ = db_.prepare("INSERT OR IGNORE INTO verdict VALUES(?,?,?,?,?)");
    replica_ = db_.prepare(
        "INSERT INTO replica VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(no) DO UPDATE SET "
        "acked_seq=?4, acked_hash=?5, clock=?6, last_seen_ms=?7, nonce=?8");
    device_ = db_.prepare(
        "INSERT OR REPLACE INTO device(id, name, state, secret_digest, public_key, approved_ms, "
        "author, incarnation, seq, op) VALUES(?,?,?,?,?,?,?,?,?,?)");
    device_of_ = db_.prepare((std::string{kDeviceColumns} + "WHERE id = ?").c_str());
    user_ = db_.prepare("INSERT OR REPLACE INTO hub_user VALUES(?,?,?,?,?)");
    setting_ = db_.prepare("INSERT OR REPLACE INTO setting VALUES(?,?)");
    get_setting_ = db_.prepare("SELECT value FROM setting WHERE name = ?");
}

HubHead HubLog::head() {
    HubHead out;
    if (!head_.step()) return out;
    out = {{natural(head_.integer(0))}, hash_from(head_.blob(1))};
    head_.reset();
    return out;
}

bool HubLog::has(const HubHead& cursor) {
    if (cursor == HubHead{}) return true;
    if (planted(Bug::kCursorWithoutHash)) return cursor.seq <= head().seq;
    at_.with(sql(cursor.seq.value));
    if (!at_.step()) return false;
    const bool good = natural(at_.integer(0) + at_.integer(1) - 1) == cursor.seq.value &&
                      hash_from(at_.blob(6)) == cursor.hash;
    at_.reset();
    return good;
}

LogRun HubLog::read_run(Stmt& row) {
    LogRun run;
    run.first_hub = {natural(row.integer(0))};
    run.count = static_cast<std::uint32_t>(row.integer(1));
    const std::int64_t no = row.integer(2);
    const auto known = [&] { return std::ranges::find(replica_cache_, no, &ReplicaRow::no); };
    if (known() == replica_cache_.end()) replica_cache_ = replicas();
    if (known() == replica_cache_.end())
        throw StorageFailure("a run of the log names no replica", 11);
    run.replica = known()->replica;
    run.first_seq = natural(row.integer(3));
    auto receipt = sync::decode_receipt(row.blob(4));
    if (!receipt || receipt->times.size() != run.count)
        throw StorageFailure("a receipt in the log cannot be read", 11);
    run.receipt = *std::move(receipt);
    run.head = hash_from(row.blob(5));
    run.hub_hash = hash_from(row.blob(6));
    run.times = copy(row.blob(7));
    run.encoding = static_cast<Encoding>(row.integer(8));
    run.raw_bytes = static_cast<std::uint32_t>(row.integer(9));
    run.body = copy(row.blob(10));
    run.signature = copy(row.blob(11));
    return run;
}

void HubLog::runs_after(HubSeq after, const std::function<bool(LogRun&&)>& take) {
    after_.with(sql(after.value));
    while (after_.step()) {
        if (!take(read_run(after_))) {
            after_.reset();
            return;
        }
    }
}

std::optional<LogRun> HubLog::run_at(HubSeq seq) {
    at_.with(sql(seq.value));
    if (!at_.step()) return std::nullopt;
    auto run = read_run(at_);
    at_.reset();
    if (seq > run.last_hub()) return std::nullopt;
    return run;
}

std::vector<HubSeq> HubLog::runs_of(const Replica& replica, HubSeq after) {
    auto rows = db_.prepare(
        "SELECT r.first_hub FROM log_run r JOIN replica p ON p.no = r.replica "
        "WHERE p.device = ? AND p.incarnation = ? ORDER BY r.first_seq DESC");
    rows.with(BytesView{replica.device.bytes}, replica.incarnation);
    std::vector<HubSeq> out;
    while (rows.step()) {
        const HubSeq first{natural(rows.integer(0))};
        if (first <= after) break;
        out.push_back(first);
    }
    std::ranges::reverse(out);
    return out;
}

std::optional<LogRun> HubLog::run_of(const Replica& replica, std::uint64_t seq) {
    const auto known = [&] {
        return std::ranges::find(replica_cache_, replica, &ReplicaRow::replica);
    };
    if (known() == replica_cache_.end()) replica_cache_ = replicas();
    if (known() == replica_cache_.end()) return std::nullopt;
    of_.with(known()->no, sql(seq));
    if (!of_.step()) return std::nullopt;
    auto run = read_run(of_);
    of_.reset();
    if (seq > run.last_seq()) return std::nullopt;
    return run;
}

std::vector<HubSeq> HubLog::held() {
    std::vector<HubSeq> out;
    auto rows = db_.prepare("SELECT hub_seq FROM exception_ WHERE status = ?1 ORDER BY hub_seq");
    rows.with(RecordStatus::kHeld);
    while (rows.step()) out.push_back({natural(rows.integer(0))});
    return out;
}

std::vector<ExceptionRow> HubLog::exceptions(HubSeq first, HubSeq last) {
    std::vector<ExceptionRow> out;
    exceptions_.with(sql(first.value), sql(last.value));
    while (exceptions_.step()) {
        out.push_back({{natural(exceptions_.integer(0))},
                       static_cast<RecordStatus>(exceptions_.integer(1)),
                       static_cast<StatusCode>(exceptions_.integer(2))});
    }
    return out;
}

std::optional<VerdictRow> HubLog::verdict_on(const sync::RecordKey& record) {
    verdict_on_.with(
        BytesView{record.replica.device.bytes}, record.replica.incarnation, sql(record.seq));
    if (!verdict_on_.step()) return std::nullopt;
    const VerdictRow out = verdict_from(verdict_on_);
    verdict_on_.reset();
    return out;
}

std::vector<VerdictRow> HubLog::verdicts(HubSeq first, HubSeq last) {
    std::vector<VerdictRow> out;
    verdicts_.with(sql(first.value), sql(last.value));
    while (verdicts_.step()) out.push_back(verdict_from(verdicts_));
    return out;
}

std::vector<ReplicaRow> HubLog::replicas() {
    std::vector<ReplicaRow> out;
    while (replicas_.step()) out.push_back(replica_from(replicas_));
    return out;
}

std::vector<ReplicaRow> HubLog::replicas_of(const DeviceId& author) {
    std::vector<ReplicaRow> out;
    replicas_of_.with(BytesView{author.bytes});
    while (replicas_of_.step()) out.push_back(replica_from(replicas_of_));
    return out;
}

std::optional<ReplicaRow> HubLog::replica(const Replica& replica) {
    for (auto& row : replicas_of(replica.device))
        if (row.replica == replica) return std::move(row);
    return std::nullopt;
}

std::uint64_t HubLog::newest_before(const Replica& replica, HubSeq head) {
    const auto row = this->replica(replica);
    if (!row) return 0;
    // The runs of a replica stand in the log in the order of their sequences.
    std::uint64_t known = 0;
    std::uint64_t above = row->acked_seq + 1;
    while (above - known > 1) {
        const std::uint64_t middle = known + (above - known) / 2;
        place_of_.with(row->no, sql(middle));
        const bool there = place_of_.step() && natural(place_of_.integer(0)) <= head.value;
        place_of_.reset();
        (there ? known : above) = middle;
    }
    if (known == 0) return 0;
    const auto run = run_of(replica, known);
    return run && run->last_hub() <= head ? known : run ? run->first_seq - 1 : 0;
}

std::vector<DeviceRow> HubLog::devices() {
    std::vector<DeviceRow> out;
    auto rows = db_.prepare((std::string{kDeviceColumns} + "ORDER BY id").c_str());
    while (rows.step()) out.push_back(device_from(rows));
    return out;
}

std::optional<DeviceRow> HubLog::device(const DeviceId& id) {
    device_of_.with(BytesView{id.bytes});
    if (!device_of_.step()) return std::nullopt;
    auto row = device_from(device_of_);
    device_of_.reset();
    return row;
}

std::vector<AccountRow> HubLog::users() {
    std::vector<AccountRow> out;
    auto rows = db_.prepare("SELECT id, number, name, email, active FROM hub_user ORDER BY number");
    while (rows.step()) {
        out.push_back({.id = id_from<EntityId>(rows.blob(0)),
                       .number = rows.integer(1),
                       .name = std::string{rows.text(2)},
                       .email = std::string{rows.text(3)},
                       .active = rows.integer(4) != 0});
    }
    return out;
}

std::optional<std::string> HubLog::setting(std::string_view name) {
    get_setting_.with(name);
    if (!get_setting_.step()) return std::nullopt;
    std::string value{get_setting_.text(0)};
    get_setting_.reset();
    return value;
}

void HubLog::scan_entities(const std::function<void(std::int64_t, const EntityId&)>& take) {
    auto rows = db_.prepare("SELECT eno, id FROM entity ORDER BY eno");
    while (rows.step()) take(rows.integer(0), id_from<EntityId>(rows.blob(1)));
}

std::int64_t HubLog::entity_count() {
    auto rows = db_.prepare("SELECT coalesce(max(eno), 0) FROM entity");
    const std::int64_t n = rows.step() ? rows.integer(0) : 0;
    rows.reset();
    return n;
}

void HubLog::append(const LogRun& run, std::int64_t replica_no) {
    const Bytes receipt = sync::encode_receipt(run.receipt);
    append_
        .with(sql(run.first_hub.value),
              run.count,
              replica_no,
              sql(run.first_seq),
              BytesView{receipt},
              BytesView{run.head},
              BytesView{run.hub_hash},
              BytesView{run.times},
              static_cast<std::int64_t>(run.encoding),
              run.raw_bytes,
              BytesView{run.body},
              BytesView{run.signature})
        .run();
    weight_.add(run.first_hub, run.count, run.body.size());
}

void HubLog::add_entity(std::int64_t eno, const EntityId& id, std::uint16_t table, HubSeq first) {
    entity_.with(eno, BytesView{id.bytes}, table, sql(first.value)).run();
}

void HubLog::add_exception(const ExceptionRow& row) {
    exception_.with(sql(row.seq.value), row.status, row.code).run();
}

void HubLog::add_verdict(const VerdictRow& row) {
    const auto& [record, act] = row.verdict;
    verdict_
        .with(BytesView{record.replica.device.bytes},
              record.replica.incarnation,
              sql(record.seq),
              act,
              sql(row.at.value))
        .run();
}

void HubLog::put_replica(const ReplicaRow& row) {
    replica_
        .with(row.no,
              BytesView{row.replica.device.bytes},
              row.replica.incarnation,
              sql(row.acked_seq),
              BytesView{row.acked_hash},
              BytesView{row.clock},
              row.last_seen.ms,
              sql(row.nonce))
        .run();
}

void HubLog::put_device(const DeviceRow& row) {
    device_
        .with(BytesView{row.id.bytes},
              row.name,
              row.state,
              BytesView{},
              BytesView{row.public_key},
              row.approved_until.ms,
              BytesView{row.written.replica.device.bytes},
              row.written.replica.incarnation,
              sql(row.written.seq),
              row.written.op)
        .run();
}

std::vector<EntityId> HubLog::projects_of(const DeviceId& device) {
    auto rows = db_.prepare("SELECT projects FROM device_scope WHERE device = ?");
    std::vector<EntityId> out;
    rows.with(BytesView{device.bytes});
    if (!rows.step()) return out;
    constexpr std::size_t kIdBytes = 16;
    for (BytesView rest = rows.blob(0); rest.size() >= kIdBytes; rest = rest.subspan(kIdBytes))
        out.push_back(id_from<EntityId>(rest.first(kIdBytes)));
    return out;
}

void HubLog::put_projects(const DeviceId& device, BytesView ids) {
    db_.prepare("INSERT OR REPLACE INTO device_scope VALUES(?, ?)")
        .with(BytesView{device.bytes}, ids)
        .run();
}

void HubLog::put_user(const AccountRow& row) {
    user_.with(BytesView{row.id.bytes}, row.number, row.name, row.email, row.active).run();
}

void HubLog::put_setting(std::string_view name, std::string_view value) {
    setting_.with(name, value).run();
}

}  // namespace streetlog::store
