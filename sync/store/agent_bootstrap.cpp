#include <algorithm>

#include "sync/store/agent_impl.hpp"
#include "sync/store/bootstrap_rows.hpp"
#include "sync/store/generation_tables.hpp"

/// A snapshot of the hub into a generation of its own, beside the one that is shown, in steps
/// between which a person may save; then the one row and the names that make it the one that is
/// shown, in one transaction.
namespace streetlog::store {
namespace {

std::int64_t schema_version(Db& db) {
    auto row = db.prepare("PRAGMA schema_version");
    const auto version = row.step() ? row.integer(0) : 0;
    row.reset();
    return version;
}

}  // namespace

void AgentStore::Impl::read_bootstrap() {
    bootstrap = {};
    auto row = db.prepare(
        "SELECT phase, generation, id, manifest, chunks, run, own, stamped, again FROM bootstrap");
    if (!row.step()) return;
    bootstrap.phase = static_cast<BootstrapPhase>(row.integer(0));
    bootstrap.generation = row.integer(1);
    if (row.blob(2).size() == bootstrap.id.size())
        std::ranges::copy(row.blob(2), bootstrap.id.begin());
    bootstrap.manifest = manifest_in(row.blob(3));
    bootstrap.chunks = static_cast<std::uint32_t>(row.integer(4));
    bootstrap.run = row.integer(5);
    bootstrap.own = static_cast<std::uint64_t>(row.integer(6));
    bootstrap.stamped = static_cast<std::uint64_t>(row.integer(7));
    bootstrap.again = row.integer(8) != 0;
    row.reset();
}

void AgentStore::Impl::write_bootstrap() {
    const Bytes manifest = stored_manifest(bootstrap.manifest);
    db.prepare(
          "INSERT INTO bootstrap VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(one) DO "
          "UPDATE SET phase=?1, chunks=?5, run=?6, own=?7, stamped=?8")
        .with(bootstrap.phase,
              bootstrap.generation,
              BytesView{bootstrap.id},
              BytesView{manifest},
              bootstrap.chunks,
              bootstrap.run,
              bootstrap.own,
              bootstrap.stamped,
              bootstrap.again ? 1 : 0)
        .run();
}

void AgentStore::Impl::forget_next() {
    filling.reset();
    loader.reset();
    next.reset();
}

StateTables& AgentStore::Impl::next_tables() {
    if (!next)
        next = std::make_unique<StateTables>(db, numbers, me.settings.self, Generation::kNext);
    return *next;
}

Result<void> AgentStore::Impl::begin(Bootstrap what) {
    if (bootstrap.loading())
        STREETLOG_CHECK(transact([&]() -> Result<void> {
            give_up_bootstrap();
            return {};
        }));
    // What an earlier one left behind goes first: seldom anything, for it goes as soon as there is
    // time.
    while (bootstrap.phase == BootstrapPhase::kClear)
        STREETLOG_CHECK(transact_lightly([&]() -> Result<void> {
            static_cast<void>(clear_step());
            return {};
        }));
    return transact([&]() -> Result<void> {
        make_next(db, schema_version(db));
        bootstrap = std::move(what);
        bootstrap.phase = BootstrapPhase::kLoad;
        write_bootstrap();
        return {};
    });
}

Result<sync::SnapshotPlace> AgentStore::begin_snapshot(const sync::SnapshotManifest& manifest) {
    auto& impl = *impl_;
    STREETLOG_CHECK(impl.transact([&]() -> Result<void> {
        for (const auto& run : manifest.own) STREETLOG_CHECK(impl.apply_run(run, 0));
        return {};
    }));
    return guarded_job([&]() -> Result<sync::SnapshotPlace> {
        const Hash id = sync::snapshot_id(manifest);
        if (!impl.bootstrap.loading() || impl.bootstrap.id != id) {
            Bootstrap what;
            what.generation = base_of(impl.db).generation + 1;
            what.id = id;
            what.manifest = manifest;
            STREETLOG_CHECK(impl.begin(std::move(what)));
        }
        return impl.place();
    });
}

/// Pieces are stored in order, so the last one says it.
sync::SnapshotPlace AgentStore::Impl::place() {
    auto last = db.prepare(
        "SELECT id, length(body) FROM snapshot_piece WHERE id >= ?1 AND id < ?2 ORDER BY id DESC "
        "LIMIT 1");
    last.with(piece_id(bootstrap.generation, 0, 0), piece_id(bootstrap.generation + 1, 0, 0));
    if (!last.step()) return {};
    const auto id = static_cast<std::uint64_t>(last.integer(0));
    const auto end = (id & ((1U << kChunkShift) - 1)) + static_cast<std::uint64_t>(last.integer(1));
    last.reset();
    const auto chunk = static_cast<std::uint32_t>(id >> kChunkShift &
                                                  ((1U << (kGenerationShift - kChunkShift)) - 1));
    const auto& chunks = bootstrap.manifest.chunks;
    if (chunk < chunks.size() && end >= chunks[chunk].bytes) return {chunk + 1, 0};
    return {chunk, static_cast<std::uint32_t>(end)};
}

/// None while a part of it is missing.
std::optional<Bytes> AgentStore::Impl::chunk_bytes(std::int64_t generation, std::uint32_t chunk) {
    const std::size_t size = bootstrap.manifest.chunks[chunk].bytes;
    Bytes out;
    auto pieces =
        db.prepare("SELECT body FROM snapshot_piece WHERE id >= ?1 AND id < ?2 ORDER BY id");
    pieces.with(piece_id(generation, chunk, 0), piece_id(generation, chunk + 1, 0));
    while (pieces.step()) {
        const auto piece = pieces.blob(0);
        out.insert(out.end(), piece.begin(), piece.end());
    }
    if (out.size() < size) return std::nullopt;
    return out;
}

Result<void> AgentStore::store_piece(const sync::SnapshotPiece& piece) {
    auto& impl = *impl_;
    const Bootstrap& now = impl.bootstrap;
    if (now.phase != BootstrapPhase::kLoad || piece.snapshot != now.id ||
        piece.chunk >= now.manifest.chunks.size() || piece.body.empty())
        return fail(ErrorCode::kConflict, "a piece of a snapshot that is not being loaded");
    bool good = true;
    STREETLOG_CHECK(impl.transact_lightly([&]() -> Result<void> {
        if (impl.place() != sync::SnapshotPlace{piece.chunk, piece.offset})
            return fail(ErrorCode::kConflict, "a piece of a snapshot out of order");
        impl.db.prepare("INSERT INTO snapshot_piece VALUES(?1, ?2)")
            .with(piece_id(now.generation, piece.chunk, piece.offset), BytesView{piece.body})
            .run();
        const auto whole = impl.chunk_bytes(now.generation, piece.chunk);
        good = !whole || sync::sha256(*whole) == now.manifest.chunks[piece.chunk].hash;
        if (!good) impl.drop_pieces_from(piece.chunk);
        return {};
    }));
    if (good) return {};
    return fail(ErrorCode::kDamaged, "a chunk of the snapshot was damaged on its way");
}

/// They are to be asked for anew.
void AgentStore::Impl::drop_pieces_from(std::uint32_t chunk) {
    db.prepare("DELETE FROM snapshot_piece WHERE id >= ?1 AND id < ?2")
        .with(piece_id(bootstrap.generation, chunk, 0), piece_id(bootstrap.generation + 1, 0, 0))
        .run();
}

Result<void> AgentStore::drop_snapshot() {
    if (!impl_->bootstrap.loading()) return {};
    return impl_->transact([&]() -> Result<void> {
        impl_->give_up_bootstrap();
        return {};
    });
}

void AgentStore::Impl::give_up_bootstrap() {
    forget_next();
    give_up_next(db);
    bootstrap.phase = BootstrapPhase::kClear;
    write_bootstrap();
}

bool AgentStore::loads_snapshots() const { return !impl_->refuses_snapshots; }

std::optional<BootstrapStatus> AgentStore::bootstrap() const {
    const auto& now = impl_->bootstrap;
    if (!now.loading()) return std::nullopt;
    return BootstrapStatus{now.chunks, static_cast<std::uint32_t>(now.manifest.chunks.size())};
}

bool AgentStore::bootstrap_due() const {
    const auto& now = impl_->bootstrap;
    return now.phase != BootstrapPhase::kNone &&
           (now.phase != BootstrapPhase::kLoad || impl_->chunk_is_next());
}

/// Whether there is something to load, or nothing more to come.
bool AgentStore::Impl::chunk_is_next() {
    return bootstrap.chunks == bootstrap.manifest.chunks.size() || place().chunk > bootstrap.chunks;
}

/// After the commit that made another generation the one that is shown: memory is of the old one.
void AgentStore::Impl::live_changed() {
    live.projection.forget();
    forget_next();
}

Result<std::optional<sync::Position>> AgentStore::bootstrap_step() {
    auto& impl = *impl_;
    bool live = false;
    auto done = impl.transact_lightly([&]() -> Result<void> {
        STREETLOG_TRY(live, impl.bootstrap_step());
        return {};
    });
    if (!done) {
        // The memory of a transaction that was rolled back is gone already.
        const auto code = done.error().code;
        if (code == ErrorCode::kUnsupported || code == ErrorCode::kMalformed) {
            impl.refuses_snapshots = true;
            STREETLOG_CHECK(drop_snapshot());
        } else if (code == ErrorCode::kDamaged && impl.bootstrap.phase == BootstrapPhase::kLoad) {
            STREETLOG_CHECK(impl.transact([&]() -> Result<void> {
                impl.drop_pieces_from(impl.bootstrap.chunks);
                return {};
            }));
        }
        return std::unexpected(std::move(done).error());
    }
    if (!live) return std::optional<sync::Position>{};
    const auto at = impl.bootstrap.manifest.at;
    impl.live_changed();
    return std::optional{at};
}

}  // namespace streetlog::store
