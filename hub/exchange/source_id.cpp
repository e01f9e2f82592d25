#include "hub/exchange/source_id.hpp"

#include <algorithm>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::hub {

EntityId entity_of(std::string_view system, std::string_view table, std::string_view id) {
    sync::Bytes bytes;
    const auto add = [&bytes](std::string_view text) {
        bytes.insert(bytes.end(), text.begin(), text.end());
    };
    add("streetlog-import/1");
    add(system);
    bytes.push_back(0);
    add(table);
    bytes.push_back(0);
    add(id);
    const sync::Hash hash = sync::sha256(bytes);
    EntityId entity;
    std::copy_n(hash.begin(), entity.bytes.size(), entity.bytes.begin());
    return entity;
}

const hud::Table* referred_table(const hud::Column& column) {
    if (column.id == hud::col::enrollment::kHouseholdID) {
        return hud::find_table(hud::tbl::kHousehold);
    }
    if (!sync::holds_id(column)) return nullptr;
    if (column.references.empty()) {
        const hud::Table* own = hud::find_table(column.table);
        return own != nullptr && own->primary_key == column.name ? own : nullptr;
    }
    return hud::find_table(column.references.substr(0, column.references.find('.')));
}

}  // namespace streetlog::hub
