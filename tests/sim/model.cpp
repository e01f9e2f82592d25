#include "tests/sim/model.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::sim {
namespace {

using sync::Dot;
using sync::OpKind;
using sync::Place;

bool writes_value(OpKind kind) {
    return kind != OpKind::kUnlink && kind != OpKind::kAttach && kind != OpKind::kRule &&
           kind != OpKind::kVerdict && kind != OpKind::kEarlier;
}

bool is_key(const sync::Cell& cell) {
    const auto* column = hud::find_column(cell.column);
    return column != nullptr && column->role == hud::Role::kIdentity;
}

std::vector<Dot> ascending(std::vector<Dot> dots) {
    std::ranges::sort(dots);
    const auto repeated = std::ranges::unique(dots);
    dots.erase(repeated.begin(), repeated.end());
    return dots;
}

std::vector<sync::Cell> said(const std::vector<sync::Cell>& cells) {
    std::vector<sync::Cell> out;
    for (const auto& cell : cells)
        if (!std::holds_alternative<sync::Absent>(cell.value)) out.push_back(cell);
    return out;
}

template <class T>
const T* value_in(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    for (const auto& cell : cells)
        if (cell.column == column) return std::get_if<T>(&cell.value);
    return nullptr;
}

hud::Merge merge_of(Model::Group group) {
    if (group.second == 0) return hud::Merge::kImmutable;
    const auto* known = hud::find_group(group.second);
    return known == nullptr ? hud::Merge::kRegister : known->merge;
}

std::string text(const Place& place) {
    return fmt::format(" @{},{}", place.received.ms, place.seq.value);
}

std::string text(const sync::CellValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("i{}", *number);
    if (const auto* words = std::get_if<std::string>(&value))
        return fmt::format("t{}:{}", words->size(), *words);
    if (const auto* data = std::get_if<sync::Bytes>(&value)) return "d" + to_hex(*data);
    if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&value)) {
        std::string out = "c";
        for (const auto code : *codes) out += fmt::format(",{}", code);
        return out;
    }
    return std::holds_alternative<sync::Redacted>(value) ? "r" : "a";
}

}  // namespace

Model::Model(std::vector<ModelRecord> records) : records_(std::move(records)) {
    for (const auto& record : records_) add(record);
    partition();
}

void Model::add(const ModelRecord& r) {
    const auto seen = [&](const EntityId& entity) {
        const auto [at, fresh] = first_.emplace(entity, r.receipt.place);
        if (!fresh) at->second = std::min(at->second, r.receipt.place);
    };
    if (r.hidden) {
        for (const auto& edge : r.edges) {
            if (edge.entity.is_nil()) continue;
            seen(edge.entity);
            writes_[edge.entity][{edge.table, edge.group}].push_back(
                {.dot = {r.key.replica, r.key.seq, edge.op},
                 .entity = edge.entity,
                 .group = {edge.table, edge.group},
                 .hidden = true,
                 .redacted = edge.redacted,
                 .names = ascending(edge.supersedes),
                 .receipt = r.receipt});
        }
        return;
    }
    for (std::size_t i = 0; i < r.record->ops.size(); ++i) {
        const sync::Op& op = r.record->ops[i];
        if (op.entity.is_nil()) continue;
        seen(op.entity);
        W w{.dot = {r.key.replica, r.key.seq, static_cast<std::uint16_t>(i)},
            .entity = op.entity,
            .group = {op.table, op.group},
            .value = writes_value(op.kind),
            .redacted = std::ranges::any_of(
                op.cells,
                [](const auto& c) { return std::holds_alternative<sync::Redacted>(c.value); }),
            .names = ascending(op.supersedes),
            .receipt = r.receipt,
            .header = &r.record->header,
            .op = &op};
        writes_[op.entity][w.group].push_back(w);
        if (op.kind != OpKind::kCreate || op.group == 0) continue;
        // The keys stand in a register of their own, where nothing but another create writes.
        w.group = {op.table, 0};
        w.names.clear();
        writes_[op.entity][w.group].push_back(w);
    }
}

