#include "hub/project/matcher.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "schema/hud/fields.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::hub {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;

constexpr std::int64_t kVoid = 2;  // list S.5

sync::ClientFacts facts_in(const sync::EntityState& state) {
    const auto cells = [&](std::uint16_t group) -> const std::vector<sync::Cell>& {
        return sync::winner_cells(state, {tbl::kClient, group});
    };
    if (store::number_in(cells(grp::kLife), hud::col::life::kState) == kVoid || !state.first)
        return {};
    // Before the hub heard of the client; a day more, for the hub need not be where the client is.
    const Date latest = date_of(state.first->received + std::chrono::days{1}, 0);
    return sync::client_facts(
        {cells(grp::kClientName), cells(grp::kClientSsn), cells(grp::kClientDob)}, latest);
}

}  // namespace

Matcher::Matcher(store::Db& db, store::EntityStates& states)
    : db_(db),
      states_(states),
      drop_(db.prepare("DELETE FROM match_key WHERE eno = ?1")),
      add_(db.prepare("INSERT INTO match_key VALUES(?1, ?2)")),
      queue_(db.prepare("INSERT OR IGNORE INTO unmatched VALUES(?1)")),
      unqueue_(db.prepare("DELETE FROM unmatched WHERE eno = ?1")),
      next_(db.prepare("SELECT u.eno, e.id FROM unmatched u JOIN entity e ON e.eno = u.eno "
                       "ORDER BY u.eno LIMIT ?1")),
      sharing_(db.prepare("SELECT DISTINCT o.eno, e.id FROM match_key m "
                          "JOIN match_key o ON o.key = m.key AND o.eno <> m.eno "
                          "JOIN entity e ON e.eno = o.eno WHERE m.eno = ?1")),
      linked_(db.prepare("SELECT 1 FROM link WHERE a = ?1 AND b = ?2 UNION ALL "
                         "SELECT 1 FROM link WHERE a = ?2 AND b = ?1")),
      households_(db.prepare(
          "SELECT DISTINCT r.household FROM enrollment_read r WHERE r.household IS NOT NULL AND "
          "(r.client = ?1 OR r.client IN (SELECT eno FROM canon WHERE root = "
          "(SELECT root FROM canon WHERE eno = ?1)))")),
      root_(db.prepare("SELECT root FROM canon WHERE eno = ?1")) {}

void Matcher::clear() { db_.exec("DELETE FROM match_key; DELETE FROM unmatched"); }

void Matcher::note(const store::EntitySlot& slot) {
    if (slot.table != tbl::kClient) return;
    drop_.with(slot.eno).run();
    const auto keys = sync::keys_of(facts_in(slot.state));
    for (const sync::MatchKey key : keys) add_.with(key, slot.eno).run();
    if (!keys.empty()) queue_.with(slot.eno).run();
}

sync::ClientFacts Matcher::facts_of(const EntityId& id) { return facts_in(states_.get(id).state); }

bool Matcher::spoken(const EntityId& a, const EntityId& b) {
    linked_.with(store::BytesView{a.bytes}, store::BytesView{b.bytes});
    const bool any = linked_.step();
    if (any) linked_.reset();
    return any;
}

std::vector<EntityId> Matcher::households_of(std::int64_t eno) {
    std::vector<EntityId> out;
    households_.with(eno);
    while (households_.step()) out.push_back(store::id_at(households_, 0));
    return out;
}

std::int64_t Matcher::root_of(std::int64_t eno) {
    root_.with(eno);
    const auto root = root_.step() ? root_.integer(0) : eno;
    root_.reset();
    return root;
}

/// The profiles as this round's own links will make them, which are not in the database yet.
class Matcher::Joined {
  public:
    const std::vector<EntityId>& homes(std::int64_t root, Matcher& matcher) {
        const auto top = top_of(root);
        const auto [at, fresh] = homes_.try_emplace(top);
        if (fresh) at->second = matcher.households_of(top);
        return at->second;
    }

    /// Requires: homes() was asked of both.
    void join(std::int64_t a, std::int64_t b) {
        a = top_of(a);
        b = top_of(b);
        if (a == b) return;
        above_[b] = a;
        auto& into = homes_[a];
        const auto& from = homes_[b];
        into.insert(into.end(), from.begin(), from.end());
    }

  private:
    std::int64_t top_of(std::int64_t root) const {
        for (auto at = above_.find(root); at != above_.end(); at = above_.find(root))
            root = at->second;
        return root;
    }

    std::map<std::int64_t, std::int64_t> above_;
    std::map<std::int64_t, std::vector<EntityId>> homes_;
};

Matcher::Round Matcher::compare(std::size_t clients_max) {
    Round round;
    std::vector<std::pair<std::int64_t, EntityId>> changed;
    next_.with(clients_max);
    while (next_.step()) changed.emplace_back(next_.integer(0), store::id_at(next_, 1));
    std::set<std::pair<EntityId, EntityId>> seen;
    Joined joined;
    for (const auto& [eno, id] : changed) {
        round.compared.push_back(eno);
        std::vector<std::pair<std::int64_t, EntityId>> others;
        sharing_.with(eno);
        while (sharing_.step()) others.emplace_back(sharing_.integer(0), store::id_at(sharing_, 1));
        const auto facts = facts_of(id);
        for (const auto& [other_eno, other] : others) {
            if (!seen.insert(std::minmax(id, other)).second) continue;
            const auto evidence = sync::compare(facts, facts_of(other));
            if (!evidence || spoken(id, other)) continue;
            // Members of one household are different people, also when a third profile is like
            // both.
            if (sync::household_guard(joined.homes(root_of(eno), *this),
                                      joined.homes(root_of(other_eno), *this)) !=
                sync::HouseholdGuard::kClear)
                continue;
            joined.join(root_of(eno), root_of(other_eno));
            round.pairs.push_back({sync::ClientPair{id, other}, *evidence});
        }
    }
    return round;
}

void Matcher::done(const Round& round) {
    for (const std::int64_t eno : round.compared) unqueue_.with(eno).run();
}

}  // namespace streetlog::hub
