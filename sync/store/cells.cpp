#include "sync/store/cells.hpp"

#include <algorithm>
#include <array>

namespace streetlog::store {
namespace {

/// Letters of U+00C0 to U+00FF without their accents; a star: no letter.
constexpr std::string_view kLatin1 =
    "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty";

}  // namespace

const sync::CellValue* find_value(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    const auto at = std::ranges::lower_bound(cells, column, {}, &sync::Cell::column);
    return at != cells.end() && at->column == column ? &at->value : nullptr;
}

std::string text_in(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    const auto* value = find_value(cells, column);
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return text == nullptr ? std::string{} : *text;
}

std::optional<std::int64_t> number_in(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    const auto* value = find_value(cells, column);
    const auto* number = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
    return number == nullptr ? std::nullopt : std::optional{*number};
}

std::optional<EntityId> id_in(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    const auto* value = find_value(cells, column);
    if (value == nullptr) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(value)) return parse_id<EntityId>(*text);
    const auto* data = std::get_if<sync::Bytes>(value);
    EntityId out;
    if (data == nullptr || data->size() != out.bytes.size()) return std::nullopt;
    std::ranges::copy(*data, out.bytes.begin());
    return out;
}

std::string date_in(const std::vector<sync::Cell>& cells, std::uint16_t column) {
    if (const auto days = number_in(cells, column)) {
        if (*days < -1'000'000 || *days > 1'000'000) return {};
        return format_date(std::chrono::sys_days{std::chrono::days{*days}});
    }
    return text_in(cells, column).substr(0, 10);
}

std::string name_key(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto c = static_cast<unsigned char>(name[i]);
        if (c >= 'A' && c <= 'Z') {
            out += static_cast<char>(c - 'A' + 'a');
        } else if (c >= 'a' && c <= 'z') {
            out += name[i];
        } else if (c == 0xc3 && i + 1 < name.size()) {
            const auto low = static_cast<unsigned char>(name[++i]);
            const char plain = kLatin1[low & 0x3f];
            if (plain != '*') out += plain;
        } else if (c == 0xe2 && i + 2 < name.size() && name[i + 1] == '\x80') {
            i += 2;  // dashes and typographic apostrophes
        } else if (c >= 0x80) {
            out += name[i];
        }
    }
    return out;
}

}  // namespace streetlog::store
