#include "hub/feed/state_pages.hpp"

#include "hub/feed/audience.hpp"
#include "hub/project/hub_projection.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/session/index_rows.hpp"
#include "sync/session/state_rows.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::hub {
namespace {

/// Packed, so that a message holds it with its frame.
constexpr std::size_t kStatesBytesMax = sync::kBatchRawBytesMax;
constexpr int kCorrupt = 11;  // SQLITE_CORRUPT

/// One state of the file for as long as it lives.
class ReadTransaction {
  public:
    explicit ReadTransaction(store::Db& db) : db_(db) { db_.exec("BEGIN"); }

    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;

    ~ReadTransaction() {
        // Nothing was written, so ending it cannot lose anything.
        (void)store::guarded_job([&]() -> Result<void> {
            db_.exec("COMMIT");
            return {};
        });
    }

  private:
    store::Db& db_;
};

/// Groups that never leave the hub are nobody's.
void strip(sync::EntityState& state) {
    std::erase_if(state.registers, [](const auto& entry) {
        const hud::Group* group = hud::find_group(entry.first.group);
        return group != nullptr && group->scope == hud::Scope::kHub;
    });
}

/// Where a page begins: after the cursor, or within what one record wrote.
sync::RowPlace first_place(const sync::Position& cursor,
                           const std::optional<sync::RowPlace>& within) {
    return within.value_or(sync::RowPlace{cursor.reach(), INT64_MAX});
}

sync::RowPlace place_at(const store::Stmt& row) {
    return {{static_cast<std::uint64_t>(row.integer(0))}, row.integer(1)};
}

/// The cursor that says "everything up to `through`": the newest place at or before it where the
/// chain has a hash, and the rest of the way.
sync::Position position_at(store::HubLog& log, HubSeq through) {
    const auto run = log.run_at(through);
    if (!run) throw store::StorageFailure("the log lacks a place the projection has", kCorrupt);
    if (run->last_hub() == through) return {through, run->hub_hash, {}};
    if (run->first_hub.value <= 1) return {{}, {}, through};
    const auto before = log.run_at({run->first_hub.value - 1});
    if (!before) throw store::StorageFailure("the log lacks a run", kCorrupt);
    return {before->last_hub(), before->hub_hash, through};
}

}  // namespace

struct StatePages::Impl {
    explicit Impl(store::Db connection)
        : db(std::move(connection)),
          numbers(db),
          progress(db.prepare("SELECT hub_seq, hub_hash FROM progress")),
          rows(db.prepare("SELECT c.hub_seq, c.eno, e.id, s.body FROM scope_change c "
                          "JOIN entity e ON e.eno = c.eno LEFT JOIN state s ON s.eno = c.eno "
                          "WHERE c.scope = ?1 AND (c.hub_seq, c.eno) > (?2, ?3) "
                          "ORDER BY c.hub_seq, c.eno")),
          index(db.prepare("SELECT c.hub_seq, c.eno, e.id, c.day, c.person FROM client_index c "
                           "JOIN entity e ON e.eno = c.eno "
                           "WHERE (c.hub_seq, c.eno) > (?1, ?2) ORDER BY c.hub_seq, c.eno")),
          one(db.prepare("SELECT s.body FROM entity_id i JOIN state s ON s.eno = i.eno "
                         "WHERE i.id = ?1")),
          scope(db.prepare("SELECT no FROM scope WHERE project = ?1")),
          office(db.prepare("SELECT first_hub FROM office_run WHERE first_hub > ?1 "
                            "ORDER BY first_hub LIMIT ?2")) {}

    /// Where the projection stands, once it is known to be of this log and at least at `cursor`.
    [[nodiscard]] Result<store::HubHead> stands_beyond(store::HubLog& log,
                                                       const sync::Position& cursor) {
        if (!log.has({cursor.seq, cursor.hash}))
            return fail(ErrorCode::kNotFound, "the hub's log does not have this cursor");
        const auto stands = stands_at();
        if (stands.seq < cursor.reach() || !log.has(stands))
            return fail(ErrorCode::kUnavailable, "the hub is still reading its own log");
        return stands;
    }