/// Does `by`, which names `target`, take it away?
bool Model::counts(const W& by, const W& target) {
    if (by.redacted && !target.redacted) return false;
    if (by.dot.replica == target.dot.replica && target.dot.seq < by.dot.seq) return true;
    return target.receipt.place < by.receipt.place;
}

std::vector<const Model::W*> Model::in(const std::set<EntityId>& members, Group group) const {
    std::vector<const W*> out;
    for (const EntityId& member : members) {
        const auto entity = writes_.find(member);
        if (entity == writes_.end()) continue;
        const auto reg = entity->second.find(group);
        if (reg == entity->second.end()) continue;
        for (const W& w : reg->second) out.push_back(&w);
    }
    return out;
}

std::vector<const Model::W*> Model::visible(const std::set<EntityId>& members, Group group) const {
    const auto all = in(members, group);
    std::map<Dot, const W*> by_dot;
    for (const W* w : all) by_dot.emplace(w->dot, w);
    std::set<Dot> gone;
    std::vector<std::pair<const W*, Dot>> todo;
    for (const W* w : all)
        if (!w->hidden)
            for (const Dot& name : w->names) todo.emplace_back(w, name);
    while (!todo.empty()) {
        const auto [by, name] = todo.back();
        todo.pop_back();
        const auto target = by_dot.find(name);
        if (target == by_dot.end() || gone.contains(name) || !counts(*by, *target->second))
            continue;
        gone.insert(name);
        if (target->second->hidden)
            for (const Dot& next : target->second->names) todo.emplace_back(target->second, next);
    }
    std::vector<const W*> out;
    for (const W* w : all)
        if (!w->hidden && w->value && !gone.contains(w->dot)) out.push_back(w);
    std::ranges::sort(out, {}, [](const W* w) { return w->dot; });
    return out;
}

std::vector<sync::Cell> Model::cells(const W& w) {
    if (w.op->kind != OpKind::kCreate || w.op->group == 0) return w.op->cells;
    std::vector<sync::Cell> out;
    for (const auto& cell : w.op->cells)
        if (is_key(cell) == (w.group.second == 0)) out.push_back(cell);
    return out;
}

int Model::answer(const W& w) {
    const auto* group = w.group.second == 0 ? nullptr : hud::find_group(w.group.second);
    if (group == nullptr) return 0;
    const auto own = cells(w);
    std::vector<hud::CellView> views;
    for (const auto& cell : own) {
        using Kind = hud::CellView::Kind;
        hud::CellView view{.column = cell.column, .kind = Kind::kAbsent, .i = 0, .s = {}};
        if (const auto* n = std::get_if<std::int64_t>(&cell.value)) {
            view.kind = Kind::kInteger;
            view.i = *n;
        } else if (const auto* t = std::get_if<std::string>(&cell.value)) {
            view.kind = Kind::kText;
            view.s = *t;
        } else if (const auto* d = std::get_if<sync::Bytes>(&cell.value)) {
            view.kind = Kind::kData;
            view.s = {reinterpret_cast<const char*>(d->data()), d->size()};
        } else if (const auto* c = std::get_if<std::vector<std::uint16_t>>(&cell.value)) {
            view.kind = Kind::kCodes;
            view.i = static_cast<std::int64_t>(c->size());
        } else if (std::holds_alternative<sync::Redacted>(cell.value)) {
            view.kind = Kind::kRedacted;
        }
        views.push_back(view);
    }
    return static_cast<int>(hud::answer_class(*group, views));
}

