#include "tests/sim/audit.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <sstream>

#include <fmt/format.h>

#include "hub/feed/snapshot_build.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/store/hub_watch.hpp"
#include "sync/store/log_records.hpp"
#include "sync/store/understands.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

namespace streetlog::sim {
namespace {

template <class T>
T need(Result<T> result, const std::string& what) {
    if (!result) Truth::broken(what + ": " + result.error().message);
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string dump_of(store::EntityReader& reader, const std::string& who) {
    std::string out;
    need(reader.dump([&](std::string_view text) { out += text; }), who + " cannot be dumped");
    return out;
}

/// The read tables, in an order that has nothing to do with how they came about.
std::string tables_of(store::Db& db) {
    constexpr std::array<const char*, 5> kTables{
        "SELECT hex(e.id), first_name, last_name, ssn, dob, name_quality, unsent FROM client_read "
        "c "
        "JOIN entity e ON e.eno = c.eno ORDER BY 1",
        "SELECT hex(e.id), hex(c.id), entry_date, exit_date, destination, relationship FROM "
        "enrollment_read r JOIN entity e ON e.eno = r.eno JOIN entity c ON c.eno = r.client ORDER "
        "BY 1",
        "SELECT hex(e.id), hex(n.id), date, situation FROM contact_read r JOIN entity e ON e.eno = "
        "r.eno JOIN entity n ON n.eno = r.enrollment ORDER BY 1",
        "SELECT hex(e.id), x.tbl, x.grp FROM conflict x JOIN entity e ON e.eno = x.eno ORDER BY 1, "
        "2, 3",
        "SELECT hex(e.id), c.hub_seq, c.day, hex(c.person) FROM client_index c JOIN entity e ON "
        "e.eno = c.eno ORDER BY 1"};
    constexpr std::array<int, 5> kColumns{7, 6, 4, 3, 4};
    std::string out;
    for (std::size_t i = 0; i < kTables.size(); ++i) {
        auto rows = db.prepare(kTables[i]);
        while (rows.step()) {
            for (int k = 0; k < kColumns[i]; ++k) {
                out += rows.text(k);
                out += '|';
            }
            out += '\n';
        }
    }
    return out;
}

}  // namespace

void Audit::same_text(const std::string& who, const std::string& got, const std::string& want) {
    if (got == want) return;
    std::istringstream a{got};
    std::istringstream b{want};
    std::string x;
    std::string y;
    std::string context;
    for (;;) {
        const bool more_a = static_cast<bool>(std::getline(a, x));
        const bool more_b = static_cast<bool>(std::getline(b, y));
        if (!more_a) x = "(nothing)";
        if (!more_b) y = "(nothing)";
        if (x != y) break;
        if (x.starts_with("entity") || x.starts_with("register")) context = x;
    }
    Truth::broken(
        fmt::format("{} differs, under {}:\n  has    {}\n  should {}", who, context, x, y));
}

void Audit::run() {
    read_log();
    model_.emplace(records_);
    dump_ = model_->dump();
    compare_dumps();
    compare_views();
    compare_verdicts();
    check_alarms();
    world_.hub->check_memory();
    for (const auto& agent : world_.agents) agent->check_memory();
    if (world_.options.fast_checks) return;
    make_again();
    newcomer();
    if (world_.extras.snapshots) newcomer_with_snapshot();
}

void Audit::read_log() {
    auto& log = world_.hub->ledger().log();
    const auto hub = world_.hub->id;
    std::map<sync::Replica, std::pair<std::uint64_t, sync::Hash>> heads;
    store::HubHead head;
    Instant received;
    std::set<sync::RecordKey> released;
    std::map<std::uint64_t, ModelRecord> all;
    std::map<sync::RecordKey, bool> quarantined;
    log.runs_after({}, [&](store::LogRun&& run) {
        if (run.first_hub.value != head.seq.value + 1)
            Truth::broken(fmt::format("the hub's log has a gap at {}", head.seq.value + 1));
        auto& [last, chain] = heads[run.replica];
        if (run.first_seq != last + 1)
            Truth::broken(fmt::format("{} follows record {} in the hub's log",
                                      to_string(sync::RecordKey{run.replica, run.first_seq}),
                                      last));
        // What comes back after a loss keeps the time it had.
        if (run.receipt.first.received < received && !world_.truth.hub_fell_back())
            Truth::broken("the hub's received time went back");
        received = run.receipt.first.received;
        const auto records = store::records_of(run);
        if (records.views.size() != run.count) Truth::broken("a run of the log cannot be read");
        const auto exceptions = log.exceptions(run.first_hub, run.last_hub());
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const sync::RecordKey key{run.replica, run.first_seq + i};
            const auto& view = records.views[i];
            chain = sync::chain_hash(chain, sync::hash_of(view));
            if (run.replica.device != hub) {
                const auto* truth = world_.truth.find(key, chain);
                if (truth == nullptr) Truth::broken(to_string(key) + " is not what was saved");
                logged_[key] = truth;
            }
            ModelRecord one;
            one.key = key;
            one.receipt = log.earlier().smallest(
                key, {run.first_hub.value + i}, run.receipt.of(i), {UINT64_MAX});
            if (auto decoded = sync::decode(view)) one.record = *std::move(decoded);
            one.edges = sync::edges_of(view);
            const Stamp stamp{key, run.replica.device == hub ? sync::Hash{} : chain};
            const auto given = world_.truth.receipt_of(stamp);
            if (given && *given != one.receipt && !world_.truth.hub_fell_back())
                Truth::broken(to_string(key) + " has another receipt than was given out");
            // A backup may hold one that was there before and never reached the author.
            const auto& kept = world_.truth.kept_receipts();
            const bool given_before = given && *given == one.receipt;
            if (const auto first = kept.find(stamp);
                first != kept.end() && first->second != one.receipt &&
                !(given_before && one.receipt.place < first->second.place))
                Truth::broken(fmt::format(
                    "{} was received at {}, as its author can prove, and counts as received at {}",
                    to_string(key),
                    first->second.place.received.ms,
                    one.receipt.place.received.ms));
            const auto set_aside = std::ranges::find(
                exceptions, run.first_hub.value + i, [](const auto& e) { return e.seq.value; });
            one.hidden = set_aside != exceptions.end();
            if (one.hidden)
                quarantined[key] = set_aside->status == sync::RecordStatus::kQuarantined;
            if (run.replica.device == hub && one.record)
                for (const auto& op : one.record->ops)
                    if (const auto verdict = sync::verdict_of(op);
                        verdict && verdict->act == sync::VerdictAct::kRelease)
                        released.insert(verdict->record);
            all.emplace(run.first_hub.value + i, std::move(one));
        }
        last = run.last_seq();
        if (chain != run.head) Truth::broken("the chain of a run is broken");
        head = {run.last_hub(), sync::hub_chain_hash(head.hash, run.head)};
        if (head.hash != run.hub_hash) Truth::broken("the hub's own chain is broken");
        return true;
    });
    check_saves();
    std::set<sync::RecordKey> held;
    for (auto& [at, one] : all) {
        if (one.hidden && !quarantined[one.key]) held.insert(one.key);
        if (one.hidden && released.contains(one.key)) one.hidden = false;
        if (!one.record) one.hidden = true;
        records_.push_back(std::move(one));
    }
    check_held(held);
}

void Audit::check_saves() {
    std::map<std::uint64_t, sync::RecordKey> here;
    for (const auto& [key, record] : logged_) {
        const auto [at, fresh] = here.emplace(record->save, key);
        if (!fresh)
            Truth::broken(fmt::format("what was saved once is here as {} and as {}",
                                      to_string(at->second),
                                      to_string(key)));
    }
    const auto& saves = world_.truth.saves();
    for (std::uint64_t save = 1; save <= saves.size(); ++save)
        if (!here.contains(save))
            Truth::broken(
                fmt::format("what was saved as {} is not here", to_string(saves[save - 1])));
}

void Audit::check_alarms() {
    std::set<DeviceId> suspected;
    for (const auto& alarm : store::HubWatch{world_.hub->ledger().log().db()}.alarms())
        if (alarm.kind == store::AlarmKind::kPossibleCopy) suspected.insert(alarm.device);
    for (const DeviceId& device : suspected)
        if (!world_.copied.contains(device) && !world_.came_back.contains(device))
            Truth::broken(to_string(device) + " is taken for a copy");
    // What a hub knew of copies it may lose with its disk.
    if (world_.truth.hub_fell_back()) return;
    for (const DeviceId& device : world_.copied)
        if (!suspected.contains(device))
            Truth::broken("there is a copy of " + to_string(device) + ", and nobody noticed");
}

/// Nothing waits at a hub that understands it, but for a create of what is there already.
void Audit::check_held(const std::set<sync::RecordKey>& held) {
    std::set<EntityId> created;
    const auto creates = [](const sync::Op& op) { return op.kind == sync::OpKind::kCreate; };
    for (const auto& one : records_)
        if (!one.hidden)
            for (const auto& op : one.record->ops)
                if (creates(op)) created.insert(op.entity);
    for (const auto& one : records_) {
        if (!held.contains(one.key) || !one.hidden || !one.record) continue;
        const auto& ops = one.record->ops;
        const bool taken = std::ranges::any_of(
            ops, [&](const sync::Op& op) { return creates(op) && created.contains(op.entity); });
        if (!taken && std::ranges::all_of(ops, store::catalogue_understands))
            Truth::broken(to_string(one.key) + " is held by a hub that understands it");
    }
}

void Audit::compare_dumps() {
    world_.hub->catch_up();
    const auto head = world_.hub->ledger().head();
    same_text("the hub", dump_of(world_.hub->follower().projection().read(), "the hub"), dump_);
    for (const auto& agent : world_.agents) {
        const auto cursor = need(agent->store().cursor(hub::kScopeAll), "a cursor");
        if (!cursor || cursor->seq != head.seq || cursor->hash != head.hash)
            Truth::broken(agent->name() + " is not where the hub is");
        std::string text;
        need(agent->store().dump([&](std::string_view part) { text += part; }), "a dump");
        same_text(agent->name(), text, dump_);
    }
    world_.trace.note("dump", std::hash<std::string>{}(dump_));
}

namespace {

/// The text of a dump by entity, without groups that never leave the hub.
std::map<std::string, std::string> sections(const std::string& dump) {
    std::map<std::string, std::string> out;
    std::istringstream in{dump};
    std::string* at = nullptr;
    bool kept = true;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("canon")) break;
        if (line.starts_with("entity")) {
            at = &out[line.substr(7, 32)];
            kept = true;
        } else if (line.starts_with("register")) {
            const auto* group = hud::find_group(
                static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(' ') + 1))));
            kept = group == nullptr || group->scope != hud::Scope::kHub;
        }
        if (kept && at != nullptr) *at += line + "\n";
    }
    return out;
}

}  // namespace