    [[nodiscard]] store::HubHead stands_at() {
        store::HubHead out;
        if (!progress.step()) return out;
        out.seq = {static_cast<std::uint64_t>(progress.integer(0))};
        const auto hash = progress.blob(1);
        if (hash.size() == out.hash.size()) std::ranges::copy(hash, out.hash.begin());
        progress.reset();
        return out;
    }

    [[nodiscard]] sync::EntityState state_at(store::Stmt& row, int column) {
        auto state = sync::decode_state(row.blob(column), numbers);
        if (!state) throw store::StorageFailure("a stored state cannot be read", kCorrupt);
        strip(*state);
        return *std::move(state);
    }

    [[nodiscard]] sync::IndexRow index_row(const store::Stmt& row) {
        sync::IndexRow out{store::id_at(row, 2), place_at(row).seq, std::nullopt, std::nullopt};
        if (!row.is_null(3)) out.last_seen_day = row.integer(3);
        if (row.is_null(4)) return out;
        auto person = sync::decode_person(row.blob(4), numbers);
        if (!person) throw store::StorageFailure("a stored row cannot be read", kCorrupt);
        out.person = *std::move(person);
        return out;
    }

    store::Db db;
    store::DbReplicaNumbers numbers;
    store::Stmt progress, rows, index, one, scope, office;
};

