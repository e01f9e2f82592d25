#include "sync/store/links.hpp"

#include <algorithm>

#include "schema/planted.hpp"
#include "sync/merge/view.hpp"

namespace streetlog::store {
namespace {

EntityId id_of(BytesView bytes) {
    EntityId out;
    if (bytes.size() == out.bytes.size()) std::ranges::copy(bytes, out.bytes.begin());
    return out;
}

}  // namespace

Links::Links(Db& db, DbReplicaNumbers& numbers, Generation of)
    : numbers_(numbers),
      ends_(prepare_in(db, of, "SELECT a, b FROM link$ WHERE eno = ?1")),
      drop_(prepare_in(db, of, "DELETE FROM link$ WHERE eno = ?1")),
      add_(prepare_in(db, of, "INSERT INTO link$ VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)")),
      of_(prepare_in(db,
                     of,
                     "SELECT replica_no, seq, op, a, b, verdict, strength, millibits FROM link$ "
                     "WHERE a = ?1 UNION "
                     "SELECT replica_no, seq, op, a, b, verdict, strength, millibits FROM link$ "
                     "WHERE b = ?1")),
      root_(prepare_in(db, of, "SELECT root FROM canon$ WHERE eno = ?1")),
      members_(prepare_in(db,
                          of,
                          "SELECT e.id FROM canon$ c JOIN entity$ e ON e.eno = c.eno "
                          "WHERE c.root = ?1")),
      uncanon_(prepare_in(db, of, "DELETE FROM canon$ WHERE eno = ?1")),
      canon_(prepare_in(db, of, "INSERT OR REPLACE INTO canon$ VALUES(?1, ?2)")) {}

void Links::clear(Db& db) {
    db.exec("DELETE FROM link; DELETE FROM canon");
    forget();
}

void Links::note(const EntitySlot& slot) {
    if (slot.state.first != slot.first_written) {
        of_.with(BytesView{slot.id.bytes});
        if (of_.step()) {
            of_.reset();
            touched_.insert(slot.id);
        }
    }
    const auto reg = slot.state.registers.find(sync::kLinkRegister);
    // A link without its register was set aside, and what it said is forgotten. It has no key, so
    // only entities without one need be looked up.
    if (reg == slot.state.registers.end() && slot.table != 0) return;
    ends_.with(slot.eno);
    while (ends_.step()) {
        if (planted(Bug::kLinksForgotten)) continue;
        touched_.insert(id_of(ends_.blob(0)));
        touched_.insert(id_of(ends_.blob(1)));
    }
    drop_.with(slot.eno).run();
    if (reg == slot.state.registers.end()) return;
    for (const sync::Sibling* sibling : sync::visible(reg->second)) {
        const auto link = sync::link_of(*sibling);
        if (!link) continue;
        add_.with(slot.eno,
                  numbers_.number_of(link->dot.replica),
                  link->dot.seq,
                  link->dot.op,
                  BytesView{link->a.bytes},
                  BytesView{link->b.bytes},
                  link->verdict,
                  link->strength,
                  link->millibits)
            .run();
        touched_.insert(link->a);
        touched_.insert(link->b);
    }
}

/// All links of everybody whom "same" links connect with `members`, who become members.
std::vector<sync::Link> Links::around(std::set<EntityId>& members) {
    std::vector<sync::Link> out;
    std::vector<EntityId> todo(members.begin(), members.end());
    while (!todo.empty()) {
        const EntityId at = todo.back();
        todo.pop_back();
        of_.with(BytesView{at.bytes});
        while (of_.step()) {
            sync::Link link;
            const auto replica = numbers_.replica_of(static_cast<std::uint32_t>(of_.integer(0)));
            link.dot = {replica.value_or(sync::Replica{}),
                        static_cast<std::uint64_t>(of_.integer(1)),
                        static_cast<std::uint16_t>(of_.integer(2))};
            link.a = id_of(of_.blob(3));
            link.b = id_of(of_.blob(4));
            link.verdict = static_cast<sync::LinkVerdict>(of_.integer(5));
            link.strength = static_cast<sync::LinkStrength>(of_.integer(6));
            link.millibits = of_.integer(7);
            if (link.verdict == sync::LinkVerdict::kSame)
                for (const EntityId end : {link.a, link.b})
                    if (members.insert(end).second) todo.push_back(end);
            out.push_back(link);
        }
    }
    std::ranges::sort(out, {}, &sync::Link::dot);
    const auto repeated = std::ranges::unique(out);
    out.erase(repeated.begin(), repeated.end());
    return out;
}

void Links::settle(EntityStates& states) {
    settled_.clear();
    if (touched_.empty()) return;
    std::set<EntityId> members;
    for (const EntityId id : touched_) {
        members.insert(id);
        root_.with(states.get(id).eno);
        if (!root_.step()) continue;
        const auto root = root_.integer(0);
        root_.reset();
        members_.with(root);
        while (members_.step()) members.insert(id_of(members_.blob(0)));
    }
    auto links = around(members);
    const std::vector<EntityId> component(members.begin(), members.end());
    links = sync::links_within(links, component);
    const auto found =
        sync::partition(links, [&](EntityId id) { return states.get(id).state.first; });
    for (const EntityId id : component) {
        const auto eno = states.get(id).eno;
        const auto canon = found.canon.find(id);
        if (canon == found.canon.end())
            uncanon_.with(eno).run();
        else
            canon_.with(eno, states.get(canon->second).eno).run();
    }
    settled_ = component;
    touched_.clear();
}

}  // namespace streetlog::store
