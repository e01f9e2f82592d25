#include <algorithm>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/change/compress.hpp"
#include "sync/change/verdict.hpp"
#include "sync/store/bootstrap_rows.hpp"
#include "sync/store/log_records.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"
#include "tests/sim/model.hpp"

/// What a device knows, read from its log as it was stored, and what its worker must therefore have
/// seen.
namespace streetlog::sim {
namespace {

constexpr sync::Receipt kNone{{{INT64_MAX}, {UINT64_MAX}}, {}, {}};

using Known = std::map<sync::RecordKey, ModelRecord>;

template <class T>
std::optional<T> message_in(sync::BytesView bytes) {
    auto message = sync::decode_message(bytes);
    if (!message || !std::holds_alternative<T>(*message)) return std::nullopt;
    return std::get<T>(*std::move(message));
}

void take_run(store::Stmt& row, const std::set<sync::RecordKey>& held, Known& known) {
    const auto holder = message_in<sync::PushAck>(row.blob(0));
    const auto hidden =
        row.blob(4).empty() ? std::optional<sync::Page>{} : message_in<sync::Page>(row.blob(4));
    const auto body = row.blob(3);
    const auto raw = sync::unpack(static_cast<sync::Encoding>(row.integer(1)),
                                  static_cast<std::uint32_t>(row.integer(2)),
                                  {body.data(), body.size()});
    if (!holder || !raw) return;
    const auto views = sync::decode_batch(*raw);
    if (!views) return;
    const auto& receipt = holder->receipts.front();
    for (std::size_t i = 0; i < views->size(); ++i) {
        ModelRecord one;
        one.key = {receipt.replica, receipt.first_seq + i};
        one.receipt = receipt.of(one.key.seq);
        if (hidden) {
            const auto& all = hidden->runs.front().hidden;
            const auto at = std::ranges::find(all, one.key.seq, &sync::HiddenRecord::seq);
            if (at != all.end()) {
                one.hidden = true;
                one.edges = at->writes;
                known.emplace(one.key, std::move(one));  // a released one stays released
                continue;
            }
        }
        if ((*views)[i].header.empty()) continue;
        if (auto decoded = sync::decode((*views)[i])) one.record = *std::move(decoded);
        one.hidden = !one.record || held.contains(one.key);
        one.edges = sync::edges_of((*views)[i]);
        known.insert_or_assign(one.key, std::move(one));
    }
}

void take_logged(store::HubLog& log, const store::LogRun& run, HubSeq until, Known& known) {
    const auto records = store::records_of(run);
    const auto exceptions = log.exceptions(run.first_hub, run.last_hub());
    for (std::uint32_t i = 0; i < run.count && i < records.views.size(); ++i) {
        ModelRecord one;
        one.key = {run.replica, run.first_seq + i};
        one.receipt = log.earlier().smallest(
            one.key, {run.first_hub.value + i}, run.receipt.of(i), {until.value + 1});
        if (auto decoded = sync::decode(records.views[i])) one.record = *std::move(decoded);
        one.edges = sync::edges_of(records.views[i]);
        const HubSeq at{run.first_hub.value + i};
        const bool set_aside =
            std::ranges::find(exceptions, at, &store::ExceptionRow::seq) != exceptions.end();
        one.hidden =
            !one.record || (set_aside && !store::released_before(log, one.key, {until.value + 1}));
        known.insert_or_assign(one.key, std::move(one));
    }
}

/// What a snapshot stands for: the hub's log up to there. False when it cannot be read.
bool take_base(HubSeq until, Known& known) {
    auto log = store::HubLog::open("/hub", store::Access::kRead);
    if (!log) return false;
    const auto taken = store::guarded_job([&]() -> Result<void> {
        log->runs_after({}, [&](store::LogRun&& run) {
            if (run.last_hub() > until) return false;
            take_logged(*log, run, until, known);
            return true;
        });
        return {};
    });
    return taken.has_value();
}

std::string listed(std::string_view what, const std::vector<sync::Dot>& dots) {
    std::string out{what};
    for (const auto& dot : dots) out += " " + to_string(dot);
    return out;
}

}  // namespace

std::optional<Model> SimAgent::model_of_log() {
    auto opened = store::Db::open(
        file_, store::Access::kRead, store::Durability::kFull, store::kAgentApplication);
    if (!opened) throw store::StorageFailure("the device's log cannot be opened", 10);
    auto& db = *opened;
    // What an earlier program did not understand; a later one, or one that is older still, may.
    std::set<sync::RecordKey> held;
    auto set_aside = db.prepare(
        "SELECT r.device, r.incarnation, h.seq FROM held h JOIN replica r ON r.no = h.replica_no");
    while (set_aside.step()) {
        sync::RecordKey key;
        std::ranges::copy(set_aside.blob(0), key.replica.device.bytes.begin());
        key.replica.incarnation = static_cast<std::uint32_t>(set_aside.integer(1));
        key.seq = static_cast<std::uint64_t>(set_aside.integer(2));
        held.insert(key);
    }
    Known known;
    const auto base = store::base_of(db);
    if (base.manifest && !take_base(base.manifest->at.seq, known)) return std::nullopt;
    // A snapshot that is older than what was read before keeps the hub's later runs, for the hub;
    // they are shown when they come again.
    // So does a device that reads the log of a hub that fell back, until it has read it.
    auto kept = db.prepare(
        "SELECT 1 FROM run WHERE hub_seq > (SELECT max(hub_seq) FROM cursor) UNION ALL "
        "SELECT 1 FROM cursor WHERE gen > 0");
    if (kept.step()) return std::nullopt;
    auto runs = db.prepare(
        "SELECT receipt, encoding, raw_bytes, body, hidden FROM run ORDER BY hub_seq, n");
    while (runs.step()) take_run(runs, held, known);
    std::map<sync::RecordKey, sync::VerdictAct> verdicts;
    for (const auto& [key, one] : known) {
        if (!one.record || one.hidden || key.replica.device != store_->settings().hub) continue;
        for (const auto& op : one.record->ops)
            if (const auto verdict = sync::verdict_of(op))
                verdicts[verdict->record] = std::max(verdicts[verdict->record], verdict->act);
    }
    std::map<std::uint64_t, sync::Receipt> receipts;
    auto given = db.prepare("SELECT body FROM receipt");
    while (given.step()) {
        const auto holder = message_in<sync::PushAck>(given.blob(0));
        if (!holder) continue;
        const auto& r = holder->receipts.front();
        for (auto seq = r.first_seq; seq <= r.last_seq; ++seq) {
            const auto [at, fresh] = receipts.emplace(seq, r.of(seq));
            if (!fresh && r.of(seq).place < at->second.place) at->second = r.of(seq);
        }
    }
    std::set<std::uint64_t> refused;
    auto exceptions = db.prepare("SELECT seq FROM own_exception");
    while (exceptions.step()) refused.insert(static_cast<std::uint64_t>(exceptions.integer(0)));
    auto own = db.prepare("SELECT seq, body FROM own ORDER BY seq");
    while (own.step()) {
        ModelRecord one;
        one.key = {replica_, static_cast<std::uint64_t>(own.integer(0))};
        const auto stored = own.blob(1);
        const sync::Bytes body{stored.begin(), stored.end()};
        const auto views = sync::decode_batch(body);
        if (!views || views->size() != 1) continue;
        if (auto decoded = sync::decode(views->front())) one.record = *std::move(decoded);
        one.edges = sync::edges_of(views->front());
        const auto receipt = receipts.find(one.key.seq);
        one.receipt = receipt == receipts.end() ? kNone : receipt->second;
        const auto verdict = verdicts.find(one.key);
        if (refused.contains(one.key.seq) && receipt != receipts.end()) {
            // Its author sees it as if unsent until somebody rejects it.
            const bool decided = verdict != verdicts.end();
            one.hidden = decided && verdict->second == sync::VerdictAct::kReject;
            if (!decided) one.receipt = kNone;
            // Nobody is joined by what was set aside, not even on its author's device.
            if (!decided && one.record)
                for (auto& op : one.record->ops)
                    if (op.table == hud::tbl::kClientLink) op.cells.clear();
        }
        known.insert_or_assign(one.key, std::move(one));
    }
    std::vector<ModelRecord> records;
    for (auto& [key, one] : known)
        if (one.record || one.hidden) records.push_back(std::move(one));
    return Model{std::move(records)};
}

void SimAgent::tell_receipts() {
    if (!running()) return;  // nobody can say what its disk has
    auto opened = store::Db::open(
        file_, store::Access::kRead, store::Durability::kFull, store::kAgentApplication);
    if (!opened) return;
    const auto read = store::guarded_job([&]() -> Result<void> {
        auto given = opened->prepare("SELECT body FROM receipt");
        while (given.step()) {
            const auto holder = message_in<sync::PushAck>(given.blob(0));
            if (!holder) continue;
            const auto& r = holder->receipts.front();
            world_.truth.each_of(r, [this](const Stamp& stamp, const sync::Receipt& receipt) {
                world_.truth.kept(stamp, receipt);
            });
        }
        return {};
    });
    static_cast<void>(read);
}

/// I5: a form names what was on its screen, all of it and nothing else.
void SimAgent::check_names(const agent::BuiltSave& built) {
    if (!store_->fully_stamped()) return;
    // What it saved under an earlier number is not looked for.
    if (replica_.incarnation != 1) return;
    // Of some projects it has states, which do not say what they were made of.
    const auto cursors = store_->log().cursors();
    if (!cursors || cursors->size() != 1 || cursors->front().scope != hub::kScopeAll) return;
    // Reading again it holds what a newer version of it has shown already, and goes on showing it.
    if (runs_old_ && lost_place_) return;
    const auto model = model_of_log();
    if (!model) return;
    for (const auto& op : built.ops) {
        if (op.kind != sync::OpKind::kSetGroup) continue;
        const auto profile = op.table == hud::tbl::kClient ? model->profile_of(op.entity)
                                                           : std::set<EntityId>{op.entity};
        const auto seen = model->view(profile, {op.table, op.group}).siblings;
        auto named = op.supersedes;
        std::ranges::sort(named);
        if (named != seen)
            Truth::broken(
                fmt::format("a form on {} names {} values of {} group {}, and {} are on screen",
                            name_,
                            named.size(),
                            to_string(op.entity),
                            op.group,
                            seen.size()) +
                listed(" named", named) + listed(" seen", seen));
        ++world_.out.shapes["names checked"];
    }
}

}  // namespace streetlog::sim
