#include "schema/hud/catalogue.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "schema/hud/tables.hpp"

namespace streetlog::hud {
namespace {

/// The entry of `sorted` whose projection equals `key`, or nullptr.
template <class T, class Key, class Projection>
const T* find_sorted(std::span<const T> sorted, const Key& key, Projection projection) noexcept {
    const auto found = std::ranges::lower_bound(sorted, key, std::less<>{}, projection);
    if (found == sorted.end() || std::invoke(projection, *found) != key) return nullptr;
    return &*found;
}

template <class Key, class Projection>
const Code* find_in(const CodeList& list, const Key& key, Projection projection) noexcept {
    const auto code_at = [&](std::uint16_t position) {
        return std::invoke(projection, list.codes[position]);
    };
    const auto found = std::ranges::lower_bound(list.index, key, std::less<>{}, code_at);
    if (found == list.index.end() || code_at(*found) != key) return nullptr;
    return &list.codes[*found];
}

}  // namespace

std::span<const Table> tables() noexcept { return generated::tables; }

std::span<const Column> columns() noexcept { return generated::columns; }

std::span<const Group> groups() noexcept { return generated::groups; }

std::span<const CodeList> code_lists() noexcept { return generated::lists; }

const Table* find_table(std::uint16_t id) noexcept {
    return find_sorted(generated::tables, id, &Table::id);
}

const Table* find_table(std::string_view name_or_file) noexcept {
    const auto* found =
        find_sorted(generated::table_names, name_or_file, &generated::TableName::name);
    return found == nullptr ? nullptr : found->table;
}

const Column* find_column(std::uint16_t id) noexcept {
    return find_sorted(generated::columns, id, &Column::id);
}

const Column* find_column(std::uint16_t table, std::string_view name) noexcept {
    const auto* found = find_sorted(
        generated::column_names, std::tuple{table, name}, [](const generated::ColumnName& entry) {
            return std::tuple{entry.table, entry.name};
        });
    return found == nullptr ? nullptr : found->column;
}

const Group* find_group(std::uint16_t id) noexcept {
    return find_sorted(generated::groups, id, &Group::id);
}

const CodeList* find_list(std::string_view number) noexcept {
    return find_sorted(generated::lists, number, &CodeList::number);
}

const Code* find_code(const CodeList& list, std::int64_t code) noexcept {
    if (list.textual) return nullptr;
    return find_in(list, code, [](const Code& entry) { return std::int64_t{entry.code}; });
}

const Code* find_code(const CodeList& list, std::string_view code) noexcept {
    if (!list.textual) return nullptr;
    return find_in(list, code, &Code::text);
}

const CodeList* list_for(const Column& column, std::int64_t key) noexcept {
    for (const auto& keyed : column.keyed_lists) {
        if (keyed.keys.empty() || std::ranges::find(keyed.keys, key) != keyed.keys.end())
            return keyed.list;
    }
    return column.code_list;
}

bool allowed_code(const Column& column, std::int64_t code) noexcept {
    if (std::ranges::find(column.excluded, code) != column.excluded.end()) return false;
    if (column.code_list != nullptr) return find_code(*column.code_list, code) != nullptr;
    return column.keyed_lists.empty() ||
           std::ranges::any_of(column.keyed_lists, [&](const auto& keyed) {
               return find_code(*keyed.list, code) != nullptr;
           });
}

bool is_coc_code(std::string_view text) noexcept {
    return find_sorted(generated::coc_codes, text, &generated::CocCode::code) != nullptr;
}

std::string_view coc_name(std::string_view code) noexcept {
    const auto* found = find_sorted(generated::coc_codes, code, &generated::CocCode::code);
    return found == nullptr ? std::string_view{} : found->name;
}

bool known_op_target(std::uint16_t table, std::uint16_t group) noexcept {
    const Table* target = find_table(table);
    if (target == nullptr || target->kind == EntityKind::kNone) return false;
    if (group == 0) return true;
    const Group* known = find_group(group);
    return known != nullptr && (known->table == table || known->table == 0);
}

}  // namespace streetlog::hud