void Audit::check_scopes() {
    read_log();
    model_.emplace(records_);
    const auto all = sections(model_->dump());
    const auto index = index_wanted();
    for (const auto& agent : world_.agents) {
        const auto projects = world_.hub->ledger().log().projects_of(agent->replica().device);
        if (projects.empty()) continue;
        ++world_.out.shapes["devices with some projects"];
        std::string text;
        need(agent->store().dump([&](std::string_view part) { text += part; }), "a dump");
        const auto here = sections(text);
        const auto lacks = [&](const EntityId& id) {
            return all.contains(to_string(id)) && !here.contains(to_string(id));
        };
        for (const auto& [entity, section] : here) {
            const auto at = all.find(entity);
            same_text(
                agent->name() + " of some projects", section, at == all.end() ? "" : at->second);
        }
        for (const EntityId& stay : world_.enrollments) {
            const Model::Group keys{hud::tbl::kEnrollment, 0};
            const auto view = model_->view({stay}, keys);
            if (!view.winner) continue;
            const auto cells = model_->cells_of(*view.winner, keys);
            const auto project =
                sync::id_in(sync::find_cell(cells, hud::col::enrollment::kProjectID));
            const auto client =
                sync::id_in(sync::find_cell(cells, hud::col::enrollment::kPersonalID));
            if (!project || std::ranges::find(projects, *project) == projects.end()) continue;
            if (lacks(stay)) Truth::broken(agent->name() + " lacks a stay of its project");
            if (client && lacks(*client))
                Truth::broken(agent->name() + " lacks a client of its project");
        }
        check_index(*agent, index);
    }
    records_.clear();
}

