#pragma once

#include <filesystem>

#include "schema/checkup.hpp"
#include "schema/ports.hpp"
#include "sync/store/file_checks.hpp"

namespace streetlog::hub {

struct HubCheckup {
    std::filesystem::path data;
    Instant now;
    store::CheckDepth depth = store::CheckDepth::kQuick;
    /// Whether a program answers on the control socket.
    bool answers = false;
};

/// Looks at everything the hub in a directory needs, whether it runs or not and however damaged its
/// files are; writes nothing.
[[nodiscard]] Checkup examine_hub(const HubCheckup& options);

}  // namespace streetlog::hub
