#include "hub/recovery/open_hub.hpp"

#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::hub {

Result<OpenedHub> open_hub(const std::filesystem::path& directory, Clock& clock) {
    LedgerSetup setup;
    std::filesystem::path high_water = directory / kHighWaterName;
    if (auto log = store::HubLog::open(directory, store::Access::kRead)) {
        STREETLOG_TRY(high_water, store::guarded_job([&]() -> Result<std::filesystem::path> {
                          return high_water_path(*log, directory);
                      }));
    }
    setup.high_water = read_high_water(high_water);
    auto key = net::load_key(hub_key_file(directory));
    if (key)
        setup.key = *std::move(key);
    else if (key.error().code != ErrorCode::kNotFound)
        return std::unexpected(std::move(key).error());
    STREETLOG_TRY(auto ledger, Ledger::open(directory, clock, setup));
    return OpenedHub{std::move(ledger), std::move(high_water)};
}

Result<void> set_high_water_path(const std::filesystem::path& directory,
                                 const std::filesystem::path& file) {
    STREETLOG_TRY(auto log, store::HubLog::open(directory, store::Access::kWrite));
    return store::guarded_job([&]() -> Result<void> {
        log.put_setting(kHighWaterSetting, file.string());
        return {};
    });
}

}  // namespace streetlog::hub
