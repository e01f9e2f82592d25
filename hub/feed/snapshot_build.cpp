#include "hub/feed/snapshot_build.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/feed/page_reader.hpp"
#include "hub/project/hub_projection.hpp"
#include "schema/planted.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::hub {
namespace {

/// Bundle whose tables and groups the states may use.
constexpr std::uint32_t kBundle = 1;
/// Runs of the hub go together until they weigh this much.
constexpr std::size_t kRunBytes = 96 * 1024;

/// The projection's numbers of all entities in the order of the snapshot: every client before its
/// enrollments, every enrollment before what hangs on it. So the rows of a device's tables are next
/// to those they are looked up with, and the ids that name a parent are near that parent's own,
/// where they compress.
class Order {
  public:
    explicit Order(store::Db& db)
        : children_(db.prepare("SELECT eno FROM entity WHERE parent = ?1 AND parent IS NOT NULL "
                               "ORDER BY tbl, eno")) {
        auto last = db.prepare("SELECT coalesce(max(eno), 0) FROM entity");
        if (last.step()) place_.resize(static_cast<std::size_t>(last.integer(0)) + 1);
        last.reset();
        auto roots = db.prepare("SELECT eno FROM entity WHERE parent IS NULL ORDER BY eno");
        while (roots.step()) place_below(roots.integer(0));
        // Entities that hang on one another in a circle have no root.
        auto all = db.prepare("SELECT eno FROM entity ORDER BY eno");
        while (all.step()) place_below(all.integer(0));
    }

    [[nodiscard]] const std::vector<std::uint32_t>& enos() const { return enos_; }

    /// Place in the order, from 1; 0 for no entity.
    [[nodiscard]] std::uint64_t place_of(std::int64_t eno) const {
        const auto at = static_cast<std::size_t>(eno);
        return at < place_.size() ? place_[at] : 0;
    }

  private:
    void place_below(std::int64_t root) {
        std::vector<std::int64_t> todo{root};
        while (!todo.empty()) {
            const std::int64_t eno = todo.back();
            todo.pop_back();
            auto& place = place_[static_cast<std::size_t>(eno)];
            if (place != 0) continue;
            enos_.push_back(static_cast<std::uint32_t>(eno));
            place = static_cast<std::uint32_t>(enos_.size());
            const auto first = todo.size();
            children_.with(eno);
            while (children_.step()) todo.push_back(children_.integer(0));
            std::reverse(todo.begin() + static_cast<std::ptrdiff_t>(first), todo.end());
        }
    }