namespace {

/// Fills one page row by row, and knows where it may end. Rows: sync::StateRows or sync::IndexRows.
template <class Rows>
class Filling {
  public:
    explicit Filling(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    /// Takes the row, or leaves it out: one that no message can hold must not hold up all that
    /// follow. False when the page is full before it.
    template <class Row>
    [[nodiscard]] bool take(sync::RowPlace at, const Row& row) {
        if (!room_for(at)) return false;
        if (!fits_a_message(row)) {
            ++left_out_;
            return true;
        }
        rows_.add(row);
        last_ = at;
        return true;
    }

    /// What one record wrote stays together where it can: the page ends before the record that did
    /// not fit, unless that is its first.
    [[nodiscard]] std::optional<sync::RowPlace> cut() {
        if (!whole_) return last_;
        rows_.cut(whole_->rows);
        return std::nullopt;
    }

    [[nodiscard]] HubSeq whole_until() const { return whole_ ? whole_->until : HubSeq{}; }

    [[nodiscard]] std::uint32_t left_out() const { return left_out_; }

    [[nodiscard]] sync::Packed pack() && {
        if (rows_.count() == 0) return {};
        return sync::pack(std::move(rows_).take());
    }

  private:
    struct Whole {
        HubSeq until;
        std::size_t rows = 0;
    };

    [[nodiscard]] bool room_for(sync::RowPlace at) {
        if (at.seq != last_.seq && rows_.count() > 0) {
            whole_ = {last_.seq, rows_.count()};
            if (rows_.bytes() >= max_bytes_) return false;
        }
        return rows_.bytes() < kStatesBytesMax;
    }

    template <class Row>
    static bool fits_a_message(const Row& row) {
        Rows alone;
        alone.add(row);
        return alone.bytes() <= kStatesBytesMax ||
               sync::pack(std::move(alone).take()).body.size() <= kStatesBytesMax;
    }

    std::size_t max_bytes_;
    Rows rows_;
    sync::RowPlace last_;
    std::optional<Whole> whole_;
    std::uint32_t left_out_ = 0;
};

template <class Rows>
StatePages::Read finished(store::HubLog& log,
                          std::uint32_t scope,
                          const sync::Position& cursor,
                          const store::HubHead& stands,
                          bool full,
                          Filling<Rows>&& filling) {
    StatePages::Read out;
    out.left_out = filling.left_out();
    sync::Page& page = out.page;
    page.scope = scope;
    page.as_of = stands.seq;
    page.caught_up = !full;
    page.next = {stands.seq, stands.hash, {}};
    if (full) {
        out.within = filling.cut();
        page.next = out.within ? cursor : position_at(log, filling.whole_until());
    }
    auto packed = std::move(filling).pack();
    page.encoding = packed.encoding;
    page.raw_bytes = packed.raw_bytes;
    page.states = std::move(packed.body);
    return out;
}

}  // namespace

StatePages::StatePages(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatePages::StatePages(StatePages&&) noexcept = default;
StatePages& StatePages::operator=(StatePages&&) noexcept = default;
StatePages::~StatePages() = default;

Result<StatePages> StatePages::open(const std::filesystem::path& directory) {
    STREETLOG_TRY(auto db,
                  store::Db::open(directory / "projection.db",
                                  store::Access::kRead,
                                  store::Durability::kNormal,
                                  kProjectionMark));
    return store::guarded_job(
        [&]() -> Result<StatePages> { return StatePages{std::make_unique<Impl>(std::move(db))}; });
}

Result<StatePages::Read> StatePages::read(store::HubLog& log,
                                          std::uint32_t scope,
                                          const sync::Position& cursor,
                                          std::size_t max_bytes,
                                          const std::optional<sync::RowPlace>& within) {
    return store::guarded_job([&]() -> Result<Read> {
        const ReadTransaction held{impl_->db};
        STREETLOG_TRY(const auto stands, impl_->stands_beyond(log, cursor));
        impl_->numbers.load();
        Filling<sync::StateRows> filling{max_bytes};
        bool full = false;
        auto& rows = impl_->rows;
        const auto after = first_place(cursor, within);
        rows.with(scope, after.seq.value, after.row);
        while (!full && rows.step()) {
            if (rows.is_null(3)) continue;  // named by others, its own create is not here
            full = !filling.take(
                place_at(rows),
                sync::StateRow{
                    store::id_at(rows, 2), false, std::nullopt, impl_->state_at(rows, 3)});
        }
        rows.reset();
        return finished(log, scope, cursor, stands, full, std::move(filling));
    });
}

Result<StatePages::Read> StatePages::read_index(store::HubLog& log,
                                                const sync::Position& cursor,
                                                std::size_t max_bytes,
                                                const std::optional<sync::RowPlace>& within) {
    return store::guarded_job([&]() -> Result<Read> {
        const ReadTransaction held{impl_->db};
        STREETLOG_TRY(const auto stands, impl_->stands_beyond(log, cursor));
        impl_->numbers.load();
        Filling<sync::IndexRows> filling{max_bytes};
        bool full = false;
        auto& rows = impl_->index;
        const auto after = first_place(cursor, within);
        rows.with(after.seq.value, after.row);
        while (!full && rows.step()) full = !filling.take(place_at(rows), impl_->index_row(rows));
        rows.reset();
        return finished(log, kScopeIndex, cursor, stands, full, std::move(filling));
    });
}

Result<StatePages::Office> StatePages::office_runs(store::HubLog& log,
                                                   const sync::Position& after,
                                                   std::size_t max) {
    return store::guarded_job([&]() -> Result<Office> {
        const ReadTransaction held{impl_->db};
        Office out;
        STREETLOG_TRY(out.stands, impl_->stands_beyond(log, after));
        impl_->office.with(after.seq.value, max);
        while (impl_->office.step())
            out.runs.push_back({static_cast<std::uint64_t>(impl_->office.integer(0))});
        return out;
    });
}

Result<sync::Packed> StatePages::states_of(std::span<const EntityId> entities) {
    return store::guarded_job([&]() -> Result<sync::Packed> {
        const ReadTransaction held{impl_->db};
        impl_->numbers.load();
        sync::StateRows rows;
        auto& one = impl_->one;
        for (const EntityId id : entities) {
            one.with(store::BytesView{id.bytes});
            if (!one.step()) continue;
            rows.add({id, false, std::nullopt, impl_->state_at(one, 0)});
            one.reset();
        }
        if (rows.count() == 0) return sync::Packed{};
        return sync::pack(std::move(rows).take());
    });
}

Result<std::vector<std::uint32_t>> StatePages::scopes_of(std::span<const EntityId> projects,
                                                         HubSeq least) {
    return store::guarded_job([&]() -> Result<std::vector<std::uint32_t>> {
        if (impl_->stands_at().seq < least)
            return fail(ErrorCode::kUnavailable, "the hub is still reading its own log");
        std::vector<std::uint32_t> out;
        for (const EntityId project : projects) {
            impl_->scope.with(store::BytesView{project.bytes});
            if (!impl_->scope.step()) continue;
            out.push_back(static_cast<std::uint32_t>(impl_->scope.integer(0)));
            impl_->scope.reset();
        }
        return out;
    });
}

}  // namespace streetlog::hub
