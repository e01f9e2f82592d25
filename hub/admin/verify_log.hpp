#pragma once

#include <functional>

#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

struct LogCheck {
    store::HubHead head;  // its seq is the number of records, too
    std::uint64_t runs = 0;
};

/// Unpacks, hashes and chains every run of the log anew, from the first to the head; through any
/// connection. kDamaged where it breaks. `progress` gets the records looked at so far.
[[nodiscard]] Result<LogCheck> verify_log(store::HubLog& log,
                                          const std::function<void(HubSeq)>& progress = {});

}  // namespace streetlog::hub
