#include "sync/identity/partition.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "schema/hud/fields.hpp"

namespace streetlog::sync {
namespace {

namespace column = hud::col::client_link;

static_assert(kLinkRegister == RegisterId{hud::tbl::kClientLink, hud::grp::kClientLinkAssertion});

const CellValue* find_value(const Sibling& sibling, std::uint16_t id) {
    const auto at = std::ranges::lower_bound(sibling.cells, id, {}, &Cell::column);
    return at != sibling.cells.end() && at->column == id ? &at->value : nullptr;
}

std::optional<EntityId> id_in(const Sibling& sibling, std::uint16_t id) {
    const CellValue* value = find_value(sibling, id);
    const Bytes* bytes = value == nullptr ? nullptr : std::get_if<Bytes>(value);
    EntityId out;
    if (bytes == nullptr || bytes->size() != out.bytes.size()) return std::nullopt;
    std::ranges::copy(*bytes, out.bytes.begin());
    return out;
}

std::optional<std::int64_t> number_in(const Sibling& sibling, std::uint16_t id) {
    const CellValue* value = find_value(sibling, id);
    const auto* number = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
    return number == nullptr ? std::nullopt : std::optional{*number};
}

/// Smaller end first: which end a link calls `a` means nothing.
std::pair<EntityId, EntityId> ends(const Link& link) { return std::minmax(link.a, link.b); }

/// Disjoint sets over the entities that links name; the root of a set is its canonical member.
class Groups {
  public:
    explicit Groups(const FirstReceipt& first) : first_(first) {}

    EntityId root_of(EntityId entity) {
        EntityId root = entity;
        for (auto at = up_.find(root); at != up_.end(); at = up_.find(root)) root = at->second;
        for (auto at = up_.find(entity); at != up_.end(); at = up_.find(entity)) {
            entity = at->second;
            at->second = root;
        }
        return root;
    }

    void unite(EntityId a, EntityId b) {
        if (received_first(a, b))
            up_[b] = a;
        else
            up_[a] = b;
    }

    std::map<EntityId, EntityId> canon() {
        std::map<EntityId, EntityId> out;
        for (const auto& [member, above] : up_) out.emplace(member, above);
        for (auto& [member, root] : out) root = root_of(member);
        std::set<EntityId> roots;
        for (const auto& [member, root] : out) roots.insert(root);
        for (const EntityId& root : roots) out.emplace(root, root);
        return out;
    }

  private:
    bool received_first(EntityId a, EntityId b) const {
        constexpr Place latest{{std::numeric_limits<std::int64_t>::max()},
                               {std::numeric_limits<std::uint64_t>::max()}};
        return std::tuple{first_(a).value_or(latest), a} <
               std::tuple{first_(b).value_or(latest), b};
    }

    const FirstReceipt& first_;
    std::map<EntityId, EntityId> up_;  // towards the root, which has no entry
};

/// Does a "different" link of at least the strength of `same` lie between the two roots?
bool is_contradicted(const Link& same,
                     EntityId root_a,
                     EntityId root_b,
                     std::span<const Link> different,
                     Groups& groups) {
    return std::ranges::any_of(different, [&](const Link& apart) {
        if (apart.strength < same.strength) return false;
        return std::minmax(groups.root_of(apart.a), groups.root_of(apart.b)) ==
               std::minmax(root_a, root_b);
    });
}

}  // namespace

std::optional<Link> link_of(const Sibling& sibling) {
    const auto a = id_in(sibling, column::kClientA);
    const auto b = id_in(sibling, column::kClientB);
    const auto verdict = number_in(sibling, column::kVerdict);
    const auto strength = number_in(sibling, column::kStrength);
    if (!a || !b || !verdict || !strength) return std::nullopt;
    if (*verdict < 1 || *verdict > 2 || *strength < 1 || *strength > 3) return std::nullopt;
    return Link{sibling.dot,
                *a,
                *b,
                static_cast<LinkVerdict>(*verdict),
                static_cast<LinkStrength>(*strength),
                number_in(sibling, column::kConfidenceMillibits).value_or(0)};
}

Op link_op(EntityId id, const Link& link) {
    const auto data = [](const EntityId& end) { return Bytes{end.bytes.begin(), end.bytes.end()}; };
    Op op;
    op.entity = id;
    op.kind = OpKind::kLink;
    op.table = kLinkRegister.table;
    op.group = kLinkRegister.group;
    op.cells = {{column::kClientA, data(link.a)},
                {column::kClientB, data(link.b)},
                {column::kVerdict, std::int64_t{std::to_underlying(link.verdict)}},
                {column::kStrength, std::int64_t{std::to_underlying(link.strength)}},
                {column::kConfidenceMillibits, link.millibits}};
    return op;
}

EntityId Partition::canon_of(EntityId entity) const {
    const auto at = canon.find(entity);
    return at == canon.end() ? entity : at->second;
}

Partition partition(std::span<const Link> live, const FirstReceipt& first) {
    std::vector<Link> same;
    std::vector<Link> different;
    for (const Link& link : live)
        (link.verdict == LinkVerdict::kSame ? same : different).push_back(link);
    std::ranges::sort(same, [](const Link& x, const Link& y) {
        return std::tuple{y.strength, y.millibits, ends(x), x.dot} <
               std::tuple{x.strength, x.millibits, ends(y), y.dot};
    });

    Groups groups{first};
    Partition out;
    for (const Link& link : same) {
        const EntityId a = groups.root_of(link.a);
        const EntityId b = groups.root_of(link.b);
        if (a == b) continue;
        // CONFLICT: somebody says these are one person, somebody else that two of them are not.
        // RESOLUTION: "different" holds against anything not stronger; a person is told.
        if (is_contradicted(link, a, b, different, groups))
            out.contradictions.push_back(link.dot);
        else
            groups.unite(a, b);
    }
    std::ranges::sort(out.contradictions);
    out.canon = groups.canon();
    return out;
}

std::vector<EntityId> component_of(std::span<const Link> live, EntityId start) {
    std::multimap<EntityId, EntityId> next;
    for (const Link& link : live) {
        if (link.verdict != LinkVerdict::kSame) continue;
        next.emplace(link.a, link.b);
        next.emplace(link.b, link.a);
    }
    std::set<EntityId> seen{start};
    std::vector<EntityId> todo{start};
    while (!todo.empty()) {
        const auto [begin, end] = next.equal_range(todo.back());
        todo.pop_back();
        for (auto at = begin; at != end; ++at)
            if (seen.insert(at->second).second) todo.push_back(at->second);
    }
    return {seen.begin(), seen.end()};
}

std::vector<Link> links_within(std::span<const Link> live, std::span<const EntityId> component) {
    std::vector<Link> out;
    std::ranges::copy_if(live, std::back_inserter(out), [&](const Link& link) {
        return std::ranges::binary_search(component, link.a) &&
               std::ranges::binary_search(component, link.b);
    });
    return out;
}

}  // namespace streetlog::sync
