#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "schema/planted.hpp"
#include "sync/merge/merge.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/entity_reader_impl.hpp"

/// What a device does when it, its copy or its hub fell back to an older state.
namespace streetlog::store {
namespace {

constexpr int kCorrupt = 11;             // SQLITE_CORRUPT
constexpr std::size_t kPutRows = 5'000;  // between two flushes, to bound the memory

std::uint64_t natural(std::int64_t n) { return static_cast<std::uint64_t>(n); }

/// The smallest place of what the state still names.
std::optional<sync::Place> first_in(const sync::EntityState& state) {
    std::optional<sync::Place> out;
    const auto take = [&out](const std::optional<sync::Place>& place) {
        if (place && (!out || *place < *out)) out = place;
    };
    for (const auto& [id, reg] : state.registers) {
        for (const auto& sibling : reg.siblings)
            if (sibling.receipt) take(sibling.receipt->place);
        for (const auto& gone : reg.gone) take(gone.by_place);
        for (const auto& hidden : reg.hidden) take(hidden.place);
    }
    return out;
}

}  // namespace

std::vector<Branch> read_branches(Db& db) {
    std::vector<Branch> out;
    auto rows = db.prepare("SELECT incarnation, common, successor FROM branch");
    while (rows.step())
        out.push_back({static_cast<std::uint32_t>(rows.integer(0)),
                       natural(rows.integer(1)),
                       static_cast<std::uint32_t>(rows.integer(2))});
    return out;
}

Result<void> AgentStore::append_own(std::span<const sync::PageRun> runs) {
    return impl_->transact([&]() -> Result<void> {
        const std::uint64_t before = impl_->me.stamped;
        for (const sync::PageRun& run : runs) STREETLOG_CHECK(impl_->append_own(run));
        // Put once, with the receipts that came along.
        (void)impl_->stamp(impl_->me.next_seq);
        impl_->sweep_again(before);
        return {};
    });
}

Result<void> AgentStore::Impl::append_own(const sync::PageRun& run) {
    const sync::RunReceipt& receipt = run.receipt;
    STREETLOG_CHECK(check_own(receipt));
    STREETLOG_TRY(const Bytes raw, sync::unpack(run.encoding, run.raw_bytes, run.body));
    STREETLOG_TRY(const auto views, sync::decode_batch(raw));
    if (views.size() != receipt.times.size() || receipt.first_seq > me.next_seq)
        return fail(ErrorCode::kConflict, "own records that do not continue the log");
    // Nothing new may be stamped below what comes back.
    while (me.stamped + 1 < me.next_seq && stamp_one(live, me.stamped + 1)) ++me.stamped;
    for (std::size_t i = 0; i < views.size(); ++i) {
        if (receipt.first_seq + i < me.next_seq) continue;
        const auto record = sync::decode(views[i]);
        if (!record || record->header.key() != sync::RecordKey{me.settings.self, me.next_seq})
            return fail(ErrorCode::kConflict, "own records that are not this device's");
        append_encoded(*record, sync::copy_of(views[i]));
    }
    if (me.head != receipt.last_hash)
        return fail(ErrorCode::kConflict, "own records that do not continue the log");
    for (const auto& hidden : run.hidden) keep_exception({hidden.seq, hidden.status, hidden.code});
    keep_receipt(receipt);
    return {};
}

/// The log alone: states are told by whoever calls.
void AgentStore::Impl::append_encoded(const sync::Record& record,
                                      const sync::EncodedRecord& encoded) {
    const auto view = sync::view_of(encoded);
    const Bytes body = sync::encode_batch({&view, 1});
    const sync::Header& header = record.header;
    me.head = sync::chain_hash(me.head, sync::hash_of(view));
    me.hlc = std::max(me.hlc, header.hlc);
    own_add_
        .with(me.next_seq,
              BytesView{me.head},
              header.occurred.ms,
              header.recorded.ms,
              BytesView{body})
        .run();
    ++me.next_seq;
}

Result<void> AgentStore::take_incarnation(std::uint64_t common, std::uint32_t incarnation) {
    return impl_->transact([&] { return impl_->take_incarnation(common, incarnation); });
}

Result<void> AgentStore::Impl::take_incarnation(std::uint64_t common, std::uint32_t incarnation) {
    const sync::Replica old = me.settings.self;
    if (bootstrap.loading()) give_up_bootstrap();  // own records have other numbers from here on
    auto known = db.prepare("SELECT 1 FROM own_before WHERE incarnation = ?1 LIMIT 1");
    known.with(incarnation);
    const bool used = known.step();
    known.reset();
    if (used || incarnation == 0 || incarnation == old.incarnation || common >= me.next_seq)
        return fail(ErrorCode::kConflict, "an incarnation that this device had");
    // What can be stamped is, because afterwards these records are like those of any other device.
    while (me.stamped < common && stamp_one(live, me.stamped + 1)) ++me.stamped;

    std::vector<sync::Record> mine;
    for (std::uint64_t seq = common + 1; seq < me.next_seq; ++seq) {
        mine.push_back(own_record(seq));
        const sync::Record& record = mine.back();
        const auto receipt = receipt_of(seq);
        for (std::size_t i = 0; i < record.ops.size(); ++i) {
            const EntityId id = record.ops[i].entity;
            if (id.is_nil()) continue;
            auto& state = live.projection.states.touch(id).state;
            sync::drop(state, {old, seq, static_cast<std::uint16_t>(i)});
            // The hub that gave it lost it, and gives others.
            if (receipt && state.first == receipt->place) state.first = first_in(state);
        }
    }
    db.prepare(
          "INSERT INTO own_before SELECT ?1, o.seq, o.hash, o.occurred_ms, o.recorded_ms, o.body, "
          "coalesce(x.status, 0) FROM own o LEFT JOIN own_exception x ON x.seq = o.seq "
          "WHERE o.seq <= ?2")
        .with(old.incarnation, common)
        .run();
    db.prepare(
          "INSERT INTO receipt_before SELECT ?1, first_seq, last_seq, received_ms, hub_seq, body "
          "FROM receipt")
        .with(old.incarnation)
        .run();
    db.prepare("INSERT INTO branch VALUES(?1, ?2, ?3)")
        .with(old.incarnation, common, incarnation)
        .run();
    db.exec(
        "DELETE FROM own; DELETE FROM receipt; DELETE FROM own_exception; DELETE FROM own_refused;"
        "DELETE FROM scope_swept;"
        "UPDATE me SET session_nonce = x''");
    branches.push_back({old.incarnation, common, incarnation});
    receipt_id = 0;
    me.settings.self.incarnation = incarnation;
    name_self(me.settings.self);
    me.next_seq = 1;
    me.head = {};
    me.acked = me.stamped = me.safe = 0;
    me.shared_seq.reset();
    if (planted(Bug::kBranchDropped)) mine.clear();
    for (sync::Record& record : mine) {
        sync::Header& header = record.header;
        header.fork_of = sync::ForkOf{old.incarnation, header.seq};
        header.replica = me.settings.self;
        header.seq = me.next_seq;
        for (sync::Op& op : record.ops)
            for (sync::Dot& dot : op.supersedes) dot = renamed(dot);
        append_encoded(record, sync::encode(record));
        live.projection.put(record, std::nullopt);
    }
    return {};
}

void AgentStore::Impl::name_self(const sync::Replica& self) {
    live.projection.tables.name_self(self);
    forget_next();
    reader->name_self(self);
}

void AgentReader::name_self(const sync::Replica& self) {
    impl_->self = self;
    EntityReader::name_self(self);
}

sync::Dot AgentStore::Impl::renamed(sync::Dot dot) const {
    // Each step leads to another incarnation, so it ends; a loop in the table would be damage.
    for (std::size_t steps = 0; steps <= branches.size(); ++steps) {
        if (dot.replica.device != me.settings.self.device) return dot;
        const auto at = std::ranges::find(branches, dot.replica.incarnation, &Branch::incarnation);
        if (at == branches.end() || dot.seq <= at->common) return dot;
        dot.replica.incarnation = at->successor;
        dot.seq -= at->common;
    }
    throw StorageFailure("the incarnations of this device lead in a circle", kCorrupt);
}

/// Records of earlier incarnations. One without a receipt comes again with the page that brings it,
/// or did with a snapshot.
void AgentStore::Impl::put_before(StateTables& into, Before which) {
    auto rows = db.prepare(
        "SELECT o.incarnation, o.seq, o.body, o.status, (SELECT r.body FROM receipt_before r WHERE "
        "r.incarnation = o.incarnation AND r.first_seq <= o.seq AND r.first_seq > o.seq - ?1 AND "
        "r.last_seq >= o.seq ORDER BY r.received_ms, r.hub_seq LIMIT 1) "
        "FROM own_before o ORDER BY o.incarnation, o.seq");
    rows.with(sync::kListMax);
    std::size_t done = 0;
    while (rows.step()) {
        const sync::Record record = need_own(rows.blob(2));
        std::optional<sync::Receipt> receipt;
        if (!rows.is_null(4)) {
            const auto run = decode_receipt(rows.blob(4));
            if (!run) throw StorageFailure("a stored receipt cannot be read", kCorrupt);
            receipt = run->of(natural(rows.integer(1)));
        }
        const auto status = static_cast<sync::RecordStatus>(rows.integer(3));
        const sync::RecordKey key = record.header.key();
        const bool accepted = status == sync::RecordStatus::kAccepted;
        if (which == Before::kReleased) {
            if (!accepted && verdict_on(key) == sync::VerdictAct::kRelease)
                into.projection.put(record, receipt);
        } else if (accepted && !receipt) {
            into.projection.put_unless_replaced(record);
        } else if (accepted) {
            into.projection.put(record, receipt);
        } else {
            const auto encoded = sync::encode(record);
            into.projection.hide(key,
                                 sync::edges_of(sync::view_of(encoded)),
                                 receipt ? std::optional{receipt->place} : std::nullopt);
        }
        if (++done % kPutRows == 0) {
            into.flush();
            into.projection.states.trim();
        }
    }
}

Result<void> AgentStore::suspect_copy() {
    return impl_->transact([&]() -> Result<void> {
        auto& me = impl_->me;
        if (!me.shared_seq) me.shared_seq = static_cast<std::int64_t>(me.next_seq - 1);
        return {};
    });
}

Result<Belongs> AgentStore::belongs_to(BytesView token, BytesView machine) {
    return guarded_job([&]() -> Result<Belongs> {
        auto row = impl_->db.prepare("SELECT install_token, machine FROM me");
        if (!row.step()) return fail(ErrorCode::kNotFound, "this device is not set up");
        const bool fresh = row.blob(0).empty();
        const bool here =
            std::ranges::equal(row.blob(0), token) && std::ranges::equal(row.blob(1), machine);
        row.reset();
        return fresh ? Belongs::kNowhere : here ? Belongs::kHere : Belongs::kElsewhere;
    });
}

Result<void> AgentStore::install(BytesView token, BytesView machine) {
    return impl_->transact([&]() -> Result<void> {
        impl_->db.prepare("UPDATE me SET install_token = ?1, machine = ?2")
            .with(token, machine)
            .run();
        return {};
    });
}

namespace {

/// Receipts of consecutive records, in short.
struct Range {
    std::int64_t id;
    std::uint64_t first, last;
    sync::Place place;  // of `first`
    bool settled;       // the hub goes by it
};

Range range_in(const Stmt& row, bool settled) {
    return {row.integer(0),
            natural(row.integer(1)),
            natural(row.integer(2)),
            {{row.integer(3)}, {natural(row.integer(4))}},
            settled};
}

/// Those of `ranges` that are before another one of the same record, and not settled. One pass in
/// ascending order; those that may still overlap stay in `open`.
std::vector<std::int64_t> earlier_ones(const std::vector<Range>& ranges) {
    std::vector<Range> open;
    std::vector<std::int64_t> out;
    for (const Range& next : ranges) {
        std::erase_if(open, [&](const Range& r) { return r.last < next.first; });
        for (const Range& other : open) {
            sync::Place there = other.place;
            there.seq.value += next.first - other.first;
            if (there == next.place) continue;
            const Range& first = there < next.place ? other : next;
            if (!first.settled && std::ranges::find(out, first.id) == out.end())
                out.push_back(first.id);
        }
        open.push_back(next);
    }
    return out;
}

}  // namespace

bool AgentStore::take_receipts_differ() { return std::exchange(impl_->receipts_differ, false); }

Result<std::vector<sync::RunReceipt>> AgentStore::earlier_receipts(std::size_t most) {
    return guarded_job([&]() -> Result<std::vector<sync::RunReceipt>> {
        std::vector<sync::RunReceipt> out;
        const auto add = [&](Stmt& body, const std::vector<Range>& ranges) -> Result<void> {
            for (const auto id : earlier_ones(ranges)) {
                if (out.size() >= most) break;
                body.with(id);
                if (!body.step()) continue;
                STREETLOG_TRY(auto receipt, decode_receipt(body.blob(0)));
                body.reset();
                if (!receipt.signature.empty()) out.push_back(std::move(receipt));
            }
            return {};
        };
        auto& db = impl_->db;
        std::vector<Range> ranges;
        auto rows = db.prepare(
            "SELECT id, first_seq, last_seq, received_ms, hub_seq, adopted FROM receipt ORDER BY "
            "first_seq, last_seq, received_ms, hub_seq");
        while (rows.step()) ranges.push_back(range_in(rows, rows.integer(5) != 0));
        auto body = db.prepare("SELECT body FROM receipt WHERE id = ?1");
        STREETLOG_CHECK(add(body, ranges));

        // Of earlier incarnations the hub's receipts came with the pages.
        auto before = db.prepare(
            "SELECT rowid, first_seq, last_seq, received_ms, hub_seq FROM receipt_before WHERE "
            "incarnation = ?1");
        auto before_body = db.prepare("SELECT body FROM receipt_before WHERE rowid = ?1");
        auto runs = db.prepare("SELECT receipt FROM run WHERE replica_no = ?1");
        for (const Branch& branch : impl_->branches) {
            ranges.clear();
            const sync::Replica old{impl_->me.settings.self.device, branch.incarnation};
            runs.with(impl_->numbers.number_of(old));
            while (runs.step()) {
                STREETLOG_TRY(const auto r, decode_receipt(runs.blob(0)));
                ranges.push_back({0, r.first_seq, r.last_seq, {r.received, r.first_hub_seq}, true});
            }
            before.with(branch.incarnation);
            while (before.step()) {
                Range mine = range_in(before, false);
                mine.settled = std::ranges::any_of(ranges, [&](const Range& r) {
                    return r.settled && r.first == mine.first && r.place == mine.place;
                });
                ranges.push_back(mine);
            }
            std::ranges::sort(
                ranges, {}, [](const Range& r) { return std::tuple{r.first, r.last}; });
            STREETLOG_CHECK(add(before_body, ranges));
        }
        return out;
    });
}

Result<std::vector<sync::PageRun>> AgentStore::Impl::hub_runs(
    const std::vector<sync::OlderReplica>& has,
    const sync::RecordKey& after,
    std::size_t max_bytes) {
    return guarded_job([&]() -> Result<std::vector<sync::PageRun>> {
        std::vector<sync::PageRun> out;
        std::size_t bytes = 0;
        auto replicas = db.prepare(
            "SELECT no, incarnation FROM replica WHERE device = ?1 AND incarnation >= ?2 ORDER BY "
            "incarnation");
        replicas.with(BytesView{me.settings.hub.bytes}, after.replica.incarnation);
        auto runs = db.prepare(
            "SELECT receipt, encoding, raw_bytes, body, hub_seq FROM run WHERE replica_no = ?1 AND "
            "first_seq > ?2 ORDER BY first_seq, id DESC");
        while (replicas.step()) {
            const auto incarnation = static_cast<std::uint32_t>(replicas.integer(1));
            std::uint64_t from =
                incarnation == after.replica.incarnation ? after.seq : std::uint64_t{0};
            const auto known =
                std::ranges::find(has, incarnation, &sync::OlderReplica::incarnation);
            if (known != has.end()) from = std::max(from, known->acked_seq);
            runs.with(replicas.integer(0), from);
            while (runs.step()) {
                STREETLOG_TRY(auto receipt, decode_receipt(runs.blob(0)));
                // Twice read, or from before the hub signed what it said.
                if (receipt.first_seq <= from || receipt.signature.empty()) continue;
                from = receipt.last_seq;
                sync::PageRun& run = out.emplace_back();
                run.receipt = std::move(receipt);
                run.encoding = static_cast<sync::Encoding>(runs.integer(1));
                run.raw_bytes = static_cast<std::uint32_t>(runs.integer(2));
                run.body.assign(runs.blob(3).begin(), runs.blob(3).end());
                run.hub_seq = {natural(runs.integer(4))};
                bytes += run.body.size();
                if (bytes < max_bytes) continue;
                runs.reset();
                replicas.reset();
                return out;
            }
        }
        return out;
    });
}

Result<void> AgentStore::read_anew(std::uint32_t scope) {
    // States say nothing of what is not there any more, so they cannot be compared with older ones.
    constexpr std::uint32_t kIndex = 2;
    constexpr std::uint32_t kFirstOfStates = 16;
    if (scope == kIndex || scope >= kFirstOfStates) return leave_scope(scope);
    return impl_->transact([&]() -> Result<void> {
        impl_->read_from_start(scope);
        return {};
    });
}

/// The runs that are here count until the new reading has come as far as the hub.
void AgentStore::Impl::read_from_start(std::uint32_t scope) {
    const Hash zero{};
    auto newest = db.prepare("SELECT coalesce(max(id), 0) FROM run");
    const auto older = newest.step() ? newest.integer(0) : 0;
    newest.reset();
    // A snapshot that has taken over runs has taken over those of the earlier log.
    if (bootstrap.phase == BootstrapPhase::kRuns || bootstrap.phase == BootstrapPhase::kOwn)
        give_up_bootstrap();
    cursor_set_.with(scope, 0, BytesView{zero}, 0, older).run();
}

std::int64_t AgentStore::Impl::older_runs(std::uint32_t scope) {
    cursor_older_.with(scope);
    const auto out = cursor_older_.step() ? cursor_older_.integer(0) : 0;
    cursor_older_.reset();
    return out;
}

/// The new reading has come as far as the hub: what only the earlier one had is not in the hub's
/// log, and so nobody has it.
Result<void> AgentStore::Impl::drop_older_runs(std::uint32_t scope) {
    const auto older = older_runs(scope);
    if (older == 0) return {};
    db.prepare("DELETE FROM run WHERE id <= ?1").with(older).run();
    db.prepare("UPDATE cursor SET gen = 0 WHERE scope = ?1").with(scope).run();
    forget_base();
    flush();
    return rebuild_state();
}

}  // namespace streetlog::store