void Audit::compare_views() {
    std::vector<std::pair<std::string, store::EntityReader*>> readers{
        {"the hub", &world_.hub->follower().projection().read()}};
    for (const auto& agent : world_.agents)
        readers.emplace_back(agent->name(), &agent->store().read());
    std::set<std::pair<EntityId, Model::Group>> conflicts;
    for (const EntityId& id : model_->entities()) {
        const auto profile = model_->profile_of(id);
        for (const auto& group : model_->groups_of({id})) {
            const auto own = model_->view({id}, group);
            const auto merged = model_->view(profile, group);
            if (own.review) conflicts.emplace(id, group);
            if (own.siblings.size() > 1) ++world_.out.shapes["groups with several values"];
            if (profile.size() > 1) ++world_.out.shapes["groups of merged people"];
            for (const auto& [who, reader] : readers) {
                const auto where = [&, &reads = who] {
                    return fmt::format("{}: {} group {}", reads, to_string(id), group.second);
                };
                // Its author goes on seeing what is set aside.
                const bool overlaid = std::ranges::any_of(profile, [&](const EntityId& member) {
                    return need(reader->shown(member), where()) !=
                           need(reader->load(member), where());
                });
                if (overlaid) continue;
                for (const auto view : {store::View::kOwn, store::View::kMerged}) {
                    const auto& want = view == store::View::kOwn ? own : merged;
                    auto got = need(reader->group(id, {group.first, group.second}, view), where());
                    std::ranges::sort(got.supersedes);
                    if (got.supersedes != want.siblings)
                        Truth::broken(where() + " shows other values than the model");
                    if (got.conflict != want.review)
                        Truth::broken(where() + " says otherwise whether a person must decide");
                    if (want.winner && got.cells != model_->cells_of(*want.winner, group))
                        Truth::broken(where() + " shows another winner");
                }
            }
        }
        for (const auto& [who, reader] : readers) {
            if (profile.size() < 2) continue;
            if (need(reader->canon_of(id), who) != model_->canon_of(id))
                Truth::broken(fmt::format("{}: {} has another profile", who, to_string(id)));
        }
    }
    auto count = world_.hub->follower().projection().db().prepare("SELECT count(*) FROM conflict");
    const auto rows = count.step() ? count.integer(0) : -1;
    count.reset();
    if (rows != static_cast<std::int64_t>(conflicts.size()))
        Truth::broken(fmt::format("the hub lists {} conflicts of {}", rows, conflicts.size()));
    world_.out.shapes["conflicts open"] += conflicts.size();
}

