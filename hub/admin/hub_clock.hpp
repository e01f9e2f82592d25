#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "schema/ports.hpp"
#include "sync/store/hub_log.hpp"

/// Which clock a hub lives by. A demonstration hub is made with a simulated one and keeps it: the
/// mark is in its log's settings, because receipts of two clocks in one log would be worthless.
namespace streetlog::hub {

inline constexpr std::string_view kClockSetting = "clock";
inline constexpr std::string_view kSimulated = "simulated";
inline constexpr std::string_view kReal = "real";

/// Where the file of a simulated clock is (sync/net/simulated_clock.hpp).
[[nodiscard]] std::filesystem::path simulated_clock_of(const std::filesystem::path& directory);

/// kSimulated or kReal.
[[nodiscard]] std::string_view clock_kind(store::HubLog& log);

/// The machine's clock, or the simulated one of the hub in `directory`. A directory without a hub
/// gets the machine's; whoever opens the hub says what is wrong.
[[nodiscard]] Result<std::unique_ptr<Clock>> open_clock(const std::filesystem::path& directory);

}  // namespace streetlog::hub
