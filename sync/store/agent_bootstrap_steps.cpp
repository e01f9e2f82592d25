#include <algorithm>

#include "schema/planted.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/bootstrap_rows.hpp"
#include "sync/store/generation_tables.hpp"
#include "sync/store/id_at.hpp"

/// The steps in which a snapshot is loaded, gets the device's own records on top, is shown, and in
/// which what was shown before goes.
namespace streetlog::store {
namespace {

constexpr std::int64_t kRunRows = 500;     // looked at in one step
constexpr std::int64_t kRunsMerged = 20;   // of those, when they are merged as well
constexpr std::size_t kOwnRecords = 200;   // put in one step
constexpr std::int64_t kEntityRows = 500;  // written once more in one step
constexpr std::int64_t kPieceRows = 10;    // thrown away in one step

}  // namespace

/// True when the generation has just become the one that is shown.
Result<bool> AgentStore::Impl::bootstrap_step() {
    switch (bootstrap.phase) {
        case BootstrapPhase::kNone:
            return false;
        case BootstrapPhase::kLoad:
            return load_step();
        case BootstrapPhase::kIds:
        case BootstrapPhase::kKeys:
            return fill_step();
        case BootstrapPhase::kRuns:
            return runs_step();
        case BootstrapPhase::kOwn:
            return own_step();
        case BootstrapPhase::kClear:
            static_cast<void>(clear_step());
            return false;
    }
    return false;
}

Result<bool> AgentStore::Impl::load_step() {
    if (bootstrap.chunks == bootstrap.manifest.chunks.size()) {
        if (loaded_entities() != bootstrap.manifest.entities)
            return fail(ErrorCode::kMalformed, "a snapshot with fewer entities than it says");
        bootstrap.phase = BootstrapPhase::kIds;
        forget_next();  // its next number for an entity is from before they were loaded
        write_bootstrap();
        return false;
    }
    const std::uint32_t chunk = bootstrap.chunks;
    const auto& row = bootstrap.manifest.chunks[chunk];
    const auto packed = chunk_bytes(bootstrap.generation, chunk);
    if (!packed) return false;
    if (sync::sha256(*packed) != row.hash)
        return fail(ErrorCode::kDamaged, "a chunk of the snapshot was damaged on this disk");
    STREETLOG_TRY(const Bytes raw, sync::unpack(row.encoding, row.raw_bytes, *packed));
    STREETLOG_CHECK(load_chunk(chunk, raw));
    ++bootstrap.chunks;
    db.prepare("UPDATE bootstrap SET chunks = ?1").with(bootstrap.chunks).run();
    return false;
}

Result<void> AgentStore::Impl::load_chunk(std::uint32_t chunk, BytesView raw) {
    STREETLOG_TRY(const auto kind, sync::kind_of(raw));
    if ((chunk == 0) != (kind == sync::ChunkKind::kReplicas))
        return fail(ErrorCode::kMalformed, "a snapshot that does not begin with its replicas");
    if (kind == sync::ChunkKind::kReplicas) return {};  // read by whoever needs them
    if (kind == sync::ChunkKind::kRuns) {
        STREETLOG_TRY(const auto runs, sync::decode_runs(raw));
        for (const auto& run : runs) {
            if (run.receipt.replica.device != me.settings.hub ||
                run.encoding == sync::Encoding::kNone)
                return fail(ErrorCode::kMalformed, "a snapshot with runs of others than the hub");
            keep_run(next_tables(), run, 0);
            STREETLOG_TRY(const Bytes body, sync::unpack(run.encoding, run.raw_bytes, run.body));
            STREETLOG_TRY(const auto records, sync::decode_batch(body));
            for (const auto& view : records) {
                if (const auto record = sync::decode(view)) take_words(*record);
            }
        }
        return {};
    }
    STREETLOG_TRY(auto* at_work, loader_at_work());
    STREETLOG_CHECK(at_work->load(raw, loaded_entities() + 1, bootstrap.manifest.entities));
    auto again = db.prepare("INSERT OR IGNORE INTO bootstrap_entity VALUES(?1)");
    for (const auto eno : at_work->take_unresolved()) again.with(eno).run();
    return {};
}

std::uint64_t AgentStore::Impl::loaded_entities() {
    auto newest = db.prepare("SELECT coalesce(max(eno), 0) FROM entity_next");
    const auto count = newest.step() ? static_cast<std::uint64_t>(newest.integer(0)) : 0;
    newest.reset();
    return count;
}

Result<SnapshotLoader*> AgentStore::Impl::loader_at_work() {
    if (loader) return loader.get();
    const auto packed = chunk_bytes(bootstrap.generation, 0);
    if (!packed) return fail(ErrorCode::kDamaged, "the snapshot lost its first chunk");
    const auto& row = bootstrap.manifest.chunks.front();
    STREETLOG_TRY(const Bytes raw, sync::unpack(row.encoding, row.raw_bytes, *packed));
    STREETLOG_TRY(auto replicas, sync::decode_replicas(raw));
    loader = std::make_unique<SnapshotLoader>(
        next_tables().projection, me.settings.self, std::move(replicas), understands);
    return loader.get();
}

Result<bool> AgentStore::Impl::fill_step() {
    const bool ids = bootstrap.phase == BootstrapPhase::kIds;
    if (!filling) {
        filling_kind = ids ? 0 : 1;
        filling = KeyFill::make(db, filling_kind);
    }
    if (filling->step()) return false;
    if (!ids && filling_kind < KeyFill::kLastKind) {
        filling = KeyFill::make(db, ++filling_kind);
        return false;
    }
    filling.reset();
    bootstrap.phase = ids ? BootstrapPhase::kKeys : BootstrapPhase::kRuns;
    write_bootstrap();
    return false;
}

/// First the entities whose rows were not complete, then the runs of the log that are kept.
Result<bool> AgentStore::Impl::runs_step() {
    auto& into = next_tables();
    std::vector<std::pair<std::int64_t, EntityId>> again;
    auto rows = db.prepare(
        "SELECT b.eno, e.id FROM bootstrap_entity b JOIN entity_next e ON e.eno = b.eno LIMIT ?1");
    rows.with(kEntityRows);
    while (rows.step()) again.emplace_back(rows.integer(0), id_at(rows, 1));
    auto done = db.prepare("DELETE FROM bootstrap_entity WHERE eno = ?1");
    for (const auto& [eno, id] : again) {
        into.projection.states.touch(id);
        done.with(eno).run();
    }
    if (!again.empty()) {
        into.flush();
        into.projection.states.trim();
        return false;
    }
    auto runs = db.prepare(
        "SELECT receipt, encoding, raw_bytes, body, hub_seq, hidden FROM run WHERE id > ?1 AND id "
        "<= ?2 AND (?3 OR replica_no IN (SELECT no FROM replica WHERE device = ?4)) ORDER BY id");
    // What was read of a log that the hub does not have any more is not taken over.
    if (!bootstrap.again)
        bootstrap.run = std::max(bootstrap.run, older_runs(bootstrap.manifest.scope));
    const std::int64_t until = bootstrap.run + (bootstrap.again ? kRunsMerged : kRunRows);
    runs.with(bootstrap.run, until, bootstrap.again ? 1 : 0, BytesView{me.settings.hub.bytes});
    while (runs.step()) {
        STREETLOG_TRY(const auto run, run_at(runs));
        keep_run(into, run, 0);
        if (bootstrap.again) STREETLOG_CHECK(merge_run(into, run));
    }
    into.flush();
    into.projection.states.trim();
    bootstrap.run = until;
    auto last = db.prepare("SELECT coalesce(max(id), 0) FROM run");
    if (last.step() && last.integer(0) <= bootstrap.run) bootstrap.phase = BootstrapPhase::kOwn;
    last.reset();
    write_bootstrap();
    return false;
}

Result<bool> AgentStore::Impl::own_step() {
    auto& into = next_tables();
    if (bootstrap.again && bootstrap.own == 0) {
        put_before(into, Before::kAll);
        put_before(into, Before::kReleased);
    }
    if (planted(Bug::kOwnForgotten)) bootstrap.own = me.next_seq - 1;
    for (std::size_t n = 0; n < kOwnRecords && bootstrap.own + 1 < me.next_seq; ++n) {
        const std::uint64_t seq = ++bootstrap.own;
        const bool stamped = stamp_one(into, seq);
        if (!stamped) into.projection.put(own_record(seq), std::nullopt);
        if (stamped && bootstrap.stamped + 1 == seq) bootstrap.stamped = seq;
    }
    into.flush();
    into.projection.states.trim();
    const bool all = bootstrap.own + 1 >= me.next_seq;
    if (all) go_live();
    write_bootstrap();
    return all;
}

void AgentStore::Impl::go_live() {
    make_next_live(db);
    const auto& at = bootstrap.manifest.at;
    if (!bootstrap.again) {
        db.prepare("INSERT OR REPLACE INTO cursor VALUES(?1, ?2, ?3, ?4, 0)")
            .with(bootstrap.manifest.scope, at.seq.value, BytesView{at.hash}, 0)
            .run();
        const Bytes manifest = stored_manifest(bootstrap.manifest);
        db.prepare("INSERT OR REPLACE INTO base VALUES(1, ?1, ?2)")
            .with(bootstrap.generation, BytesView{manifest})
            .run();
        me.newest_hub = at.seq;
    }
    me.stamped = bootstrap.stamped;
    bootstrap.phase = BootstrapPhase::kClear;
}

/// The snapshot the states rest upon is not to be read here any more; its pieces go in their turn.
void AgentStore::Impl::forget_base() {
    db.exec("DELETE FROM base");
    bootstrap.phase = BootstrapPhase::kClear;
    write_bootstrap();
}

/// False when nothing was left; then the row is gone, too.
bool AgentStore::Impl::clear_step() {
    if (clear_some_old(db)) return true;
    const auto kept = base_of(db).generation;
    db.prepare(
          "DELETE FROM snapshot_piece WHERE id IN (SELECT id FROM snapshot_piece WHERE id < ?1 OR "
          "id >= ?2 LIMIT ?3)")
        .with(piece_id(kept, 0, 0), piece_id(kept + 1, 0, 0), kPieceRows)
        .run();
    if (db.changes() > 0) return true;
    db.exec("DELETE FROM bootstrap_entity; DELETE FROM bootstrap");
    bootstrap = {};
    return false;
}

/// From the snapshot the states rest upon, the runs that came after it and the device's own
/// records.
Result<bool> AgentStore::Impl::rebuild_from_base() {
    STREETLOG_TRY(auto base, guarded_job([&]() -> Result<Base> { return base_of(db); }));
    if (!base.manifest) return false;
    Bootstrap what;
    what.generation = base.generation;
    what.id = sync::snapshot_id(*base.manifest);
    what.manifest = *std::move(base.manifest);
    what.again = true;
    STREETLOG_CHECK(begin(std::move(what)));
    bool shown = false;
    while (!shown) {
        STREETLOG_CHECK(transact_lightly([&]() -> Result<void> {
            STREETLOG_TRY(shown, bootstrap_step());
            if (bootstrap.phase == BootstrapPhase::kLoad && !chunk_is_next())
                return fail(ErrorCode::kDamaged,
                            "the snapshot this device was set up from is not whole");
            return {};
        }));
        if (shown) live_changed();
    }
    while (bootstrap.phase == BootstrapPhase::kClear)
        STREETLOG_CHECK(transact_lightly([&]() -> Result<void> {
            static_cast<void>(clear_step());
            return {};
        }));
    return true;
}

}  // namespace streetlog::store