/// What the hub says of a record's lateness, against what happened.
void Audit::compare_verdicts() {
    constexpr std::int64_t kDay = 24 * 3'600'000;
    // Nobody knows the time better than the hub; from one extreme to the other is twice as far.
    const std::int64_t hub_clock_ms = 2'000 + 2 * world_.hub->most_off().count();
    auto& lateness = world_.hub->follower().projection().lateness();
    std::set<sync::RecordKey> judged;
    for (const auto said :
         {sync::Verdict::kOnTime, sync::Verdict::kLate, sync::Verdict::kUnproven}) {
        lateness.list(said, {}, [&](const hub::LateRow& row) {
            judged.insert(row.record);
            const auto at = logged_.find(row.record);
            const auto* truth = at == logged_.end() ? nullptr : at->second;
            if (truth == nullptr || !truth->occurred)
                Truth::broken(to_string(row.record) + " is judged and is no interaction");
            const auto took = (row.received - *truth->occurred).count();
            const bool late = took > kDay;
            const bool wall = (row.judgement.flags & sync::TimeFlags::kFromWall) != 0;
            ++world_.out.verdicts[late ? 1 : 0][static_cast<std::size_t>(said)];
            if (wall && said != sync::Verdict::kUnproven) ++world_.out.leans_on_wall;
            const bool sure = said == sync::Verdict::kOnTime ? took > kDay + hub_clock_ms
                              : said == sync::Verdict::kLate ? took < kDay - hub_clock_ms
                                                             : false;
            // A clock that was set where no program could see it deceives what leans on it.
            if (sure && !(wall && truth->wall_lied))
                Truth::broken(fmt::format("{} reached the hub {} s after the fact and counts as {}",
                                          to_string(row.record),
                                          took / 1'000,
                                          sync::name_of(said)));
            const auto saved = truth->saved;
            if (!(wall || truth->wall_lied) && (saved + Millis{hub_clock_ms} < row.saved.lo ||
                                                row.saved.hi + Millis{hub_clock_ms} < saved))
                Truth::broken(
                    fmt::format("{} was saved outside its bracket, {} ms before it or {} "
                                "ms after",
                                to_string(row.record),
                                (row.saved.lo - saved).count(),
                                (saved - row.saved.hi).count()));
            return true;
        });
    }
    for (const auto& one : records_) {
        if (!one.record || one.key.replica.device == world_.hub->id) continue;
        const auto kind = one.record->header.kind;
        if (kind != sync::EventKind::kNone && !judged.contains(one.key))
            Truth::broken(to_string(one.key) + " has no verdict");
    }
}

