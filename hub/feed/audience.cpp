#include "hub/feed/audience.hpp"

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::hub {

namespace tbl = hud::tbl;

bool for_projects(std::uint16_t table) {
    if (table == tbl::kClientLink || table == tbl::kImportedRow || table == tbl::kUserPreference)
        return false;
    const hud::Table* known = hud::find_table(table);
    return known != nullptr && known->kind != hud::EntityKind::kReference;
}

bool for_everybody(std::span<const sync::Op> ops) {
    bool any = false;
    for (const sync::Op& op : ops) {
        if (for_projects(op.table)) return false;
        // Where an imported row came from goes with the row.
        if (op.table != tbl::kImportedRow) any = true;
    }
    return any;
}

}  // namespace streetlog::hub
