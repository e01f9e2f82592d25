#pragma once

#include "hub/admin/admin.hpp"

namespace streetlog::test {

/// A new hub whose root's key nobody keeps.
[[nodiscard]] inline Result<DeviceId> init_hub(const std::filesystem::path& directory,
                                               Random& random,
                                               const std::filesystem::path& simulated_clock = {}) {
    return hub::init_hub(
        directory, random, [](std::string_view) { return Result<void>{}; }, simulated_clock);
}

}  // namespace streetlog::test