const Model::W* Model::best(const std::vector<const W*>& of) {
    const W* out = nullptr;
    for (const W* w : of) {
        if (out == nullptr) {
            out = w;
            continue;
        }
        bool better = false;
        const auto stamp = [](const W* x) { return x->receipt.hlc_hub; };
        switch (merge_of(w->group)) {
            case hud::Merge::kRegister:
                better = std::tuple{answer(*out), stamp(out), out->dot} <
                         std::tuple{answer(*w), stamp(w), w->dot};
                break;
            case hud::Merge::kLww:
                better = std::tuple{stamp(out), out->dot} < std::tuple{stamp(w), w->dot};
                break;
            case hud::Merge::kImmutable:
                better =
                    std::tuple{w->receipt.place, w->dot} < std::tuple{out->receipt.place, out->dot};
                break;
        }
        if (better) out = w;
    }
    return out;
}

bool Model::needs_review(const std::vector<const W*>& seen) {
    const auto knows = [](const W* w, const EntityId& e) {
        return std::ranges::find(w->op->profile, e) != w->op->profile.end();
    };
    for (const W* x : seen) {
        if (merge_of(x->group) == hud::Merge::kLww) return false;
        for (const W* y : seen) {
            if (said(cells(*x)) == said(cells(*y))) continue;
            if (x->entity == y->entity || knows(x, y->entity) || knows(y, x->entity)) return true;
        }
    }
    return false;
}

Model::View Model::view(const std::set<EntityId>& members, Group group) const {
    const auto seen = visible(members, group);
    View out;
    for (const W* w : seen) out.siblings.push_back(w->dot);
    if (const W* w = best(seen)) out.winner = w->dot;
    out.review = needs_review(seen);
    return out;
}

std::vector<sync::Cell> Model::cells_of(const Dot& dot, Group group) const {
    for (const auto& [entity, groups] : writes_) {
        const auto reg = groups.find(group);
        if (reg == groups.end()) continue;
        for (const W& w : reg->second)
            if (w.dot == dot && w.op != nullptr) return cells(w);
    }
    return {};
}

std::set<Model::Group> Model::groups_of(const std::set<EntityId>& members) const {
    std::set<Group> out;
    for (const EntityId& member : members) {
        const auto at = writes_.find(member);
        if (at == writes_.end()) continue;
        for (const auto& [group, all] : at->second) out.insert(group);
    }
    return out;
}

/// Kruskal over the live "same" edges, strongest first; a "different" edge of at least the strength
/// keeps its ends apart. The one received first gives the profile its id.
void Model::partition() {
    namespace col = hud::col::client_link;

    struct Edge {
        EntityId a, b;
        std::int64_t verdict = 0, strength = 0, millibits = 0;
        Dot dot;
    };

    const auto id_of = [](const sync::Bytes& bytes) {
        EntityId id;
        std::ranges::copy(bytes, id.bytes.begin());
        return id;
    };
    std::vector<Edge> same, different;
    const Group links{hud::tbl::kClientLink, hud::grp::kClientLinkAssertion};
    for (const auto& [entity, groups] : writes_) {
        if (!groups.contains(links)) continue;
        for (const W* w : visible({entity}, links)) {
            const auto own = cells(*w);
            const auto* a = value_in<sync::Bytes>(own, col::kClientA);
            const auto* b = value_in<sync::Bytes>(own, col::kClientB);
            const auto* verdict = value_in<std::int64_t>(own, col::kVerdict);
            const auto* strength = value_in<std::int64_t>(own, col::kStrength);
            const auto* sure = value_in<std::int64_t>(own, col::kConfidenceMillibits);
            if (!a || !b || !verdict || !strength || a->size() != 16 || b->size() != 16) continue;
            if (*verdict < 1 || *verdict > 2 || *strength < 1 || *strength > 3) continue;
            const EntityId x = id_of(*a);
            const EntityId y = id_of(*b);
            (*verdict == 1 ? same : different)
                .push_back({std::min(x, y),
                            std::max(x, y),
                            *verdict,
                            *strength,
                            sure == nullptr ? 0 : *sure,
                            w->dot});
        }
    }
    std::ranges::sort(same, {}, [](const Edge& e) {
        return std::tuple{-e.strength, -e.millibits, e.a, e.b, e.dot};
    });
    std::map<EntityId, EntityId> up;
    const auto root = [&](EntityId e) {
        while (up.contains(e) && up.at(e) != e) e = up.at(e);
        return e;
    };
    const auto place = [&](const EntityId& e) {
        const auto at = first_.find(e);
        return at == first_.end() ? Place{{INT64_MAX}, {UINT64_MAX}} : at->second;
    };
    for (const Edge& e : same) {
        const auto a = root(e.a);
        const auto b = root(e.b);
        if (a == b) continue;
        const bool apart = std::ranges::any_of(different, [&](const Edge& d) {
            const EntityId x = root(d.a);
            const EntityId y = root(d.b);
            return d.strength >= e.strength && ((x == a && y == b) || (x == b && y == a));
        });
        if (apart) continue;
        const bool a_first = std::tuple{place(a), a} < std::tuple{place(b), b};
        up[a] = up[b] = a_first ? a : b;
    }
    for (const auto& [entity, above] : up) canon_[entity] = root(entity);
}

