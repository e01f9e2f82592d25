#include "hub/project/client_index.hpp"

#include <algorithm>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "schema/planted.hpp"
#include "schema/time.hpp"
#include "sync/change/cells.hpp"
#include "sync/identity/ssn_hash.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::hub {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace col = hud::col;

constexpr std::int64_t kVoid = 2;  // list S.5
constexpr std::int64_t kYes = 1;   // list 1.10

constexpr sync::RegisterId kRestriction{tbl::kClientRestriction, grp::kClientRestrictionState};
constexpr sync::RegisterId kProvider{tbl::kOrganization, grp::kOrganizationVictimServiceProvider};
constexpr sync::RegisterId kSsn{tbl::kClient, grp::kClientSsn};

std::optional<std::int64_t> number_on(const sync::EntityState& state,
                                      sync::RegisterId reg,
                                      std::uint16_t column) {
    return store::number_in(sync::winner_cells(state, reg), column);
}

/// The winner first, then who would be it without those before.
std::vector<sync::Seen> ranked(std::vector<sync::Seen> seen, sync::RegisterId reg) {
    std::vector<sync::Seen> out;
    while (!seen.empty()) {
        const auto* best = sync::winner(sync::siblings_of(seen), reg);
        const auto at = std::ranges::find(seen, best, &sync::Seen::sibling);
        out.push_back(*at);
        seen.erase(at);
    }
    return out;
}

}  // namespace

ClientIndex::ClientIndex(store::Projection& projection, DeviceId hub)
    : projection_(projection),
      site_{hub.bytes},
      root_(projection.db.prepare("SELECT root FROM canon WHERE eno = ?1")),
      members_(projection.db.prepare("SELECT eno FROM canon WHERE root = ?1 ORDER BY eno")),
      id_(projection.db.prepare("SELECT id FROM entity WHERE eno = ?1")),
      stay_client_(projection.db.prepare("SELECT client FROM enrollment_read WHERE eno = ?1")),
      seen_(projection.db.prepare(
          "SELECT max(max(r.entry_date, coalesce((SELECT max(k.date) FROM contact_read k WHERE "
          "k.enrollment = r.eno), ''))) FROM enrollment_read r WHERE r.client = ?1")),
      kept_out_(projection.db.prepare("SELECT 1 FROM enrollment_read r JOIN index_hidden_project h "
                                      "ON h.project = r.project WHERE r.client = ?1 LIMIT 1")),
      hidden_add_(projection.db.prepare("INSERT OR IGNORE INTO index_hidden_project VALUES(?1)")),
      hidden_drop_(projection.db.prepare("DELETE FROM index_hidden_project WHERE project = ?1")),
      clients_of_(projection.db.prepare("SELECT client FROM enrollment_read WHERE project = ?1")),
      children_(projection.db.prepare("SELECT eno FROM entity WHERE parent = ?1 AND tbl = ?2")),
      row_(projection.db.prepare("SELECT day, person FROM client_index WHERE eno = ?1")),
      put_(projection.db.prepare("INSERT OR REPLACE INTO client_index VALUES(?1, ?2, ?3, ?4)")),
      all_(projection.db.prepare("SELECT eno FROM client_index WHERE person IS NOT NULL")),
      known_(projection.db.prepare("SELECT 1 FROM entity_id WHERE id = ?1")) {}

void ClientIndex::clear() {
    projection_.db.exec("DELETE FROM client_index; DELETE FROM index_hidden_project");
    forget();
}

void ClientIndex::forget() {
    changed_.clear();
    stays_.clear();
    organizations_.clear();
    projects_.clear();
    policy_.reset();
    policy_noted_ = false;
}

void ClientIndex::note(const store::EntitySlot& slot) {
    switch (slot.table) {
        case tbl::kClient:
            changed_.insert(slot.eno);
            return;
        case tbl::kEnrollment:
            if (slot.parent != 0) changed_.insert(slot.parent);
            return;
        case tbl::kCurrentLivingSituation:
            if (slot.parent != 0) stays_.insert(slot.parent);
            return;
        case tbl::kOrganization:
            organizations_.insert(slot.eno);
            return;
        case tbl::kProject:
            projects_.insert(slot.eno);
            return;
        case tbl::kSitePolicy:
            policy_noted_ = true;
            return;
        default:
            return;
    }
}

void ClientIndex::settle(HubSeq at) {
    settle_policy();
    settle_providers();
    for (const EntityId id : projection_.links.settled())
        changed_.insert(projection_.states.get(id).eno);
    std::set<std::int64_t> roots;
    for (const auto client : changed_) {
        roots.insert(client);
        roots.insert(root_of(client));
    }
    std::set<std::int64_t> met;
    for (const auto stay : stays_) {
        stay_client_.with(stay);
        if (stay_client_.step()) met.insert(root_of(stay_client_.integer(0)));
        stay_client_.reset();
    }
    for (const auto root : roots) refresh(root, at);
    for (const auto root : met)
        if (!roots.contains(root)) refresh_day(root, at);
    changed_.clear();
    stays_.clear();
}

