#include "hub/desk/words.hpp"

#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::hub {

boost::json::object cells_as_json(const std::vector<sync::Cell>& cells) {
    boost::json::object out;
    for (const sync::Cell& cell : cells) {
        const hud::Column* column = hud::find_column(cell.column);
        if (column == nullptr) continue;
        if (std::holds_alternative<sync::Redacted>(cell.value)) {
            out[column->name] = "(redacted)";
            continue;
        }
        const std::string text = sync::to_text(*column, cell);
        if (!text.empty()) out[column->name] = text;
    }
    return out;
}

std::string table_name(std::uint16_t table) {
    const hud::Table* found = hud::find_table(table);
    return found == nullptr ? fmt::format("table {}", table) : std::string{found->name};
}

std::string group_name(std::uint16_t group) {
    if (group == 0) return "keys";
    const hud::Group* found = hud::find_group(group);
    return found == nullptr ? fmt::format("group {}", group) : std::string{found->key};
}

}  // namespace streetlog::hub
