#include <algorithm>
#include <charconv>
#include <optional>

#include "schema/hud/catalogue.hpp"

namespace streetlog::hud {
namespace {

using Cells = std::span<const CellView>;

/// The number a cell holds; text counts when it is nothing but a number, as imports may leave it.
std::optional<std::int64_t> number_of(const CellView& cell) {
    if (cell.kind == CellView::Kind::kInteger) return cell.i;
    if (cell.kind != CellView::Kind::kText) return std::nullopt;
    std::int64_t value = 0;
    const char* const end = cell.s.data() + cell.s.size();
    const auto [stop, error] = std::from_chars(end - cell.s.size(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

AnswerClass class_outside_list(std::optional<std::int64_t> code) {
    if (!code || *code == 99) return AnswerClass::kNothing;
    if (*code == 8 || *code == 9) return AnswerClass::kRefused;
    return AnswerClass::kPartial;
}

AnswerClass class_of_code(const CellView& cell, const CodeList& list) {
    if (cell.kind == CellView::Kind::kRedacted) return AnswerClass::kPartial;
    if (list.textual) {
        if (cell.kind != CellView::Kind::kText) return AnswerClass::kPartial;
        const Code* code = find_code(list, cell.s);
        return code == nullptr ? AnswerClass::kPartial : code->answer;
    }
    const auto number = number_of(cell);
    const Code* code = number ? find_code(list, *number) : nullptr;
    return code == nullptr ? class_outside_list(number) : code->answer;
}

AnswerClass class_of_part(const AnswerPart& part, Cells cells) {
    const CellView* cell = find_cell(cells, part.column);
    if (!is_filled(cell)) return AnswerClass::kNothing;
    return part.list == nullptr ? AnswerClass::kFull : class_of_code(*cell, *part.list);
}

/// All filled is full, some is partial.
AnswerClass class_of_present(std::span<const AnswerPart> parts, Cells cells) {
    const auto filled = std::ranges::count_if(
        parts, [&](const AnswerPart& part) { return is_filled(find_cell(cells, part.column)); });
    if (filled == 0) return AnswerClass::kNothing;
    return filled == std::ssize(parts) ? AnswerClass::kFull : AnswerClass::kPartial;
}

AnswerClass class_of_blend(std::span<const AnswerPart> parts, Cells cells) {
    AnswerClass lowest = AnswerClass::kFull;
    AnswerClass highest = AnswerClass::kNothing;
    for (const AnswerPart& part : parts) {
        const AnswerClass one = class_of_part(part, cells);
        lowest = std::min(lowest, one);
        highest = std::max(highest, one);
    }
    if (lowest == AnswerClass::kFull) return AnswerClass::kFull;
    return std::min(highest, AnswerClass::kPartial);
}

AnswerClass class_of_boxes(const AnswerRule& rule, Cells cells) {
    const bool ticked = std::ranges::any_of(rule.parts, [&](const AnswerPart& box) {
        const CellView* cell = find_cell(cells, box.column);
        return cell != nullptr && number_of(*cell) == 1;
    });
    if (ticked) return AnswerClass::kFull;
    if (is_filled(find_cell(cells, rule.text_column))) return AnswerClass::kPartial;
    return class_of_part(rule.decider, cells);
}

/// The key column picks the part; when nobody says the key, the best part counts, so that every
/// replica that holds the same cells of the group comes to the same class.
AnswerClass class_by_key(const AnswerRule& rule, Cells cells) {
    const CellView* key = find_cell(cells, rule.key_column);
    if (key != nullptr && key->kind != CellView::Kind::kRedacted) {
        const auto value = number_of(*key);
        for (const AnswerPart& part : rule.parts) {
            const bool fits = value && std::ranges::find(part.keys, *value) != part.keys.end();
            if (part.keys.empty() || fits) return class_of_part(part, cells);
        }
        return AnswerClass::kNothing;
    }
    AnswerClass best = AnswerClass::kNothing;
    for (const AnswerPart& part : rule.parts) best = std::max(best, class_of_part(part, cells));
    return best;
}

AnswerClass class_before_follow_ups(const AnswerRule& rule, Cells cells) {
    switch (rule.kind) {
        case AnswerKind::kCode:
            return class_of_part(rule.decider, cells);
        case AnswerKind::kCodeBy:
        case AnswerKind::kColumnBy:
            return class_by_key(rule, cells);
        case AnswerKind::kPresent:
            return class_of_present(rule.parts, cells);
        case AnswerKind::kBlend:
            return class_of_blend(rule.parts, cells);
        case AnswerKind::kBoxes:
            return class_of_boxes(rule, cells);
    }
    return AnswerClass::kNothing;
}

bool lowers(const PartialRule& rule, Cells cells, Known known) {
    const CellView* cell = find_cell(cells, rule.column);
    bool hit = rule.when_empty;
    if (is_filled(cell)) {
        const auto code = number_of(*cell);
        hit = code && std::ranges::find(rule.codes, *code) != rule.codes.end();
    }
    return hit && evaluate(rule.only_if, cells, known) == Truth::kTrue;
}

}  // namespace

AnswerClass answer_class(const Group& group, Cells cells) noexcept {
    const AnswerClass plain = class_before_follow_ups(group.answer, cells);
    if (plain != AnswerClass::kFull) return plain;
    const Known known{.table = 0, .group = group.id};
    const bool lowered = std::ranges::any_of(
        group.answer.partial, [&](const PartialRule& rule) { return lowers(rule, cells, known); });
    return lowered ? AnswerClass::kPartial : AnswerClass::kFull;
}

bool is_restricted(const Group& group, Cells cells) noexcept {
    if (group.restricted) return true;
    if (group.restricted_when.empty()) return false;
    return evaluate(group.restricted_when, cells, Known{}) != Truth::kFalse;
}

Privacy privacy_of(const Group& group, Cells cells) noexcept {
    if (group.by_key.empty()) return group.privacy;
    const CellView* key = find_cell(cells, group.by_column);
    const auto value = key == nullptr ? std::nullopt : number_of(*key);
    Privacy strictest = group.privacy;
    for (const Group::ByKey& row : group.by_key) {
        if (value == row.key) return row.privacy;
        strictest = std::max(strictest, row.privacy);
    }
    return strictest;
}

}  // namespace streetlog::hud
