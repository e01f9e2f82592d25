#include "hub/admin/hub_clock.hpp"

#include "sync/net/simulated_clock.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::hub {

std::filesystem::path simulated_clock_of(const std::filesystem::path& directory) {
    return directory / "clock";
}

std::string_view clock_kind(store::HubLog& log) {
    return log.setting(kClockSetting) == kSimulated ? kSimulated : kReal;
}

Result<std::unique_ptr<Clock>> open_clock(const std::filesystem::path& directory) {
    bool simulated = false;
    if (auto log = store::HubLog::open(directory, store::Access::kRead)) {
        STREETLOG_TRY(simulated, store::guarded_job([&]() -> Result<bool> {
                          return clock_kind(*log) == kSimulated;
                      }));
    }
    if (!simulated) return std::make_unique<net::SystemClock>();
    return net::FollowedClock::open(simulated_clock_of(directory));
}

}  // namespace streetlog::hub
