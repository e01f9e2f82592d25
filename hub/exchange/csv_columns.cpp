#include "hub/exchange/csv_columns.hpp"

#include <algorithm>

namespace streetlog::hub {
namespace {

/// Longest name of an unknown column that is repeated in a report.
constexpr std::size_t kNameBytesMax = 64;

std::size_t index_of(const hud::Table& table, const hud::Column& column) {
    return static_cast<std::size_t>(&column - table.columns.data());
}

}  // namespace

CsvColumns::CsvColumns(const hud::Table& table, const std::vector<std::string>& header)
    : table_(&table), fields_(table.columns.size(), kNowhere), columns_(header.size(), nullptr) {
    for (std::size_t field = 0; field < header.size(); ++field) {
        const hud::Column* column = hud::find_column(table.id, header[field]);
        if (column == nullptr) {
            unknown_.push_back(header[field].substr(0, kNameBytesMax));
            continue;
        }
        columns_[field] = column;
        std::size_t& place = fields_[index_of(table, *column)];
        if (place != kNowhere) repeated_.push_back(column);
        place = field;
    }
    for (const hud::Column& column : table.columns) {
        if (!has(column)) missing_.push_back(&column);
    }
}

bool CsvColumns::has(const hud::Column& column) const {
    return fields_[index_of(*table_, column)] != kNowhere;
}

std::string_view CsvColumns::text(const CsvRow& row, const hud::Column& column) const {
    const std::size_t field = fields_[index_of(*table_, column)];
    return field == kNowhere ? std::string_view{} : std::string_view{row.fields[field]};
}

const hud::Column* CsvColumns::at(std::size_t field) const {
    return field < columns_.size() ? columns_[field] : nullptr;
}

const hud::Column* CsvColumns::missing_key() const {
    const auto found = std::ranges::find_if(missing_, [](const hud::Column* column) {
        return column->carried == hud::Carried::kEntity || column->carried == hud::Carried::kCreate;
    });
    return found == missing_.end() ? nullptr : *found;
}

}  // namespace streetlog::hub
