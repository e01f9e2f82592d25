#include "agent/workflow/json_reader.hpp"

#include <algorithm>
#include <charconv>

#include "schema/time.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/validate.hpp"

namespace streetlog::agent {
namespace {

using Kind = JsonNode::Kind;
using hud::ColumnType;

/// hud's refusals read "Table.Column: words"; the path says the column already.
std::string words_of(const Error& error) {
    const std::size_t colon = error.message.find(": ");
    return colon == std::string::npos ? error.message : error.message.substr(colon + 2);
}

std::string_view needed_for(const hud::Column& column) {
    if (sync::holds_id(column)) return "an id of 32 hex digits in quotes is needed";
    switch (column.type) {
        case ColumnType::kInteger:
            return "a whole number is needed";
        case ColumnType::kMoney:
            return "an amount in dollars is needed";
        default:
            return "text in quotes is needed";
    }
}

bool fits(const hud::Column& column, Kind kind) {
    if (column.type == ColumnType::kInteger) return kind == Kind::kInteger;
    if (column.type == ColumnType::kMoney) {
        return kind == Kind::kInteger || kind == Kind::kDecimal;
    }
    return kind == Kind::kString;
}

/// Minutes east of Greenwich of a time that parse_instant has accepted; none for Z, which programs
/// write wherever they are.
std::optional<std::int16_t> offset_of(std::string_view time) {
    constexpr std::size_t kLength = 6;  // "+hh:mm"
    if (time.size() <= kLength || time.back() == 'Z') return std::nullopt;
    const std::string_view zone = time.substr(time.size() - kLength);
    int hours = 0;
    int minutes = 0;
    std::from_chars(zone.data() + 1, zone.data() + 3, hours);
    std::from_chars(zone.data() + 4, zone.data() + kLength, minutes);
    const int offset = hours * 60 + minutes;
    return static_cast<std::int16_t>(zone.front() == '-' ? -offset : offset);
}

}  // namespace

void JsonReader::problem(std::string path, std::string_view rule, std::string message) {
    problems_.push_back(
        Problem{.path = std::move(path), .rule = std::string{rule}, .message = std::move(message)});
}

std::optional<sync::Cell> JsonReader::cell(const hud::Column& column,
                                           const JsonNode& node,
                                           const std::string& path) {
    if (node.kind == Kind::kNull) return sync::Cell{.column = column.id, .value = sync::Absent{}};
    if (!fits(column, node.kind)) {
        problem(path, "field.type", std::string{needed_for(column)});
        return std::nullopt;
    }
    auto made = sync::make_cell(column, node.text, hud::CodeCheck::kAny);
    if (!made) {
        problem(path, "value.form", words_of(made.error()));
        return std::nullopt;
    }
    if (auto bad = sync::check_value(column, made->value)) {
        problem(path, bad->rule, bad->message);
        return std::nullopt;
    }
    return *made;
}

void JsonReader::answers(const JsonNode& object,
                         const std::string& path,
                         std::span<const Target> targets,
                         std::span<const std::string_view> handled) {
    for (const JsonNode& value : object.items) {
        const std::string& key = value.key;
        if (std::ranges::find(handled, key) != handled.end()) continue;
        const std::string here = join_path(path, key);
        const Target* owner = nullptr;
        const hud::Column* column = nullptr;
        for (const Target& target : targets) {
            const hud::Column* found = hud::find_column(target.table, key);
            if (found == nullptr || found->role != hud::Role::kGroup || owner != nullptr) continue;
            owner = &target;
            column = found;
        }
        if (owner == nullptr) {
            problem(here, "field.unknown", "no such field here");
            continue;
        }
        // An alias and the name itself may both be there.
        if (sync::find_cell(*owner->answers, column->id) != nullptr) {
            problem(here, "json.duplicate_key", "the field is given twice under different names");
            continue;
        }
        if (auto made = cell(*column, value, here)) owner->answers->push_back(std::move(*made));
    }
    for (const Target& target : targets) {
        std::ranges::sort(*target.answers, {}, &sync::Cell::column);
    }
}

std::span<const JsonNode> JsonReader::objects(const JsonNode& root, std::string_view key) {
    const JsonNode* list = root.find(key);
    if (list == nullptr || (list->kind == Kind::kArray && list->items.empty())) {
        problem(std::string{key}, "field.required", "at least one is required");
        return {};
    }
    if (list->kind != Kind::kArray) {
        problem(std::string{key}, "field.type", "an array of objects is needed");
        return {};
    }
    for (std::size_t i = 0; i < list->items.size(); ++i) {
        if (list->items[i].kind == Kind::kObject) continue;
        problem(join_path(key, i), "field.type", "an object is needed");
    }
    return list->items;
}

std::optional<EntityId> JsonReader::id(const JsonNode& object,
                                       const std::string& path,
                                       std::string_view key) {
    const JsonNode* node = object.find(key);
    if (node == nullptr || node->kind == Kind::kNull) return std::nullopt;
    const auto id = node->kind == Kind::kString ? parse_id<EntityId>(node->text) : std::nullopt;
    if (!id || id->is_nil()) {
        const bool text = node->kind == Kind::kString;
        problem(join_path(path, key),
                text ? "value.form" : "field.type",
                "an id of 32 hex digits in quotes is needed");
        return std::nullopt;
    }
    return id;
}

EntityId JsonReader::required_id(const JsonNode& object,
                                 const std::string& path,
                                 std::string_view key) {
    const JsonNode* node = object.find(key);
    if (node == nullptr || node->kind == Kind::kNull) {
        problem(join_path(path, key), "field.required", "an id is required");
        return {};
    }
    return id(object, path, key).value_or(EntityId{});
}

std::string JsonReader::text(const JsonNode& object,
                             std::string_view key,
                             const hud::Column& column) {
    const JsonNode* node = object.find(key);
    if (node == nullptr) return {};
    const auto made = cell(column, *node, std::string{key});
    return made ? std::string{sync::text_in(&*made)} : std::string{};
}

Interaction JsonReader::interaction(const JsonNode& root) {
    constexpr std::string_view kKey = "interaction";
    constexpr std::string_view kForm =
        "\"now\" or a time with its zone is needed, such as 2026-11-23T14:00:00-05:00";
    const JsonNode* node = root.find(kKey);
    if (node == nullptr) {
        problem(std::string{kKey}, "field.required", std::string{kForm});
        return {};
    }
    if (node->kind != Kind::kString) {
        problem(std::string{kKey}, "field.type", std::string{kForm});
        return {};
    }
    if (node->text == "now") return {};
    const auto instant = parse_instant(node->text);
    if (!instant) {
        problem(std::string{kKey}, "value.form", std::string{kForm});
        return {};
    }
    return Interaction{.source = sync::TimeSource::kTyped,
                       .occurred = *instant,
                       .tz_minutes = offset_of(node->text)};
}

}  // namespace streetlog::agent
