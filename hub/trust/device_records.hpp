#pragma once

#include <string_view>

#include "hub/ingest/ledger.hpp"

/// What the hub says of its devices, as records of its own.
namespace streetlog::hub {

/// HUD-style list S.6. Stored; never renumbered.
enum class DeviceState : std::int64_t { kActive = 1, kSuspended = 2, kRevoked = 3 };

[[nodiscard]] inline bool is(const store::DeviceRow& device, DeviceState state) {
    return device.state == static_cast<std::int64_t>(state);
}

/// By its name or its id. kNotFound.
[[nodiscard]] Result<store::DeviceRow> find_device(store::HubLog& log, std::string_view who);

/// Says all of `device`, in place of what was said of it before.
[[nodiscard]] Result<void> write_device(Ledger& ledger, const store::DeviceRow& device);

}  // namespace streetlog::hub