/// Another policy is another row for everybody.
void ClientIndex::settle_policy() {
    if (!policy_noted_ && policy_) return;
    auto now = policy_now();
    if (policy_noted_ && policy_ != now) {
        while (all_.step()) changed_.insert(all_.integer(0));
    }
    policy_ = std::move(now);
    policy_noted_ = false;
}

ClientIndex::Policy ClientIndex::policy_now() {
    Policy out;
    known_.with(store::BytesView{site_.bytes});
    const bool known = known_.step();
    known_.reset();
    if (!known) return out;
    const auto& cells = sync::winner_cells(projection_.states.get(site_).state,
                                           {tbl::kSitePolicy, grp::kSitePolicySsn});
    const auto said = store::number_in(cells, col::site_policy::kSSNPolicy);
    if (said && *said >= 1 && *said <= 3) out.ssn = static_cast<sync::SsnPolicy>(*said);
    if (const auto* key = store::find_value(cells, col::site_policy::kSSNKey))
        if (const auto* bytes = std::get_if<sync::Bytes>(key)) out.key = *bytes;
    return out;
}

/// Whose clients are kept out follows from organizations and their projects, which may come in any
/// order and change.
void ClientIndex::settle_providers() {
    for (const auto organization : organizations_) {
        children_.with(organization, tbl::kProject);
        while (children_.step()) projects_.insert(children_.integer(0));
    }
    for (const auto project : projects_) {
        const auto id = id_of(project);
        if (!id) continue;
        auto& change = is_victim_provider(*id) ? hidden_add_ : hidden_drop_;
        change.with(store::BytesView{id->bytes}).run();
        if (projection_.db.changes() == 0) continue;
        clients_of_.with(store::BytesView{id->bytes});
        while (clients_of_.step()) changed_.insert(clients_of_.integer(0));
    }
    organizations_.clear();
    projects_.clear();
}

bool ClientIndex::is_victim_provider(EntityId project) {
    const auto& state = projection_.states.get(project).state;
    const auto organization =
        store::id_in(sync::winner_cells(state, {tbl::kProject, 0}), col::project::kOrganizationID);
    if (!organization || organization->is_nil()) return false;
    return number_on(projection_.states.get(*organization).state,
                     kProvider,
                     col::organization::kVictimServiceProvider) == kYes;
}

std::optional<EntityId> ClientIndex::id_of(std::int64_t eno) {
    id_.with(eno);
    const auto out = id_.step() ? std::optional{store::id_at(id_, 0)} : std::nullopt;
    id_.reset();
    return out;
}

std::int64_t ClientIndex::root_of(std::int64_t eno) {
    root_.with(eno);
    const auto out = root_.step() ? root_.integer(0) : eno;
    root_.reset();
    return out;
}

std::vector<std::int64_t> ClientIndex::members_of(std::int64_t root) {
    std::vector<std::int64_t> out{root};
    members_.with(root);
    while (members_.step())
        if (members_.integer(0) != root) out.push_back(members_.integer(0));
    return out;
}

std::vector<ClientIndex::Member> ClientIndex::states_of(std::span<const std::int64_t> enos) {
    std::vector<Member> out;
    for (const auto eno : enos) {
        const auto id = id_of(eno);
        if (!id) continue;
        const auto& slot = projection_.states.get(*id);
        const auto life = number_on(slot.state, {tbl::kClient, grp::kLife}, col::life::kState);
        out.push_back({*id, &slot.state, slot.table != tbl::kClient || life == kVoid});
    }
    // The root stands first.
    if (!out.empty()) std::ranges::sort(out.begin() + 1, out.end(), {}, &Member::id);
    return out;
}

void ClientIndex::refresh(std::int64_t root, HubSeq at) {
    std::optional<sync::IndexPerson> person;
    std::optional<std::int64_t> day;
    if (root_of(root) == root || planted(Bug::kMergedStaysInIndex)) {
        const auto enos = members_of(root);
        const auto members = states_of(enos);
        if (!is_kept_out(members, enos)) person = person_of(members);
        if (person) day = last_seen(enos);
    }
    row_.with(root);
    const bool known = row_.step();
    std::optional<sync::Bytes> was;
    std::optional<std::int64_t> was_day;
    if (known && !row_.is_null(1)) was = sync::Bytes(row_.blob(1).begin(), row_.blob(1).end());
    if (known && !row_.is_null(0)) was_day = row_.integer(0);
    row_.reset();
    std::optional<sync::Bytes> now;
    if (person) now = sync::encode_person(*person, projection_.numbers);
    if (now == was && day == was_day) return;
    const auto body = now.transform([](const sync::Bytes& b) { return store::BytesView{b}; });
    put_.with(root, at.value, day, body).run();
}

