#include "schema/hud/condition.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "schema/error.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::hud {
namespace {

/// generate.py refuses conditions that need more.
constexpr std::size_t kStackMax = 8;

Truth truth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth negate(Truth value) {
    if (value == Truth::kUnknown) return value;
    return truth(value == Truth::kFalse);
}

Truth both(Truth a, Truth b) {
    if (a == Truth::kFalse || b == Truth::kFalse) return Truth::kFalse;
    return a == Truth::kTrue && b == Truth::kTrue ? Truth::kTrue : Truth::kUnknown;
}

bool is_known_empty(std::uint16_t id, Known known) {
    const Column* column = find_column(id);
    if (column == nullptr) return false;
    return (known.table != 0 && column->table == known.table) ||
           (known.group != 0 && column->group == known.group);
}

Truth test(const ConditionStep& step, std::span<const CellView> cells, Known known) {
    const CellView* cell = find_cell(cells, step.column);
    if (cell == nullptr && !is_known_empty(step.column, known)) return Truth::kUnknown;
    if (step.op == ConditionStep::Op::kEmpty) return truth(!is_filled(cell));
    if (cell != nullptr && cell->kind == CellView::Kind::kRedacted) return Truth::kUnknown;
    if (cell == nullptr || cell->kind != CellView::Kind::kInteger) return Truth::kFalse;
    if (step.op == ConditionStep::Op::kBetween) {
        return truth(step.numbers[0] <= cell->i && cell->i <= step.numbers[1]);
    }
    return truth(std::ranges::find(step.numbers, cell->i) != step.numbers.end());
}

}  // namespace

Truth evaluate(const Condition& condition, std::span<const CellView> cells, Known known) noexcept {
    if (condition.empty()) return Truth::kTrue;
    std::array<Truth, kStackMax> stack{};
    std::size_t depth = 0;
    for (const ConditionStep& step : condition.steps) {
        switch (step.op) {
            case ConditionStep::Op::kNot:
                STREETLOG_ASSERT(depth >= 1);
                stack[depth - 1] = negate(stack[depth - 1]);
                break;
            case ConditionStep::Op::kAnd:
            case ConditionStep::Op::kOr: {
                STREETLOG_ASSERT(depth >= 2);
                --depth;
                const Truth a = stack[depth - 1];
                const Truth b = stack[depth];
                const bool is_and = step.op == ConditionStep::Op::kAnd;
                stack[depth - 1] = is_and ? both(a, b) : negate(both(negate(a), negate(b)));
                break;
            }
            default:
                STREETLOG_ASSERT(depth < kStackMax);
                stack[depth++] = test(step, cells, known);
        }
    }
    return stack[0];
}

const CellView* find_cell(std::span<const CellView> cells, std::uint16_t column) noexcept {
    const auto found = std::ranges::find(cells, column, &CellView::column);
    return found == cells.end() ? nullptr : &*found;
}

bool is_filled(const CellView* cell) noexcept {
    if (cell == nullptr) return false;
    switch (cell->kind) {
        case CellView::Kind::kAbsent:
            return false;
        case CellView::Kind::kInteger:
        case CellView::Kind::kRedacted:
            return true;
        case CellView::Kind::kCodes:
            return cell->i > 0;
        case CellView::Kind::kText:
        case CellView::Kind::kData:
            return !cell->s.empty();
    }
    return false;
}

}  // namespace streetlog::hud
