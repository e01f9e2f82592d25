#include "sync/store/agent_store.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/planted.hpp"
#include "sync/change/hlc.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/agent_schema.hpp"

namespace streetlog::store {
namespace {

/// Pages in the WAL after which a commit is followed by a checkpoint.
constexpr int kWalPagesMax = 2000;

/// Records between two flushes of one long transaction, to bound its memory.
constexpr std::size_t kFlushRecords = 5'000;

template <class IdType>
IdType id_of(BytesView bytes) {
    IdType out;
    if (bytes.size() == out.bytes.size()) std::ranges::copy(bytes, out.bytes.begin());
    return out;
}

void write_settings(Db& db, const AgentSettings& s) {
    auto stmt = db.prepare(
        "INSERT INTO me(one, device, incarnation, secret, hub, hub_address, device_name, project, "
        "coc, bundle, policy, simulated, next_seq, head_hash, hlc, acked, stamped, newest_hub, "
        "session_nonce, hub_key) "
        "VALUES(1,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,1,?12,0,0,0,0,x'',?13) "
        "ON CONFLICT(one) DO UPDATE SET hub=excluded.hub, "
        "hub_key=excluded.hub_key, hub_address=excluded.hub_address, "
        "device_name=excluded.device_name, "
        "project=excluded.project, coc=excluded.coc, bundle=excluded.bundle, "
        "policy=excluded.policy, simulated=excluded.simulated");
    const Hash zero{};
    stmt.with(BytesView{s.self.device.bytes},
              s.self.incarnation,
              BytesView{},  // the secret of before there were keys
              BytesView{s.hub.bytes},
              s.hub_address,
              s.device_name,
              BytesView{s.project.bytes},
              s.coc,
              s.bundle,
              s.policy,
              s.clock,
              BytesView{zero},
              BytesView{s.hub_key})
        .run();
}

}  // namespace

bool catalogue_understands(const sync::Op& op) {
    return !sync::has_table(op.kind) || hud::known_op_target(op.table, op.group);
}

std::optional<MeState> read_me(Db& db) {
    auto stmt = db.prepare(
        "SELECT device, incarnation, secret, hub, hub_address, device_name, project, coc, bundle, "
        "policy, simulated, next_seq, head_hash, hlc, acked, stamped, newest_hub, last_receipt_ms, "
        "last_pull_ms, hub_key, signed_head, safe, shared_seq FROM me");
    if (!stmt.step()) return std::nullopt;
    MeState me;
    AgentSettings& s = me.settings;
    s.self = {id_of<DeviceId>(stmt.blob(0)), static_cast<std::uint32_t>(stmt.integer(1))};
    s.hub = id_of<DeviceId>(stmt.blob(3));
    s.hub_address = stmt.text(4);
    s.device_name = stmt.text(5);
    s.project = id_of<EntityId>(stmt.blob(6));
    s.coc = stmt.text(7);
    s.bundle = static_cast<std::uint32_t>(stmt.integer(8));
    s.policy = static_cast<std::uint32_t>(stmt.integer(9));
    s.clock = static_cast<ClockMode>(stmt.integer(10));
    me.next_seq = static_cast<std::uint64_t>(stmt.integer(11));
    const auto head = stmt.blob(12);
    if (head.size() == me.head.size()) std::ranges::copy(head, me.head.begin());
    me.hlc = {static_cast<std::uint64_t>(stmt.integer(13))};
    me.acked = static_cast<std::uint64_t>(stmt.integer(14));
    me.stamped = static_cast<std::uint64_t>(stmt.integer(15));
    me.newest_hub = {static_cast<std::uint64_t>(stmt.integer(16))};
    if (!stmt.is_null(17)) me.last_receipt_ms = stmt.integer(17);
    if (!stmt.is_null(18)) me.last_pull_ms = stmt.integer(18);
    const auto hub_key = stmt.blob(19);
    if (hub_key.size() == s.hub_key.size()) std::ranges::copy(hub_key, s.hub_key.begin());
    me.signed_head.assign(stmt.blob(20).begin(), stmt.blob(20).end());
    me.safe = static_cast<std::uint64_t>(stmt.integer(21));
    if (!stmt.is_null(22)) me.shared_seq = stmt.integer(22);
    stmt.reset();
    return me;
}

Result<AgentStore> AgentStore::create(const std::filesystem::path& file,
                                      const AgentSettings& settings) {
    return guarded_job([&]() -> Result<AgentStore> {
        STREETLOG_TRY(auto db,
                      Db::open(file, Access::kWrite, Durability::kFull, kAgentApplication));
        STREETLOG_CHECK(migrate(db, agent_schema()));
        if (read_me(db))
            return fail(ErrorCode::kConflict,
                        fmt::format("{} already belongs to a device", file.string()),
                        "Use another data directory for a new device.");
        Txn txn{db};
        write_settings(db, settings);
        txn.commit();
        auto me = read_me(db);
        return AgentStore{
            std::make_unique<Impl>(std::move(db), *std::move(me), catalogue_understands)};
    });
}

Result<AgentStore> AgentStore::open(const std::filesystem::path& file, Understands understands) {
    return guarded_job([&]() -> Result<AgentStore> {
        const Error missing{ErrorCode::kNotFound,
                            fmt::format("{} is not set up", file.string()),
                            "Enroll this device with its hub first."};
        if (!database_exists(file)) return std::unexpected(missing);
        STREETLOG_TRY(auto db,
                      Db::open(file, Access::kWrite, Durability::kFull, kAgentApplication));
        STREETLOG_CHECK(migrate(db, agent_schema()));
        auto me = read_me(db);
        if (!me) return std::unexpected(missing);
        auto impl = std::make_unique<Impl>(std::move(db), *std::move(me), std::move(understands));
        STREETLOG_CHECK(impl->replay_held());
        return AgentStore{std::move(impl)};
    });
}

AgentStore::AgentStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AgentStore::AgentStore(AgentStore&&) noexcept = default;
AgentStore& AgentStore::operator=(AgentStore&&) noexcept = default;
AgentStore::~AgentStore() = default;

StateTables::StateTables(Db& db, DbReplicaNumbers& numbers, sync::Replica self, Generation of)
    : projection(db, numbers, self, of),
      overlay(db, of),
      index(db, numbers),
      run_add(prepare_in(
          db,
          of,
          "INSERT INTO run$(id, hub_seq, n, replica_no, first_seq, receipt, encoding, raw_bytes, "
          "body, hidden) VALUES((SELECT max(coalesce(max(id), 0), ?10) + 1 FROM run$), ?1, ?2, ?3, "
          "?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(hub_seq, n) DO UPDATE SET id=excluded.id, "
          "receipt=excluded.receipt, encoding=excluded.encoding, raw_bytes=excluded.raw_bytes, "
          "body=excluded.body, hidden=excluded.hidden "
          // A record that was released once is never hidden again by a page that comes twice.
          "WHERE run$.hidden <> x'' OR excluded.hidden = x''")),
      run_drop(prepare_in(db, of, "DELETE FROM run$ WHERE hub_seq = ?1 AND n = ?2 AND id <= ?3")),
      held_add(prepare_in(
          db, of, "INSERT OR REPLACE INTO held$ VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")),
      refused_add(prepare_in(db, of, "INSERT OR IGNORE INTO own_refused$ VALUES(?1, ?2)")),
      refused_drop(prepare_in(db, of, "DELETE FROM own_refused$ WHERE eno = ?1 AND seq = ?2")) {}

void StateTables::flush() {
    projection.flush([&](const EntitySlot& slot, sync::EntityState& shown) {
        const auto refused = overlay.refused_on(slot.eno);
        // Somebody known from the index may be written on, and is found by that.
        const bool beside = slot.table == 0 && slot.state != sync::EntityState{};
        if (refused.empty() && !beside) return false;
        shown = slot.state;
        overlay.put_back(refused, slot.id, shown);
        if (beside) index.show(slot.id, shown);
        return true;
    });
}

AgentStore::Impl::Impl(Db connection, MeState state, Understands understood)
    : db(std::move(connection)),
      me(std::move(state)),
      numbers(db),
      live(db, numbers, me.settings.self, Generation::kLive),
      branches(read_branches(db)),
      rebuild_due(is_rebuild_due(db)),
      understands(std::move(understood)),
      reader(new AgentReader{std::make_unique<AgentReader::Impl>(db, nullptr, me.settings.self)}),
      write_me_(db.prepare("UPDATE me SET next_seq=?1, head_hash=?2, hlc=?3, acked=?4, stamped=?5, "
                           "newest_hub=?6, last_receipt_ms=?7, last_pull_ms=?8, signed_head=?9, "
                           "safe=?10, shared_seq=?11, incarnation=?12")),
      own_add_(db.prepare("INSERT INTO own VALUES(?1, ?2, ?3, ?4, ?5)")),
      own_body_(db.prepare("SELECT body FROM own WHERE seq = ?1")),
      own_range_(db.prepare("SELECT hash, body FROM own WHERE seq >= ?1 ORDER BY seq LIMIT ?2")),
      own_hash_(db.prepare("SELECT hash FROM own WHERE seq = ?1")),
      receipt_add_(db.prepare("INSERT OR IGNORE INTO receipt(first_seq, last_seq, received_ms, "
                              "hub_seq, body) VALUES(?1, ?2, ?3, ?4, ?5)")),
      // A receipt never covers more records than a message holds, so few rows are looked at.
      receipt_for_(db.prepare("SELECT id, body FROM receipt WHERE first_seq <= ?1 AND "
                              "first_seq > ?1 - ?2 AND last_seq >= ?1 "
                              "ORDER BY received_ms, hub_seq LIMIT 1")),
      exception_add_(db.prepare("INSERT OR REPLACE INTO own_exception VALUES(?1, ?2, ?3)")),
      exception_of_(db.prepare("SELECT status FROM own_exception WHERE seq = ?1")),
      verdict_add_(db.prepare("INSERT INTO verdict VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET "
                              "act = max(act, excluded.act)")),
      verdict_of_(db.prepare("SELECT act FROM verdict WHERE replica_no = ?1 AND seq = ?2")),
      cursor_get_(
          db.prepare("SELECT scope, hub_seq, hub_hash, through FROM cursor ORDER BY scope")),
      cursor_set_(
          db.prepare("INSERT OR REPLACE INTO cursor(scope, hub_seq, hub_hash, through, gen) "
                     "VALUES(?1, ?2, ?3, ?4, ?5)")),
      cursor_older_(db.prepare("SELECT gen FROM cursor WHERE scope = ?1")) {
    read_bootstrap();
}

Result<void> AgentStore::Impl::run(const std::function<Result<void>()>& job) {
    if (stale) STREETLOG_CHECK(forget());
    const MeState before = me;
    auto done = guarded_job([&]() -> Result<void> {
        Txn txn{db};
        STREETLOG_CHECK(job());
        flush();
        write_me();
        txn.commit();
        return {};
    });
    if (!done) {
        roll_back(before);
        return done;
    }
    live.projection.states.trim();
    // The record is safe already; a checkpoint that fails is tried again after the next commit.
    if (db.wal_pages() > kWalPagesMax)
        (void)guarded_job([&]() -> Result<int> { return db.checkpoint(); });
    return {};
}

Result<void> AgentStore::Impl::transact(const std::function<Result<void>()>& job) {
    if (light) STREETLOG_CHECK(full_again());
    return run(job);
}

Result<void> AgentStore::Impl::transact_lightly(const std::function<Result<void>()>& job) {
    STREETLOG_CHECK(guarded_job([&]() -> Result<void> {
        light = true;
        db.set_durability(Durability::kNormal);
        return {};
    }));
    auto done = run(job);
    (void)full_again();  // else the next Save does it, or is none
    return done;
}

Result<void> AgentStore::Impl::full_again() {
    return guarded_job([&]() -> Result<void> {
        db.set_durability(Durability::kFull);
        light = false;
        return {};
    });
}

void AgentStore::Impl::roll_back(const MeState& before) {
    me = before;
    name_self(me.settings.self);
    receipt_id = 0;
    if (!planted(Bug::kAgentAheadOfDisk)) (void)forget();
}

Result<void> AgentStore::Impl::forget() {
    stale = true;
    return guarded_job([&]() -> Result<void> {
        live.projection.forget();
        forget_next();
        read_bootstrap();
        branches = read_branches(db);
        rebuild_due = is_rebuild_due(db);
        stale = false;
        return {};
    });
}

void AgentStore::Impl::flush() { live.flush(); }

void AgentStore::Impl::flush_in_steps(std::size_t& records) {
    if (++records % kFlushRecords != 0) return;
    flush();
    live.projection.states.trim();
}

void AgentStore::Impl::write_me() {
    write_me_
        .with(me.next_seq,
              BytesView{me.head},
              me.hlc.value,
              me.acked,
              me.stamped,
              me.newest_hub.value,
              me.last_receipt_ms,
              me.last_pull_ms,
              BytesView{me.signed_head},
              me.safe,
              me.shared_seq,
              me.settings.self.incarnation)
        .run();
}

const AgentSettings& AgentStore::settings() const { return impl_->me.settings; }

Result<void> AgentStore::change_settings(const AgentSettings& settings) {
    if (settings.self != impl_->me.settings.self)
        return fail(ErrorCode::kConflict, "the settings are those of another device");
    return impl_->transact([&]() -> Result<void> {
        write_settings(impl_->db, settings);
        impl_->me.settings = settings;
        return {};
    });
}

Result<Saved> AgentStore::Impl::append(const SaveRequest& request) {
    if (request.ops.empty()) return fail(ErrorCode::kInvalidInput, "a Save without any change");
    sync::Record record{request.header, request.ops};
    sync::Header& header = record.header;
    sync::Hlc clock{me.hlc};
    header.replica = me.settings.self;
    header.seq = me.next_seq;
    header.hlc = clock.tick(header.recorded);
    header.base = me.newest_hub;
    for (sync::Op& op : record.ops)
        for (sync::Dot& dot : op.supersedes) dot = renamed(dot);
    if (header.schema == 0) header.schema = me.settings.bundle;
    if (me.settings.clock == ClockMode::kSimulated)
        header.clock.flags |= sync::ClockEvidence::kFlagSimulated;

    const auto encoded = sync::encode(record);
    std::size_t size = encoded.header.size();
    for (const Bytes& op : encoded.ops) size += op.size();
    if (size > sync::kRecordBytesMax)
        return fail(ErrorCode::kTooLarge,
                    fmt::format("a Save of {} KiB; at most {} KiB fit one record",
                                (size + 1023) / 1024,
                                sync::kRecordBytesMax / 1024),
                    "Shorten the longest text, or save it in two parts.");
    const auto view = sync::view_of(encoded);
    const Bytes body = sync::encode_batch({&view, 1});
    me.head = sync::chain_hash(me.head, sync::hash_of(view));
    me.hlc = header.hlc;
    ++me.next_seq;
    own_add_
        .with(
            header.seq, BytesView{me.head}, header.occurred.ms, header.recorded.ms, BytesView{body})
        .run();
    live.projection.put(record, std::nullopt);
    return Saved{header.seq, header.key()};
}

Result<Saved> AgentStore::save(const SaveRequest& request) {
    Saved saved;
    STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
        STREETLOG_TRY(saved, impl_->append(request));
        return {};
    }));
    return saved;
}

Result<std::vector<Saved>> AgentStore::save_many(std::span<const SaveRequest> requests) {
    std::vector<Saved> out;
    out.reserve(requests.size());
    std::size_t records = 0;
    STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
        for (const SaveRequest& request : requests) {
            STREETLOG_TRY(auto saved, impl_->append(request));
            out.push_back(saved);
            impl_->flush_in_steps(records);
        }
        return {};
    }));
    return out;
}

AgentReader& AgentStore::read() { return *impl_->reader; }

void AgentStore::checkpoint() {
    (void)guarded_job([&]() -> Result<int> { return impl_->db.checkpoint(); });
}

}  // namespace streetlog::store
