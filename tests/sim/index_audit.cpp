#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/session/index_rows.hpp"
#include "sync/store/id_at.hpp"
#include "sync/store/replica_numbers.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/audit.hpp"
#include "tests/sim/hub.hpp"

/// The client index on devices against what the model makes of the hub's log.
namespace streetlog::sim {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace col = hud::col;

constexpr std::int64_t kYes = 1;   // list 1.10
constexpr std::int64_t kVoid = 2;  // list S.5

/// Reads the model by table, group and column.
class Said {
  public:
    explicit Said(const Model& model) : model_(model) {}

    [[nodiscard]] std::vector<sync::Cell> winner(const EntityId& id, Model::Group group) const {
        const auto view = model_.view({id}, group);
        return view.winner ? model_.cells_of(*view.winner, group) : std::vector<sync::Cell>{};
    }

    [[nodiscard]] bool is(const EntityId& id, std::uint16_t table) const {
        return model_.view({id}, {table, 0}).winner.has_value();
    }

    [[nodiscard]] bool is_void(const EntityId& id) const {
        for (const auto& group : model_.groups_of({id}))
            if (group.second == grp::kLife &&
                sync::number_in(sync::find_cell(winner(id, group), col::life::kState)) == kVoid)
                return true;
        return false;
    }

    [[nodiscard]] std::optional<EntityId> id(const EntityId& of,
                                             Model::Group group,
                                             std::uint16_t column) const {
        const auto cells = winner(of, group);
        return sync::id_in(sync::find_cell(cells, column));
    }

    [[nodiscard]] std::optional<std::int64_t> number(const EntityId& of,
                                                     Model::Group group,
                                                     std::uint16_t column) const {
        const auto cells = winner(of, group);
        return sync::number_in(sync::find_cell(cells, column));
    }

  private:
    const Model& model_;
};

std::vector<std::uint16_t> index_groups() {
    std::vector<std::uint16_t> out;
    for (const auto& group : hud::find_table(tbl::kClient)->groups)
        if (group.scope == hud::Scope::kIndex) out.push_back(group.id);
    return out;
}

struct Seen {
    std::map<EntityId, std::int64_t> days;  // by client
    std::set<EntityId> kept_out;            // by a stay with a victim service provider
};

/// What stays and contacts say of clients.
Seen seen_of(const Model& model) {
    const Said said{model};
    Seen out;
    std::map<EntityId, EntityId> client_of;
    const auto note = [&](const EntityId& client, std::optional<std::int64_t> day) {
        if (!day) return;
        const auto [at, fresh] = out.days.emplace(client, *day);
        if (!fresh) at->second = std::max(at->second, *day);
    };
    for (const EntityId& id : model.entities()) {
        const Model::Group keys{tbl::kEnrollment, 0};
        if (!said.is(id, tbl::kEnrollment) || said.is_void(id)) continue;
        const auto client = said.id(id, keys, col::enrollment::kPersonalID);
        if (!client) continue;
        client_of.emplace(id, *client);
        note(*client,
             said.number(
                 id, {tbl::kEnrollment, grp::kEnrollmentEntry}, col::enrollment::kEntryDate));
        const auto project = said.id(id, keys, col::enrollment::kProjectID);
        const auto provider =
            project ? said.id(*project, {tbl::kProject, 0}, col::project::kOrganizationID)
                    : std::nullopt;
        if (provider && said.number(*provider,
                                    {tbl::kOrganization, grp::kOrganizationVictimServiceProvider},
                                    col::organization::kVictimServiceProvider) == kYes)
            out.kept_out.insert(*client);
    }
    for (const EntityId& id : model.entities()) {
        namespace s = col::current_living_situation;
        if (!said.is(id, tbl::kCurrentLivingSituation) || said.is_void(id)) continue;
        const auto stay = said.id(id, {tbl::kCurrentLivingSituation, 0}, s::kEnrollmentID);
        const auto at = stay ? client_of.find(*stay) : client_of.end();
        if (at == client_of.end()) continue;
        note(at->second,
             said.number(
                 id, {tbl::kCurrentLivingSituation, grp::kContactContact}, s::kInformationDate));
    }
    return out;
}

}  // namespace

