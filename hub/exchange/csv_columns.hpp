#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hub/exchange/csv_reader.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::hub {

/// Where the columns of a table stand in one file.
class CsvColumns {
  public:
    /// Finds every header field in the catalogue, by its name or an alias, in any order.
    CsvColumns(const hud::Table& table, const std::vector<std::string>& header);

    [[nodiscard]] bool has(const hud::Column& column) const;

    /// The text in `column` of `row`; empty when the file lacks the column.
    [[nodiscard]] std::string_view text(const CsvRow& row, const hud::Column& column) const;

    /// The column of a field of the header; nullptr when the catalogue does not know it.
    [[nodiscard]] const hud::Column* at(std::size_t field) const;

    [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

    /// Columns of the catalogue that the file lacks.
    [[nodiscard]] const std::vector<const hud::Column*>& missing() const { return missing_; }

    /// Columns that stand in the header twice.
    [[nodiscard]] const std::vector<const hud::Column*>& repeated() const { return repeated_; }

    /// The first column without which no row can be imported (a key of the entity or of its parent)
    /// and that is missing; nullptr when all are there.
    [[nodiscard]] const hud::Column* missing_key() const;

  private:
    static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

    const hud::Table* table_;
    std::vector<std::size_t> fields_;          // by the column's index in the table
    std::vector<const hud::Column*> columns_;  // by field
    std::vector<std::string> unknown_;
    std::vector<const hud::Column*> missing_;
    std::vector<const hud::Column*> repeated_;
};

}  // namespace streetlog::hub
