#include "sync/merge/view.hpp"

#include <algorithm>
#include <tuple>

namespace streetlog::sync {
namespace {

const Register* find_register(const EntityState& state, RegisterId id) {
    const auto at = state.registers.find(id);
    return at == state.registers.end() ? nullptr : &at->second;
}

/// The siblings of `shown` that no row in any of `heard` takes away.
std::vector<Seen> view(std::span<const Member> shown,
                       std::span<const Member> heard,
                       RegisterId id,
                       const Rules& rules) {
    std::vector<const Register*> registers;
    registers.reserve(heard.size());
    for (const Member& member : heard)
        if (const Register* reg = find_register(*member.state, id)) registers.push_back(reg);
    const auto dead = superseded(registers, Superseders::kAll, rules);

    std::vector<Seen> out;
    for (const Member& member : shown) {
        const Register* reg = find_register(*member.state, id);
        if (reg == nullptr) continue;
        for (const Sibling& sibling : reg->siblings)
            if (!std::ranges::binary_search(dead, sibling.dot))
                out.push_back({member.id, &sibling});
    }
    return out;
}

hud::Merge merge_kind(RegisterId id) {
    if (id.group == 0) return hud::Merge::kImmutable;  // keys are written by the create op only
    const hud::Group* group = hud::find_group(id.group);
    return group == nullptr ? hud::Merge::kRegister : group->merge;
}

/// True when `a` ranks below `b` by the rule of `kind`, receipts and authors aside.
bool ranks_below(const Sibling& a, const Sibling& b, hud::Merge kind) {
    // CONFLICT: writes whose authors had not seen each other.
    switch (kind) {
        case hud::Merge::kRegister:
            // RESOLUTION: the fuller answer wins, then the later Save by a clock the hub vouches
            // for; the other stays for review.
            return std::tuple{a.answer, rank_stamp(a), a.dot} <
                   std::tuple{b.answer, rank_stamp(b), b.dot};
        case hud::Merge::kLww:
            // RESOLUTION: the later Save wins and nobody is asked: nothing hangs on it.
            return std::tuple{rank_stamp(a), a.dot} < std::tuple{rank_stamp(b), b.dot};
        case hud::Merge::kImmutable:
            // RESOLUTION: what the hub received first stands; a second write is a finding.
            if (a.receipt.has_value() != b.receipt.has_value()) return b.receipt.has_value();
            if (a.receipt && a.receipt->place != b.receipt->place)
                return b.receipt->place < a.receipt->place;
            return b.dot < a.dot;
    }
    return false;
}

bool knows(const Sibling& writer, EntityId of) {
    return std::ranges::find(writer.profile, of) != writer.profile.end();
}

/// The next cell that says something, or the end.
auto next_said(const std::vector<Cell>& cells, std::vector<Cell>::const_iterator from) {
    return std::find_if(
        from, cells.end(), [](const Cell& c) { return !std::holds_alternative<Absent>(c.value); });
}

}  // namespace

Siblings visible(const Register& reg, const Rules& rules) {
    Siblings out;
    out.reserve(reg.siblings.size());
    if (reg.hidden.empty()) {
        for (const Sibling& sibling : reg.siblings)
            if (!is_superseded(reg, sibling, Superseders::kAll, rules)) out.push_back(&sibling);
        return out;
    }
    const Register* const only[] = {&reg};
    const auto dead = superseded(only, Superseders::kAll, rules);
    for (const Sibling& sibling : reg.siblings)
        if (!std::ranges::binary_search(dead, sibling.dot)) out.push_back(&sibling);
    return out;
}

Siblings visible(const EntityState& state, RegisterId id, const Rules& rules) {
    const Register* reg = find_register(state, id);
    return reg == nullptr ? Siblings{} : visible(*reg, rules);
}

std::vector<Seen> merged_view(std::span<const Member> members, RegisterId id, const Rules& rules) {
    return view(members, members, id, rules);
}

std::vector<Seen> own_view(const Member& member,
                           std::span<const Member> others,
                           RegisterId id,
                           const Rules& rules) {
    const std::span<const Member> alone{&member, 1};
    return view(alone, rules.own_view ? alone : others, id, rules);
}

Siblings siblings_of(std::span<const Seen> seen) {
    Siblings out(seen.size());
    std::ranges::transform(seen, out.begin(), &Seen::sibling);
    return out;
}

const Sibling* winner(std::span<const Sibling* const> siblings,
                      RegisterId id,
                      const std::optional<Replica>& self) {
    const auto own_unsent = [&](const Sibling& s) {
        return self && !s.receipt && s.dot.replica == *self;
    };
    const auto kind = merge_kind(id);
    const Sibling* best = nullptr;
    for (const Sibling* one : siblings) {
        const bool better = best == nullptr || (own_unsent(*one) != own_unsent(*best)
                                                    ? own_unsent(*one)
                                                    : ranks_below(*best, *one, kind));
        if (better) best = one;
    }
    return best;
}

const std::vector<Cell>& winner_cells(const EntityState& state,
                                      RegisterId id,
                                      const std::optional<Replica>& self) {
    static const std::vector<Cell> kNone;
    const auto siblings = visible(state, id);
    const auto* shown = winner(siblings, id, self);
    return shown == nullptr ? kNone : shown->cells;
}

HlcStamp rank_stamp(const Sibling& sibling) {
    return sibling.receipt ? sibling.receipt->hlc_hub : sibling.hlc;
}

bool same_value(const Sibling& a, const Sibling& b) {
    auto left = next_said(a.cells, a.cells.begin());
    auto right = next_said(b.cells, b.cells.begin());
    while (left != a.cells.end() && right != b.cells.end() && *left == *right) {
        left = next_said(a.cells, left + 1);
        right = next_said(b.cells, right + 1);
    }
    return left == a.cells.end() && right == b.cells.end();
}

bool needs_review(std::span<const Seen> seen, RegisterId id) {
    if (seen.size() < 2 || merge_kind(id) == hud::Merge::kLww) return false;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        for (std::size_t j = i + 1; j < seen.size(); ++j) {
            const Seen& a = seen[i];
            const Seen& b = seen[j];
            const bool related =
                a.entity == b.entity || knows(*a.sibling, b.entity) || knows(*b.sibling, a.entity);
            if (related && !same_value(*a.sibling, *b.sibling)) return true;
        }
    }
    return false;
}

bool needs_review(std::span<const Sibling* const> siblings, RegisterId id) {
    if (siblings.size() < 2 || merge_kind(id) == hud::Merge::kLww) return false;
    return std::ranges::any_of(siblings.subspan(1), [&](const Sibling* other) {
        return !same_value(*siblings.front(), *other);
    });
}

OnScreen on_screen(std::span<const Seen> seen, EntityId self, SaveForm form) {
    OnScreen out;
    for (const Seen& one : seen) {
        if (form == SaveForm::kRedacted && !one.sibling->redacted) continue;
        out.supersedes.push_back(one.sibling->dot);
        if (one.entity != self) out.profile.push_back(one.entity);
    }
    std::ranges::sort(out.supersedes);
    std::ranges::sort(out.profile);
    const auto repeated = std::ranges::unique(out.profile);
    out.profile.erase(repeated.begin(), repeated.end());
    return out;
}

}  // namespace streetlog::sync
