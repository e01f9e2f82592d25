#include "sync/merge/merge.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "schema/planted.hpp"

namespace streetlog::sync {
namespace {

constexpr std::uint16_t kKeyGroup = 0;

template <class T>
auto lower_bound_of(std::vector<T>& sorted, const Dot& dot) {
    return std::ranges::lower_bound(sorted, dot, {}, &T::dot);
}

template <class T>
T* find_in(std::vector<T>& sorted, const Dot& dot) {
    const auto at = lower_bound_of(sorted, dot);
    return at != sorted.end() && at->dot == dot ? &*at : nullptr;
}

auto lower_bound_of(std::vector<Gone>& sorted, const Dot& target, const Dot& by) {
    return std::ranges::lower_bound(sorted, std::tie(target, by), {}, [](const Gone& row) {
        return std::tie(row.target, row.by);
    });
}

/// The smaller of two places counts; none is later than any.
void take_smaller(std::optional<Place>& have, const std::optional<Place>& other) {
    if (other && (!have || *other < *have)) have = other;
}

std::optional<Place> place_of(const std::optional<Receipt>& receipt) {
    return receipt ? std::optional{receipt->place} : std::nullopt;
}

hud::CellView view_of(const Cell& cell) {
    using Kind = hud::CellView::Kind;
    hud::CellView view{.column = cell.column, .kind = Kind::kAbsent, .i = 0, .s = {}};
    if (const auto* number = std::get_if<std::int64_t>(&cell.value)) {
        view.kind = Kind::kInteger;
        view.i = *number;
    } else if (const auto* text = std::get_if<std::string>(&cell.value)) {
        view.kind = Kind::kText;
        view.s = *text;
    } else if (const auto* data = std::get_if<Bytes>(&cell.value)) {
        view.kind = Kind::kData;
        view.s = {reinterpret_cast<const char*>(data->data()), data->size()};
    } else if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&cell.value)) {
        view.kind = Kind::kCodes;
        view.i = static_cast<std::int64_t>(codes->size());
    } else if (std::holds_alternative<Redacted>(cell.value)) {
        view.kind = Kind::kRedacted;
    }
    return view;
}

/// The class the catalogue gives; of a group this version does not know, the lowest.
hud::AnswerClass answer_of(std::uint16_t group, const std::vector<Cell>& cells) {
    const hud::Group* known = group == kKeyGroup ? nullptr : hud::find_group(group);
    if (known == nullptr) return hud::AnswerClass::kNothing;
    std::array<hud::CellView, 48> few;  // the widest group has fewer columns
    if (cells.size() <= few.size()) {
        std::ranges::transform(cells, few.begin(), view_of);
        return hud::answer_class(*known, std::span{few}.first(cells.size()));
    }
    std::vector<hud::CellView> many(cells.size());
    std::ranges::transform(cells, many.begin(), view_of);
    return hud::answer_class(*known, many);
}

bool is_key(const Cell& cell) {
    const hud::Column* column = hud::find_column(cell.column);
    return column != nullptr && column->role == hud::Role::kIdentity;
}

/// The cells of `op` that belong to its register `group`.
std::vector<Cell> cells_for(const Op& op, std::uint16_t group) {
    if (op.kind != OpKind::kCreate || op.group == kKeyGroup) return op.cells;
    std::vector<Cell> out;
    out.reserve(op.cells.size());
    std::ranges::copy_if(op.cells, std::back_inserter(out), [&](const Cell& cell) {
        return is_key(cell) == (group == kKeyGroup);
    });
    return out;
}

void add_sibling(Register& reg, const Write& write, std::uint16_t group) {
    auto at = lower_bound_of(reg.siblings, write.dot);
    if (at != reg.siblings.end() && at->dot == write.dot) {
        if (write.receipt && (!at->receipt || write.receipt->place < at->receipt->place))
            at->receipt = write.receipt;
        return;
    }
    at = reg.siblings.emplace(at);
    at->dot = write.dot;
    at->receipt = write.receipt;
    at->hlc = write.header->hlc;
    at->recorded = write.header->recorded;
    at->user = write.header->user;
    at->kind = write.op->kind;
    at->cells = cells_for(*write.op, group);
    at->answer = answer_of(group, at->cells);
    at->redacted = write.op->redacted();
    at->profile = write.op->profile;
}

void add_gone(Register& reg, const Write& write) {
    const auto place = place_of(write.receipt);
    const bool redacted = !write.op->supersedes.empty() && write.op->redacted();
    for (const Dot& target : write.op->supersedes) {
        const auto at = lower_bound_of(reg.gone, target, write.dot);
        if (at != reg.gone.end() && at->target == target && at->by == write.dot)
            take_smaller(at->by_place, place);
        else
            reg.gone.insert(at, {target, write.dot, place, redacted});
    }
}

void erase_if_superseded(Register& reg, const Dot& dot, const Rules& rules) {
    const auto at = lower_bound_of(reg.siblings, dot);
    if (at == reg.siblings.end() || at->dot != dot) return;
    if (is_superseded(reg, *at, Superseders::kReceipted, rules)) reg.siblings.erase(at);
}