std::map<EntityId, IndexWanted> Audit::index_wanted() const {
    std::map<sync::Dot, EntityId> whose;
    for (const auto& one : records_) {
        if (!one.record) continue;
        for (std::size_t i = 0; i < one.record->ops.size(); ++i)
            whose[{one.key.replica, one.key.seq, static_cast<std::uint16_t>(i)}] =
                one.record->ops[i].entity;
    }
    const Said said{*model_};
    const auto seen = seen_of(*model_);
    std::map<EntityId, IndexWanted> out;
    std::set<EntityId> kept_out;
    for (const EntityId& id : model_->entities()) {
        const auto root = model_->canon_of(id);
        const auto profile = model_->profile_of(id);
        const bool silent = !said.is(id, tbl::kClient) || said.is_void(id);
        if (said.number(id,
                        {tbl::kClientRestriction, grp::kClientRestrictionState},
                        col::client_restriction::kRestricted) == kYes ||
            seen.kept_out.contains(id))
            kept_out.insert(root);
        if (silent) continue;
        auto& wanted = out[root];
        wanted.members = profile;
    }
    for (const EntityId& root : kept_out) out.erase(root);
    for (auto& [root, wanted] : out) {
        std::set<EntityId> silent;
        for (const EntityId& id : wanted.members) {
            if (!said.is(id, tbl::kClient) || said.is_void(id)) silent.insert(id);
            const auto day = seen.days.find(id);
            if (day != seen.days.end())
                wanted.last_seen_day =
                    std::max(wanted.last_seen_day.value_or(day->second), day->second);
        }
        for (const auto group : index_groups()) {
            const auto view = model_->view(wanted.members, {tbl::kClient, group});
            for (const auto& dot : view.siblings)
                if (!silent.contains(whose.at(dot))) wanted.values[group].insert(dot);
            if (view.winner && silent.empty()) wanted.winners[group] = *view.winner;
        }
        std::erase_if(wanted.values, [](const auto& one) { return one.second.empty(); });
    }
    return out;
}

void Audit::check_index(const SimAgent& agent,
                        const std::map<EntityId, IndexWanted>& wanted) const {
    const auto broken = [&](const EntityId& root, std::string_view what) {
        Truth::broken(
            fmt::format("{}: the index row of {} {}", agent.name(), to_string(root), what));
    };
    std::set<EntityId> here;
    for (const auto& row : agent.index_rows()) {
        here.insert(row.root);
        const auto at = wanted.find(row.root);
        if (at == wanted.end()) broken(row.root, "should not be there");
        const auto& want = at->second;
        std::set<EntityId> members;
        std::map<std::uint16_t, std::set<sync::Dot>> values;
        std::map<std::uint16_t, std::pair<std::uint64_t, sync::Dot>> winners;
        for (const auto& member : row.person->members) {
            members.insert(member.id);
            for (const auto& [reg, state] : member.state.registers) {
                if (!state.gone.empty() || !state.hidden.empty())
                    broken(row.root, "has more than values");
                for (const auto& sibling : state.siblings) {
                    if (sibling.receipt || sibling.user != 0 || sibling.recorded != Instant{})
                        broken(row.root, "says who wrote a value, or when");
                    values[reg.group].insert(sibling.dot);
                    auto& best = winners[reg.group];
                    best = std::max(best, std::pair{sibling.hlc.value, sibling.dot});
                    const auto whole = model_->cells_of(sibling.dot, {reg.table, reg.group});
                    if (reg.group != grp::kClientSsn && sibling.cells != whole)
                        broken(row.root, "has other values than the log");
                }
            }
        }
        if (members != want.members) broken(row.root, "has other members than the log");
        if (values != want.values) broken(row.root, "has other values than the log, or fewer");
        for (const auto& [group, dot] : want.winners)
            if (winners[group].second != dot) broken(row.root, "has another winner than the log");
        if (row.last_seen_day != want.last_seen_day) broken(row.root, "has another day");
        ++world_.out.shapes["rows of the index"];
    }
    for (const auto& [root, want] : wanted)
        if (!here.contains(root)) broken(root, "is missing");
}

std::vector<sync::IndexRow> SimAgent::index_rows() const {
    std::vector<sync::IndexRow> out;
    auto db = store::Db::open(
        file_, store::Access::kRead, store::Durability::kFull, store::kAgentApplication);
    if (!db) Truth::broken(name_ + ": its database cannot be read: " + db.error().message);
    const store::DbReplicaNumbers numbers{*db};
    auto rows = db->prepare("SELECT root, hub_seq, day, person FROM index_row");
    while (rows.step()) {
        auto& row = out.emplace_back();
        row.root = store::id_at(rows, 0);
        row.at = {static_cast<std::uint64_t>(rows.integer(1))};
        if (!rows.is_null(2)) row.last_seen_day = rows.integer(2);
        auto person = sync::decode_person(rows.blob(3), numbers);
        if (!person) Truth::broken(name_ + ": a row of the index cannot be read");
        row.person = *std::move(person);
    }
    return out;
}

}  // namespace streetlog::sim
