#include "hub/exchange/import_row.hpp"

#include <algorithm>
#include <array>

#include "hub/exchange/source_id.hpp"
#include "schema/hud/fields.hpp"
#include "schema/hud/values.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::hub {
namespace {

using Problem = ImportRowProblem;

/// The catalogue's messages begin with "Table.Column: ", which a reject says in its own columns.
Problem problem_of(const hud::Column& column, const Error& error) {
    const std::size_t colon = error.message.find(": ");
    return Problem{
        .column = std::string{column.name},
        .reason = colon == std::string::npos ? error.message : error.message.substr(colon + 2)};
}

std::expected<EntityId, Problem> read_reference(const hud::Column& column,
                                                std::string_view text,
                                                std::string_view system) {
    if (const auto checked = hud::parse_value(column, text, hud::CodeCheck::kAny); !checked) {
        return std::unexpected(problem_of(column, checked.error()));
    }
    const hud::Table* table = referred_table(column);
    STREETLOG_ASSERT(table != nullptr);
    return entity_of(system, table->name, text);
}

/// An empty text gives an Absent cell.
std::expected<sync::Cell, Problem> read_cell(const hud::Column& column,
                                             std::string_view text,
                                             std::string_view system,
                                             ImportRow& out) {
    if (text.empty()) return sync::Cell{.column = column.id, .value = sync::Absent{}};
    if (sync::holds_id(column)) {
        auto entity = read_reference(column, text, system);
        if (!entity) return std::unexpected(std::move(entity).error());
        return sync::make_cell(column, *entity);
    }
    auto cell = sync::make_cell(column, text, hud::CodeCheck::kListed);
    if (cell) return *std::move(cell);
    cell = sync::make_cell(column, text, hud::CodeCheck::kAny);
    if (!cell) return std::unexpected(problem_of(column, cell.error()));
    out.unlisted.push_back(&column);
    return *std::move(cell);
}

/// Foreign keys: those of the create op, and those that only have to agree.
std::expected<void, Problem> read_keys(const hud::Table& table,
                                       const CsvColumns& columns,
                                       const CsvRow& row,
                                       std::string_view system,
                                       ImportRow& out) {
    for (const hud::Column& column : table.columns) {
        if (column.role != hud::Role::kIdentity || column.name == table.primary_key) continue;
        const std::string_view text = columns.text(row, column);
        if (text.empty()) {
            if (column.carried == hud::Carried::kVia) continue;
            return std::unexpected(Problem{std::string{column.name}, "is empty"});
        }
        auto entity = read_reference(column, text, system);
        if (!entity) return std::unexpected(std::move(entity).error());
        out.parents.emplace_back(&column, *entity);
        if (column.carried == hud::Carried::kCreate) {
            out.keys.push_back(sync::make_cell(column, *entity));
        }
    }
    std::ranges::sort(out.keys, {}, &sync::Cell::column);
    return {};
}

std::expected<void, Problem> read_groups(const hud::Table& table,
                                         const CsvColumns& columns,
                                         const CsvRow& row,
                                         std::string_view system,
                                         ImportRow& out) {
    for (const hud::Group& group : table.groups) {
        ImportGroup part{.group = &group, .cells = {}, .not_said = {}};
        for (const std::uint16_t id : group.columns) {
            const hud::Column* column = hud::find_column(id);
            STREETLOG_ASSERT(column != nullptr);
            if (!columns.has(*column)) {
                part.not_said.push_back(column);
                continue;
            }
            auto cell = read_cell(*column, columns.text(row, *column), system, out);
            if (!cell) return std::unexpected(std::move(cell).error());
            if (sync::is_filled(&*cell)) part.cells.push_back(*std::move(cell));
        }
        if (part.not_said.size() == group.columns.size()) continue;
        std::ranges::sort(part.cells, {}, &sync::Cell::column);
        out.groups.push_back(std::move(part));
    }
    return {};
}

std::string_view meta(const hud::Table& table,
                      const CsvColumns& columns,
                      const CsvRow& row,
                      std::string_view name) {
    const hud::Column* column = hud::find_column(table.id, name);
    return column == nullptr || column->role != hud::Role::kMeta ? std::string_view{}
                                                                 : columns.text(row, *column);
}

}  // namespace

std::expected<std::vector<sync::Cell>, Problem> origin_cells(const ImportOrigin& origin) {
    struct Part {
        std::uint16_t column;
        std::string_view text;
        std::string_view source;  // the column of the file
    };

    namespace col = hud::col::imported_row;
    const std::array parts{Part{col::kSourceSystem, origin.system, ""},
                           Part{col::kSourceFile, origin.file, ""},
                           Part{col::kSourceID, origin.id, ""},
                           Part{col::kSourceDateCreated, origin.created, "DateCreated"},
                           Part{col::kSourceDateUpdated, origin.updated, "DateUpdated"},
                           Part{col::kSourceUserID, origin.user, "UserID"}};
    std::vector<sync::Cell> cells;
    for (const Part& part : parts) {
        if (part.text.empty()) continue;
        const hud::Column* column = hud::find_column(part.column);
        STREETLOG_ASSERT(column != nullptr);
        auto cell = sync::make_cell(*column, part.text);
        if (!cell) {
            Problem problem = problem_of(*column, cell.error());
            problem.column = part.source;
            return std::unexpected(std::move(problem));
        }
        cells.push_back(*std::move(cell));
    }
    return cells;
}

std::expected<std::string, Problem> read_row_id(const hud::Table& table,
                                                const CsvColumns& columns,
                                                const CsvRow& row) {
    const hud::Column* key = hud::find_column(table.id, table.primary_key);
    STREETLOG_ASSERT(key != nullptr);
    const std::string_view text = columns.text(row, *key);
    if (text.empty()) return std::unexpected(Problem{std::string{key->name}, "is empty"});
    if (const auto checked = hud::parse_value(*key, text, hud::CodeCheck::kAny); !checked) {
        return std::unexpected(problem_of(*key, checked.error()));
    }
    return std::string{text};
}

std::expected<ImportRow, Problem> read_row(const hud::Table& table,
                                           const CsvColumns& columns,
                                           const CsvRow& row,
                                           std::string_view source_system) {
    ImportRow out;
    auto id = read_row_id(table, columns, row);
    if (!id) return std::unexpected(std::move(id).error());
    out.id = *std::move(id);
    if (auto keys = read_keys(table, columns, row, source_system, out); !keys) {
        return std::unexpected(std::move(keys).error());
    }
    out.deleted = !meta(table, columns, row, "DateDeleted").empty();
    if (!out.deleted) {
        if (auto groups = read_groups(table, columns, row, source_system, out); !groups) {
            return std::unexpected(std::move(groups).error());
        }
    }
    auto origin = origin_cells({.system = source_system,
                                .file = table.file,
                                .id = out.id,
                                .created = meta(table, columns, row, "DateCreated"),
                                .updated = meta(table, columns, row, "DateUpdated"),
                                .user = meta(table, columns, row, "UserID")});
    if (!origin) return std::unexpected(std::move(origin).error());
    out.origin = *std::move(origin);
    return out;
}

}  // namespace streetlog::hub