/// Lets go of the siblings that a receipted write has superseded: no later write brings them back.
void collect(Register& reg, const Rules& rules) {
    const Register* const only[] = {&reg};
    const auto dead = superseded(only, Superseders::kReceipted, rules);
    std::erase_if(reg.siblings,
                  [&](const Sibling& s) { return std::ranges::binary_search(dead, s.dot); });
}

/// `collect` after one write was put. Without hidden writes only that write and those it names can
/// have changed their fate.
void collect_after(Register& reg, const Write& write, const Rules& rules) {
    if (!reg.hidden.empty()) return collect(reg, rules);
    if (reg.gone.empty()) return;
    erase_if_superseded(reg, write.dot, rules);
    if (!write.receipt) return;
    for (const Dot& target : write.op->supersedes) erase_if_superseded(reg, target, rules);
}

void put_keys(EntityState& state, const Write& write, const Rules& rules) {
    Register& keys = state.registers[{write.op->table, kKeyGroup}];
    add_sibling(keys, write, kKeyGroup);
    if (keys.hidden.empty())
        erase_if_superseded(keys, write.dot, rules);
    else
        collect(keys, rules);
}

bool has_receipted_sibling(EntityState& state, RegisterId id, const Dot& dot) {
    const auto reg = state.registers.find(id);
    if (reg == state.registers.end()) return false;
    const Sibling* sibling = find_in(reg->second.siblings, dot);
    return sibling != nullptr && sibling->receipt;
}

/// A receipted put of a write with edges leaves one of these traces for ever; of one without edges
/// either a sibling or nothing that hiding could change.
bool is_released(EntityState& state, RegisterId id, const Dot& dot, std::span<const Dot> names) {
    if (has_receipted_sibling(state, id, dot)) return true;
    if (has_receipted_sibling(state, {id.table, kKeyGroup}, dot)) return true;
    const auto reg = state.registers.find(id);
    if (reg == state.registers.end()) return false;
    auto& gone = reg->second.gone;
    return std::ranges::any_of(names, [&](const Dot& target) {
        const auto at = lower_bound_of(gone, target, dot);
        return at != gone.end() && at->target == target && at->by == dot && at->by_place;
    });
}

}  // namespace

bool writes_value(OpKind kind) {
    switch (kind) {
        case OpKind::kCreate:
        case OpKind::kSetGroup:
        case OpKind::kVoid:
        case OpKind::kLink:
        case OpKind::kResolve:
        case OpKind::kDevice:
        case OpKind::kUser:
            return true;
        case OpKind::kUnlink:
        case OpKind::kAttach:
        case OpKind::kRule:
        case OpKind::kVerdict:
        case OpKind::kEarlier:
            return false;
    }
    return false;
}

void put(EntityState& state, const Write& write, const Rules& rules) {
    const Op& op = *write.op;
    take_smaller(state.first, place_of(write.receipt));
    const auto [at, added] = state.registers.try_emplace({op.table, op.group});
    Register& reg = at->second;
    if (!reg.hidden.empty()) {
        const auto hidden = lower_bound_of(reg.hidden, write.dot);
        if (hidden != reg.hidden.end() && hidden->dot == write.dot) {
            if (!write.receipt) return;  // the hub's word came first
            reg.hidden.erase(hidden);
        }
    }
    if (writes_value(op.kind)) add_sibling(reg, write, op.group);
    if (planted(Bug::kLastWriterWins) && !reg.siblings.empty()) {
        const auto last = *std::ranges::max_element(reg.siblings, {}, &Sibling::hlc);
        reg.siblings = {last};
    }
    add_gone(reg, write);
    collect_after(reg, write, rules);
    if (op.kind == OpKind::kCreate && op.group != kKeyGroup) put_keys(state, write, rules);
    if (reg == Register{}) state.registers.erase(at);
}

void hide(EntityState& state,
          const RecordKey& record,
          const HiddenWrite& write,
          const std::optional<Place>& place,
          const Rules& rules) {
    const Dot dot{record.replica, record.seq, write.op};
    const RegisterId id{write.table, write.group};
    take_smaller(state.first, place);
    if (is_released(state, id, dot, write.supersedes)) return;

    Hidden hidden{dot, write.supersedes, place, write.redacted};
    std::ranges::sort(hidden.supersedes);
    const auto repeated = std::ranges::unique(hidden.supersedes);
    hidden.supersedes.erase(repeated.begin(), repeated.end());
    if (const auto reg = state.registers.find(id); reg != state.registers.end())
        if (const Hidden* known = find_in(reg->second.hidden, dot))
            take_smaller(hidden.place, known->place);

    drop(state, dot);
    if (hidden.supersedes.empty() || !rules.ship_hidden_edges) return;
    Register& reg = state.registers[id];
    reg.hidden.insert(lower_bound_of(reg.hidden, dot), std::move(hidden));
    collect(reg, rules);
}

void drop(EntityState& state, const Dot& dot) {
    for (auto at = state.registers.begin(); at != state.registers.end();) {
        Register& reg = at->second;
        const auto is_it = [&](const auto& part) { return part.dot == dot; };
        std::erase_if(reg.siblings, is_it);
        std::erase_if(reg.hidden, is_it);
        std::erase_if(reg.gone, [&](const Gone& row) { return row.by == dot; });
        at = reg == Register{} ? state.registers.erase(at) : std::next(at);
    }
}

}  // namespace streetlog::sync