/// Everything that is made from a log comes out the same when it is made again.
void Audit::make_again() {
    auto& projection = world_.hub->follower().projection();
    const auto tables = tables_of(projection.db());
    need(projection.rebuild(world_.hub->follower().log()), "the projection cannot be made again");
    same_text("the hub, made again", dump_of(projection.read(), "the hub"), dump_);
    same_text("the hub's tables, made again", tables_of(projection.db()), tables);
    for (const auto& agent : world_.agents) {
        auto& store = agent->store();
        need(store.rebuild_state(), agent->name() + " cannot be made again");
        std::string text;
        need(store.dump([&](std::string_view part) { text += part; }), "a dump");
        same_text(agent->name() + ", made again", text, dump_);
    }
}

/// A device that was not there comes and sees the same.
void Audit::newcomer() {
    store::AgentSettings settings;
    settings.self.device = world_.hub->enrolled.back();
    settings.self.incarnation = 77;
    settings.hub = world_.hub->id;
    auto store = need(store::AgentStore::create("/newcomer/agent.db", settings), "a newcomer");
    auto log = need(store::HubLog::open("/hub", store::Access::kRead), "a reader");
    hub::PageReader pages{std::move(log)};
    for (bool more = true; more;) {
        const auto cursor = need(store.cursor(hub::kScopeAll), "a cursor");
        const auto page = need(
            pages.read(hub::kScopeAll, cursor.value_or(sync::Position{}), 32 * 1024, settings.self),
            "a page");
        need(store.apply_page(page, {1}), "a page");
        more = !page.caught_up;
    }
    std::string text;
    need(store.dump([&](std::string_view part) { text += part; }), "a dump");
    same_text("a newcomer", text, dump_);
}

/// The same from a snapshot, in pieces of any size.
void Audit::newcomer_with_snapshot() {
    const auto path = world_.shelf.path() / "newcomer.snapshot";
    const std::atomic<bool> stop = false;
    need(hub::build_snapshot({"/hub", world_.hub->id, hub::kScopeAll}, path, stop), "a snapshot");
    const auto file = need(hub::SnapshotFile::open(path), "a snapshot");
    store::AgentSettings settings;
    settings.self.device = world_.hub->enrolled.back();
    settings.self.incarnation = 78;
    settings.hub = world_.hub->id;
    auto store = need(store::AgentStore::create("/newcomer/other.db", settings), "a newcomer");
    auto place = need(store.begin_snapshot(file->manifest()), "a snapshot");
    Dice dice{world_.options.seed};
    for (bool live = false; !live;) {
        if (store.bootstrap_due()) {
            live = need(store.bootstrap_step(), "a step of loading").has_value();
            continue;
        }
        sync::SnapshotPiece piece{hub::kScopeAll, file->id(), place.chunk, place.offset, {}};
        const auto most = static_cast<std::uint32_t>(dice.between(1'000, 60'000));
        piece.body = need(file->read(place.chunk, place.offset, most), "a piece");
        need(store.store_piece(piece), "a piece");
        place.offset += static_cast<std::uint32_t>(piece.body.size());
        if (place.offset == file->manifest().chunks[place.chunk].bytes)
            place = {place.chunk + 1, 0};
    }
    std::string text;
    need(store.dump([&](std::string_view part) { text += part; }), "a dump");
    same_text("a newcomer with a snapshot", text, dump_);
}

}  // namespace streetlog::sim
