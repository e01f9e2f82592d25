#pragma once

#include <functional>

#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

struct LogCheck {
    store::HubHead head;  // its seq is the number of records, too
    std::uint64_t runs = 0;
    std::uint64_t signed_runs =
        0;  // end in a signature of their author; what is before is theirs, too
    std::uint64_t unsigned_records = 0;  // accepted, and of nobody whose signature follows
};

/// Unpacks, hashes and chains every run of the log anew, from the first to the head, and checks the
/// authors' signatures against the keys that the log itself names; the hub's own against `hub_key`,
/// or not at all. Through any connection. kDamaged where it breaks. `progress` gets the records
/// looked at so far.
[[nodiscard]] Result<LogCheck> verify_log(store::HubLog& log,
                                          const std::function<void(HubSeq)>& progress = {},
                                          const std::optional<sync::PublicKey>& hub_key = {});

}  // namespace streetlog::hub