EntityId Model::canon_of(const EntityId& entity) const {
    const auto at = canon_.find(entity);
    return at == canon_.end() ? entity : at->second;
}

std::set<EntityId> Model::profile_of(const EntityId& entity) const {
    const auto root = canon_of(entity);
    std::set<EntityId> out{entity};
    for (const auto& [member, of] : canon_)
        if (of == root) out.insert(member);
    return out;
}

std::vector<EntityId> Model::entities() const {
    std::vector<EntityId> out;
    for (const auto& [entity, place] : first_) out.push_back(entity);
    return out;
}

void Model::dump_entity(std::string& out, const EntityId& entity) const {
    out += "entity " + to_string(entity) + text(first_.at(entity)) + "\n";
    const auto at = writes_.find(entity);
    if (at == writes_.end()) return;
    for (const auto& [group, all] : at->second) {
        std::string reg;
        for (const W* w : visible({entity}, group)) {
            const auto& r = w->receipt;
            reg += "sib " + to_string(w->dot) + text(r.place);
            reg +=
                fmt::format(" {} {}..{} hlc {} recorded {} user {} kind {} answer {} redacted {}",
                            r.hlc_hub.value,
                            r.saved.lo.ms,
                            r.saved.hi.ms,
                            w->header->hlc.value,
                            w->header->recorded.ms,
                            w->header->user,
                            static_cast<unsigned>(w->op->kind),
                            answer(*w),
                            w->redacted ? 1 : 0);
            for (const EntityId& member : w->op->profile) reg += " with " + to_string(member);
            for (const auto& cell : cells(*w))
                reg += fmt::format(" {}={}", cell.column, text(cell.value));
            reg += "\n";
        }
        std::map<std::pair<Dot, Dot>, const W*> gone;
        std::map<Dot, const W*> hidden;
        for (const W& w : all) {
            if (w.hidden && !w.names.empty()) hidden.emplace(w.dot, &w);
            if (!w.hidden)
                for (const Dot& name : w.names) gone.emplace(std::pair{name, w.dot}, &w);
        }
        for (const auto& [dots, by] : gone)
            reg += "gone " + to_string(dots.first) + " by " + to_string(dots.second) +
                   text(by->receipt.place) + (by->redacted ? " redacted\n" : "\n");
        for (const auto& [dot, w] : hidden) {
            reg += "hidden " + to_string(dot) + text(w->receipt.place) +
                   (w->redacted ? " redacted over" : " over");
            for (const Dot& name : w->names) reg += " " + to_string(name);
            reg += "\n";
        }
        if (reg.empty()) continue;
        out += fmt::format("register {} {}\n", group.first, group.second) + reg;
    }
}

std::string Model::dump() const {
    std::string out;
    for (const auto& [entity, place] : first_) dump_entity(out, entity);
    for (const auto& [member, root] : canon_)
        if (member != root) out += "canon " + to_string(member) + " " + to_string(root) + "\n";
    return out;
}

}  // namespace streetlog::sim
