#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/exchange/csv_columns.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/change/record.hpp"

namespace streetlog::hub {

/// The part of a row that one field group covers.
struct ImportGroup {
    const hud::Group* group = nullptr;
    std::vector<sync::Cell> cells;             // filled ones, by ascending column
    std::vector<const hud::Column*> not_said;  // columns that the file lacks
};

/// One row as cells. All ids are those of our entities.
struct ImportRow {
    std::string id;                                                // the other system's
    std::vector<sync::Cell> keys;                                  // of the create op
    std::vector<std::pair<const hud::Column*, EntityId>> parents;  // foreign keys, stored or not
    std::vector<ImportGroup> groups;           // those with a column in the file
    std::vector<sync::Cell> origin;            // of the group imported_row.source
    std::vector<const hud::Column*> unlisted;  // columns whose code is not in its list
    bool deleted = false;
};

struct ImportRowProblem {
    std::string column;
    std::string reason;
};

/// The id of the row, checked; it names the row even when the rest cannot be read.
[[nodiscard]] std::expected<std::string, ImportRowProblem> read_row_id(const hud::Table& table,
                                                                       const CsvColumns& columns,
                                                                       const CsvRow& row);

/// The whole row, or the first column that cannot be read.
[[nodiscard]] std::expected<ImportRow, ImportRowProblem> read_row(const hud::Table& table,
                                                                  const CsvColumns& columns,
                                                                  const CsvRow& row,
                                                                  std::string_view source_system);

/// The cells of imported_row.source; `times_and_user` in the order created, updated, user.
struct ImportOrigin {
    std::string_view system;
    std::string_view file;
    std::string_view id;
    std::string_view created;
    std::string_view updated;
    std::string_view user;
};

[[nodiscard]] std::expected<std::vector<sync::Cell>, ImportRowProblem> origin_cells(
    const ImportOrigin& origin);

}  // namespace streetlog::hub
