#include "hub/project/hub_projection.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hub/feed/audience.hpp"
#include "hub/feed/page_weight.hpp"
#include "hub/project/client_index.hpp"
#include "hub/project/project_schema.hpp"
#include "schema/planted.hpp"
#include "sync/change/codec.hpp"
#include "sync/store/log_records.hpp"
#include "sync/store/run_times.hpp"
#include "sync/store/state_schema.hpp"
#include "sync/store/understands.hpp"

namespace streetlog::hub {
namespace {

/// Records of one transaction, about; whole runs.
constexpr std::size_t kStepRecords = 2'000;
/// Pages in the WAL after which a commit is followed by a checkpoint.
constexpr int kWalPagesMax = 4'000;

constexpr std::array<const char*, 3> kSteps{
    store::kStateTables, kProjectTables, store::kLookupTables};

Result<store::Db> open_file(const std::filesystem::path& file) {
    return store::guarded_job([&]() -> Result<store::Db> {
        STREETLOG_TRY(
            auto db,
            store::Db::open(
                file, store::Access::kWrite, store::Durability::kNormal, kProjectionMark));
        STREETLOG_CHECK(store::migrate(db, kSteps));
        return db;
    });
}

/// What of a record can be judged: all of it, or the header alone of one that was held or is
/// damaged.
std::optional<sync::Record> readable(const sync::EncodedView& view) {
    if (auto record = sync::decode(view)) return *std::move(record);
    if (auto header = sync::decode_header(view.header)) return sync::Record{*std::move(header), {}};
    return std::nullopt;
}

/// Whether the record, once accepted, has an effect: half a Save must not show.
bool in_force(const sync::Record& record) {
    return !record.ops.empty() && std::ranges::all_of(record.ops, store::catalogue_understands);
}

}  // namespace

struct HubProjection::Impl {
    Impl(store::Db connection, DeviceId hub_id)
        : db(std::move(connection)),
          hub(hub_id),
          projection(db, {}),
          lateness(db, projection.numbers, projection.states),
          matcher(db, projection.states),
          scopes(db, projection.states),
          index(projection, hub_id),
          reader(db, {}),
          move_(db.prepare("INSERT OR REPLACE INTO progress VALUES(1, ?1, ?2)")) {
        load();
    }

    void load() {
        cursor = {};
        auto row = db.prepare("SELECT hub_seq, hub_hash FROM progress");
        if (!row.step()) return;
        cursor.seq = {static_cast<std::uint64_t>(row.integer(0))};
        const auto hash = row.blob(1);
        if (hash.size() == cursor.hash.size()) std::ranges::copy(hash, cursor.hash.begin());
    }

    /// Memory follows the disk again; nothing is done before it does.
    [[nodiscard]] Result<void> forget() {
        stale = true;
        return store::guarded_job([&]() -> Result<void> {
            projection.forget();
            scopes.forget();
            index.forget();
            lateness.load();
            load();
            stale = false;
            return {};
        });
    }

    void clear() {
        projection.clear();
        lateness.clear();
        matcher.clear();
        scopes.clear();
        index.clear();
        db.exec("DELETE FROM progress");
        cursor = {};
    }

    [[nodiscard]] Result<void> transact(const std::function<Result<void>()>& job) {
        if (stale) STREETLOG_CHECK(forget());
        auto done = store::guarded_job([&]() -> Result<void> {
            store::Txn txn{db};
            STREETLOG_CHECK(job());
            txn.commit();
            projection.states.trim();
            if (db.wal_pages() > kWalPagesMax) db.checkpoint();
            return {};
        });
        if (!done) (void)forget();
        return done;
    }

    /// Writes what a run came to, so that what is made of it depends on the log alone and not on
    /// how much of it goes into one transaction.
    void settle(HubSeq at) {
        projection.flush({}, [&](const store::EntitySlot& slot) {
            matcher.note(slot);
            scopes.note(slot);
            index.note(slot);
        });
        scopes.settle();
        index.settle(at);
    }

    /// One run where it stands.
    [[nodiscard]] Result<void> apply(store::HubLog& log, const store::LogRun& run) {
        STREETLOG_CHECK(put_run(log, run, std::nullopt));
        if (run.replica.device == hub)
            for (const auto& row : log.earlier().at(run.first_hub, run.last_hub()))
                for (const auto& part : store::runs_again(log, row))
                    STREETLOG_CHECK(put_run(log, part, row.at));
        cursor = {run.last_hub(), run.hub_hash};
        settle(cursor.seq);
        return {};
    }

    /// `again`: it is already here, and what the hub said there gives it other receipts.
    [[nodiscard]] Result<void> put_run(store::HubLog& log,
                                       const store::LogRun& run,
                                       std::optional<HubSeq> again) {
        const auto damaged = [&](const char* what) {
            return fail(
                ErrorCode::kDamaged,
                fmt::format(
                    "the log cannot be read at hub sequence {}: {}", run.first_hub.value, what),
                "Check it with: streetlog-hub verify");
        };
        const auto exceptions = log.exceptions(run.first_hub, run.last_hub());
        const auto times = store::decode_times(run.times, run.receipt.first.received);
        if (!times || times->size() != run.count) return damaged("its times");
        auto records = store::records_of(run);
        auto& views = records.views;
        if (views.empty() && exceptions.size() != run.count) return damaged("its records");
        views.resize(run.count);
        const bool edges = exceptions.empty() || shows_edges(views);
        bool for_everyone = false;
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const HubSeq place{run.first_hub.value + i};
            const HubSeq at = again.value_or(place);
            const sync::RecordKey key{run.replica, run.first_seq + i};
            const auto receipt = run.receipt.of(i);
            const auto set_aside = std::ranges::find(exceptions, place, &store::ExceptionRow::seq);
            const auto record = readable(views[i]);
            const bool hidden =
                set_aside != exceptions.end() && !store::released_before(log, key, at);
            if (hidden || !record || !in_force(*record)) {
                const bool shown = edges || !hidden;
                const auto writes =
                    shown ? sync::edges_of(views[i]) : std::vector<sync::HiddenWrite>{};
                projection.hide(key, writes, receipt.place);
                for (const auto& write : writes) scopes.wrote(write.entity, at);
            } else {
                put(*record, receipt, at);
                if (run.replica.device == hub) learn(log, *record, at);
            }
            // One that came back after a loss may be set aside: that it was here counts all the
            // same.
            if (record && run.replica.device == hub && for_everybody(record->ops))
                for_everyone = true;
            // A record that was set aside was late or not all the same.
            if (record && record->header.key() == key && run.replica.device != hub)
                lateness.take(place,
                              *record,
                              (*times)[i].interaction,
                              {receipt.saved, (*times)[i].save_flags},
                              receipt.place.received);
        }
        if (for_everyone) scopes.office_run(run.first_hub);
        return {};
    }