    store::Stmt children_;
    std::vector<std::uint32_t> enos_;
    std::vector<std::uint32_t> place_;  // by eno
};

Result<sync::Position> position_of(store::Db& db) {
    auto row = db.prepare("SELECT hub_seq, hub_hash FROM progress");
    if (!row.step()) return fail(ErrorCode::kUnavailable, "the projection is empty");
    sync::Position out;
    out.seq = {static_cast<std::uint64_t>(row.integer(0))};
    const auto hash = row.blob(1);
    if (hash.size() == out.hash.size()) std::ranges::copy(hash, out.hash.begin());
    row.reset();
    return out;
}

Result<void> add_replicas(store::Db& db, SnapshotWriter& out) {
    std::vector<sync::Replica> replicas;
    auto rows = db.prepare("SELECT no, device, incarnation FROM replica ORDER BY no");
    while (rows.step()) {
        sync::Replica replica;
        const auto device = rows.blob(1);
        if (static_cast<std::size_t>(rows.integer(0)) != replicas.size() + 1 ||
            device.size() != replica.device.bytes.size())
            return fail(ErrorCode::kDamaged, "the projection's replicas are not numbered in order");
        std::ranges::copy(device, replica.device.bytes.begin());
        replica.incarnation = static_cast<std::uint32_t>(rows.integer(2));
        replicas.push_back(replica);
    }
    return out.add(sync::encode_replicas(replicas));
}

/// The hub's own records up to `end`: devices keep them all, for the day the hub may have lost
/// them.
Result<void> add_runs(PageReader& pages,
                      const SnapshotSource& source,
                      HubSeq end,
                      SnapshotWriter& out) {
    std::vector<sync::PageRun> runs;
    std::size_t bytes = 0;
    const auto write = [&]() -> Result<void> {
        if (runs.empty()) return {};
        bytes = 0;
        return out.add(sync::encode_runs(std::exchange(runs, {})));
    };
    for (const auto& row : pages.log().replicas()) {
        if (row.replica.device != source.hub) continue;
        for (std::uint64_t seq = 1; seq <= row.acked_seq;) {
            auto run = pages.log().run_of(row.replica, seq);
            if (!run || run->first_hub > end) break;
            seq = run->last_seq() + 1;
            auto as_sent = pages.as_sent(*std::move(run), {});
            if (source.key) sync::sign_receipt(*source.key, as_sent.receipt);
            const std::size_t more = 256 + as_sent.body.size() + 24 * as_sent.receipt.times.size();
            if (bytes + more > kRunBytes) STREETLOG_CHECK(write());
            bytes += more;
            runs.push_back(std::move(as_sent));
        }
    }
    return write();
}

/// The bytes of a state with a planted bug.
sync::Bytes spoilt(store::Db& db, sync::BytesView bytes) {
    store::DbReplicaNumbers numbers{db};
    auto state = sync::decode_state(bytes, numbers);
    if (!state) return {bytes.begin(), bytes.end()};
    for (auto& [id, reg] : state->registers) {
        if (planted(Bug::kGoneNotShipped)) reg.gone.clear();
        if (planted(Bug::kHiddenNotShipped)) reg.hidden.clear();
    }
    return sync::encode_state(*state, numbers);
}

Result<std::uint64_t> add_entities(store::Db& db,
                                   SnapshotWriter& out,
                                   const std::atomic<bool>& stop) {
    const Order order{db};
    auto entity = db.prepare(
        "SELECT e.id, e.tbl, e.parent, c.root, s.body FROM entity e "
        "LEFT JOIN canon c ON c.eno = e.eno LEFT JOIN state s ON s.eno = e.eno WHERE e.eno = ?1");
    auto total = db.prepare("SELECT coalesce(sum(length(body)), 0) FROM state");
    const auto state_bytes = total.step() ? static_cast<std::size_t>(total.integer(0)) : 0;
    total.reset();
    const std::size_t chunk_bytes =
        std::max(sync::kSnapshotChunkBytes,
                 (state_bytes + 32 * order.enos().size()) / (sync::kSnapshotChunksMax / 2));
    sync::EntityChunk chunk{1};
    for (std::size_t i = 0; i < order.enos().size(); ++i) {
        entity.with(order.enos()[i]);
        if (!entity.step()) return fail(ErrorCode::kDamaged, "an entity of the projection is gone");
        sync::SnapshotEntity one;
        one.id = store::id_at(entity, 0);
        one.table = static_cast<std::uint16_t>(entity.integer(1));
        one.parent = order.place_of(entity.integer(2));
        one.root = order.place_of(entity.integer(3));
        one.state = entity.blob(4);
        sync::Bytes other;
        if (planted(Bug::kGoneNotShipped) || planted(Bug::kHiddenNotShipped))
            one.state = other = spoilt(db, one.state);
        chunk.add(one);
        entity.reset();
        if (chunk.bytes() < chunk_bytes && i + 1 < order.enos().size()) continue;
        if (stop) return fail(ErrorCode::kInterrupted, "the hub is stopping");
        STREETLOG_CHECK(out.add(std::move(chunk).take()));
        chunk = sync::EntityChunk{i + 2};
    }
    return order.enos().size();
}

}  // namespace

Result<void> build_snapshot(const SnapshotSource& source,
                            const std::filesystem::path& file,
                            const std::atomic<bool>& stop) {
    return store::guarded_job([&]() -> Result<void> {
        STREETLOG_TRY(auto db,
                      store::Db::open(source.directory / "projection.db",
                                      store::Access::kRead,
                                      store::Durability::kNormal,
                                      kProjectionMark));
        STREETLOG_TRY(auto log, store::HubLog::open(source.directory, store::Access::kRead));
        PageReader pages{std::move(log)};
        db.exec("BEGIN");
        sync::SnapshotManifest manifest;
        manifest.scope = source.scope;
        manifest.bundle = kBundle;
        STREETLOG_TRY(manifest.at, position_of(db));
        if (!pages.log().has({manifest.at.seq, manifest.at.hash}))
            return fail(ErrorCode::kUnavailable, "the projection has not met this log yet");
        STREETLOG_TRY(auto out, SnapshotWriter::begin(file));
        STREETLOG_CHECK(add_replicas(db, out));
        STREETLOG_CHECK(add_runs(pages, source, manifest.at.seq, out));
        STREETLOG_TRY(manifest.entities, add_entities(db, out, stop));
        db.exec("ROLLBACK");
        return out.finish(std::move(manifest));
    });
}

}  // namespace streetlog::hub
