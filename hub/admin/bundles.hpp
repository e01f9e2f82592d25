#pragma once

#include <boost/json/object.hpp>

#include "hub/ingest/ledger.hpp"

namespace streetlog::hub {

/// `import-bundle`: takes the bundle "file" in and writes the hub's word on it to "reply", in place
/// of what that held.
[[nodiscard]] Result<boost::json::object> import_bundle(Ledger& ledger,
                                                        const boost::json::object& arguments);

}  // namespace streetlog::hub
