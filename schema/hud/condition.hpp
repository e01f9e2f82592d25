#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace streetlog::hud {

/// One cell as the rules see it; the views must outlive the call they are passed to. `i` holds
/// integers (money in cents, instants in milliseconds) and the length of a list of codes, `s` text
/// and data.
struct CellView {
    enum class Kind : std::uint8_t { kAbsent, kInteger, kText, kData, kCodes, kRedacted };

    std::uint16_t column = 0;
    Kind kind = Kind::kAbsent;
    std::int64_t i = 0;
    std::string_view s;
};

/// A condition of the catalogue in postfix order, compiled by generate.py.
struct ConditionStep {
    enum class Op : std::uint8_t { kOneOf, kBetween, kEmpty, kNot, kAnd, kOr };

    Op op = Op::kEmpty;
    std::uint16_t column = 0;
    std::span<const std::int32_t> numbers;  // kBetween: low and high, both included
};

/// No steps: there is no condition.
struct Condition {
    std::span<const ConditionStep> steps;

    [[nodiscard]] bool empty() const { return steps.empty(); }
};

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

/// Which columns are known to be empty when they have no cell: those of the table and those of the
/// group; 0 for none. Any other column without a cell is unknown.
struct Known {
    std::uint16_t table = 0;
    std::uint16_t group = 0;
};

/// Three-valued: what hangs on an unknown column, or on a redacted one, is unknown unless the rest
/// decides it. An empty column equals no number. No condition is true.
[[nodiscard]] Truth evaluate(const Condition& condition,
                             std::span<const CellView> cells,
                             Known known) noexcept;

/// The cell of `column`, or nullptr. An absent cell counts as one.
[[nodiscard]] const CellView* find_cell(std::span<const CellView> cells,
                                        std::uint16_t column) noexcept;

/// Something was entered: not absent, not empty text, data or list.
[[nodiscard]] bool is_filled(const CellView* cell) noexcept;

}  // namespace streetlog::hud
