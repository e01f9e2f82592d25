#pragma once

#include <filesystem>

#include "schema/checkup.hpp"
#include "sync/store/file_checks.hpp"

namespace streetlog::agent {

/// Looks at everything the device in `data` needs, whether its program runs or not and however
/// damaged its file is; writes nothing.
[[nodiscard]] Checkup examine_device(const std::filesystem::path& data, store::CheckDepth depth);

}  // namespace streetlog::agent