void ClientIndex::refresh_day(std::int64_t root, HubSeq at) {
    row_.with(root);
    if (!row_.step() || row_.is_null(1)) return row_.reset();
    const auto was = row_.is_null(0) ? std::nullopt : std::optional{row_.integer(0)};
    const sync::Bytes body(row_.blob(1).begin(), row_.blob(1).end());
    row_.reset();
    const auto day = last_seen(members_of(root));
    if (day != was) put_.with(root, at.value, day, store::BytesView{body}).run();
}

bool ClientIndex::is_kept_out(std::span<const Member> members, std::span<const std::int64_t> enos) {
    if (planted(Bug::kRestrictedInIndex)) return false;
    for (const Member& member : members)
        if (number_on(*member.state, kRestriction, col::client_restriction::kRestricted) == kYes)
            return true;
    return std::ranges::any_of(enos, [&](std::int64_t eno) {
        kept_out_.with(eno);
        const bool found = kept_out_.step();
        kept_out_.reset();
        return found;
    });
}

std::optional<sync::IndexPerson> ClientIndex::person_of(std::span<const Member> members) {
    if (std::ranges::all_of(members, &Member::silent)) return std::nullopt;
    sync::IndexPerson out;
    for (const Member& member : members) out.members.push_back({member.id, {}});
    for (const hud::Group& group : hud::find_table(tbl::kClient)->groups)
        if (group.scope == hud::Scope::kIndex) add_group(members, {tbl::kClient, group.id}, out);
    return out;
}

void ClientIndex::add_group(std::span<const Member> members,
                            sync::RegisterId reg,
                            sync::IndexPerson& person) {
    std::vector<sync::Member> all;
    for (const Member& member : members) all.push_back({member.id, member.state});
    auto seen = sync::merged_view(all, reg);
    std::erase_if(seen, [&](const sync::Seen& one) {
        return std::ranges::find(members, one.entity, &Member::id)->silent;
    });
    seen = ranked(std::move(seen), reg);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const sync::Sibling& whole = *seen[i].sibling;
        sync::Sibling shown;
        shown.dot = whole.dot;
        shown.hlc = {seen.size() - i};
        shown.kind = sync::OpKind::kSetGroup;
        shown.answer = whole.answer;
        shown.redacted = whole.redacted;
        shown.cells = whole.cells;
        shown.profile = whole.profile;
        if (reg == kSsn) hide_ssn(shown, person);
        auto& into = std::ranges::find(person.members, seen[i].entity, &sync::IndexMember::id)
                         ->state.registers[reg]
                         .siblings;
        into.insert(std::ranges::upper_bound(into, shown.dot, {}, &sync::Sibling::dot),
                    std::move(shown));
    }
}

/// What the policy does not let out is withheld in the sibling, so that nobody can save over the
/// whole number what they did not see of it.
void ClientIndex::hide_ssn(sync::Sibling& sibling, sync::IndexPerson& person) {
    const auto cell = std::ranges::find(sibling.cells, col::client::kSSN, &sync::Cell::column);
    const auto* text =
        cell == sibling.cells.end() ? nullptr : std::get_if<std::string>(&cell->value);
    if (policy_->ssn == sync::SsnPolicy::kFull || text == nullptr || text->empty()) return;
    const auto four = sync::last_four_digits(*text);
    const auto nine = sync::nine_digits(*text);
    sync::SsnTrace trace;
    if (four && policy_->ssn == sync::SsnPolicy::kLastFour) {
        trace.last_four = *four;
    } else if (four) {
        trace.last_hash = sync::ssn_hash(policy_->key, *four);
        if (nine) trace.number_hash = sync::ssn_hash(policy_->key, *nine);
    }
    if (trace != sync::SsnTrace{} && std::ranges::find(person.traces, trace) == person.traces.end())
        person.traces.push_back(std::move(trace));
    cell->value = sync::Redacted{};
    sibling.redacted = true;
}

std::optional<std::int64_t> ClientIndex::last_seen(std::span<const std::int64_t> enos) {
    std::string newest;
    for (const auto eno : enos) {
        seen_.with(eno);
        if (seen_.step()) newest = std::max(newest, std::string{seen_.text(0)});
        seen_.reset();
    }
    const auto date = parse_date(newest);
    return date ? std::optional{sync::days_of(*date)} : std::nullopt;
}

}  // namespace streetlog::hub