    void put(const sync::Record& record, const sync::Receipt& receipt, HubSeq at) {
        projection.put(record, receipt);
        for (const sync::Op& op : record.ops) {
            if (op.entity.is_nil()) continue;
            scopes.wrote(op.entity, at);
            if (op.kind == sync::OpKind::kCreate) scopes.made(op.entity, at);
        }
    }

    /// What a record of the hub says about others' records and about time.
    void learn(store::HubLog& log, const sync::Record& record, HubSeq at) {
        lateness.learn(record);
        for (const sync::Op& op : record.ops) {
            const auto verdict = sync::verdict_of(op);
            if (!verdict || verdict->act != sync::VerdictAct::kRelease) continue;
            const auto released = store::find_set_aside(log, verdict->record);
            if (!released || released->at >= at) continue;  // it is met later, and put then
            const auto content = sync::decode(released->view());
            if (!content || !in_force(*content)) continue;
            const auto receipt =
                log.earlier().smallest(verdict->record, released->at, released->receipt, at);
            put(*content, receipt, at);
        }
    }

    /// One transaction of whole runs; false when the log had nothing more.
    [[nodiscard]] Result<bool> step(store::HubLog& log) {
        std::vector<store::LogRun> runs;
        std::size_t records = 0;
        STREETLOG_CHECK(store::guarded_job([&]() -> Result<void> {
            log.runs_after(cursor.seq, [&](store::LogRun&& run) {
                records += run.count;
                runs.push_back(std::move(run));
                return records < kStepRecords;
            });
            return {};
        }));
        if (runs.empty()) return false;
        if (planted(Bug::kProjectionCursorFirst))
            STREETLOG_CHECK(transact([&]() -> Result<void> {
                move_.with(runs.back().last_hub().value, store::BytesView{runs.back().hub_hash})
                    .run();
                return {};
            }));
        STREETLOG_CHECK(transact([&]() -> Result<void> {
            for (const auto& run : runs) STREETLOG_CHECK(apply(log, run));
            move_.with(cursor.seq.value, store::BytesView{cursor.hash}).run();
            return {};
        }));
        return true;
    }

    store::Db db;
    DeviceId hub;
    store::Projection projection;
    Lateness lateness;
    Matcher matcher;
    Scopes scopes;
    ClientIndex index;
    store::EntityReader reader;
    store::HubHead cursor;
    bool stale = false;  // memory could not be made to follow the disk after a rollback
    store::Stmt move_;
};

HubProjection::HubProjection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HubProjection::HubProjection(HubProjection&&) noexcept = default;
HubProjection& HubProjection::operator=(HubProjection&&) noexcept = default;
HubProjection::~HubProjection() = default;

Result<HubProjection> HubProjection::open(const std::filesystem::path& directory, DeviceId hub) {
    const auto file = directory / "projection.db";
    auto db = open_file(file);
    if (!db &&
        (db.error().code == ErrorCode::kWrongDatabase || db.error().code == ErrorCode::kDamaged)) {
        store::remove_database(file);
        db = open_file(file);
    }
    if (!db) return std::unexpected(db.error());
    return store::guarded_job([&]() -> Result<HubProjection> {
        return HubProjection{std::make_unique<Impl>(*std::move(db), hub)};
    });
}

Result<void> HubProjection::catch_up(store::HubLog& log, const Progress& progress) {
    if (impl_->stale) STREETLOG_CHECK(impl_->forget());
    auto known = store::guarded_job(
        [&]() -> Result<bool> { return log.has({impl_->cursor.seq, impl_->cursor.hash}); });
    if (!known) return std::unexpected(known.error());
    if (!*known) return rebuild(log, progress);
    for (;;) {
        STREETLOG_TRY(const bool more, impl_->step(log));
        if (!more) return {};
        if (progress) progress(impl_->cursor.seq.value, log.head().seq.value);
    }
}

Result<void> HubProjection::rebuild(store::HubLog& log, const Progress& progress) {
    STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
        impl_->clear();
        return {};
    }));
    return catch_up(log, progress);
}

HubSeq HubProjection::at() const { return impl_->cursor.seq; }

DeviceId HubProjection::hub() const { return impl_->hub; }

store::EntityReader& HubProjection::read() { return impl_->reader; }

Lateness& HubProjection::lateness() { return impl_->lateness; }

Matcher& HubProjection::matcher() { return impl_->matcher; }

store::Db& HubProjection::db() { return impl_->db; }

Result<void> HubProjection::transact(const std::function<Result<void>()>& job) {
    return impl_->transact(job);
}

}  // namespace streetlog::hub
