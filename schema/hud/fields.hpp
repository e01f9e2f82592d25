#pragma once

/// HUD's names for its numbers: hud::tbl::kClient, hud::grp::kClientName (of the key client.name),
/// hud::col::client::kFirstName. Constants only, generated from schema/hud/*.json.
#include "schema/hud/hud_fields.hpp"
