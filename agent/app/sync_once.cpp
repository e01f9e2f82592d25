#include "agent/app/sync_once.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "agent/app/status.hpp"
#include "agent/trust/get_ready.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;

constexpr Millis kProgressEvery{1'000};

}  // namespace

asio::awaitable<Result<net::DeviceCredentials>> device_credentials(Device& device, Logger& log) {
    auto& trust = device.trust();
    if (!trust) co_return std::unexpected(trust.error());
    const auto& settings = device.settings();
    auto address = parse_address(settings.hub_address);
    if (!address) co_return std::unexpected(std::move(address).error());
    const HubPlace place{std::move(address->host), address->port, settings.hub};
    const Instant now = trust->judging_time(device.clock().now(), device.last_hub_time());
    auto ready = co_await get_ready(*trust, place, settings.self.device, now, log);
    if (!ready) co_return std::unexpected(std::move(ready).error());
    co_return trust->credentials(settings.hub, now);
}

Result<RunnerOptions> runner_options(Device& device, Logger& log) {
    STREETLOG_TRY(auto address, parse_address(device.settings().hub_address));
    RunnerOptions options;
    options.host = std::move(address.host);
    options.port = address.port;
    options.credentials = [&device, &log] { return device_credentials(device, log); };
    options.app_version = kAppVersion;
    return options;
}

std::string sync_progress(Device& device) {
    const auto status = device.read().status();
    if (!status) return "syncing";
    return fmt::format("syncing: {} of {} own records are at the hub, read up to hub record {}",
                       status->saved - status->unsent,
                       status->saved,
                       status->newest_hub.value);
}

Result<json::object> sync_answer(Device& device, const store::AgentStatus& before) {
    STREETLOG_TRY(const auto after, device.read().status());
    return json::object{{"synced", true},
                        {"sent", (after.saved - after.unsent) - (before.saved - before.unsent)},
                        {"unsent", after.unsent},
                        {"hub_records_before", before.newest_hub.value},
                        {"hub_records", after.newest_hub.value},
                        {"refused_by_hub", after.quarantined},
                        {"held_by_hub", after.held_by_hub},
                        {"clients", after.clients},
                        {"last_receipt", shown(after.last_receipt)},
                        {"last_pull", shown(after.last_pull)}};
}

Result<json::object> sync_once(Device& device,
                               Logger& log,
                               const std::function<void(const std::string&)>& progress) {
    STREETLOG_TRY(const auto options, runner_options(device, log));
    STREETLOG_TRY(const auto before, device.read().status());
    asio::io_context io{1};
    SyncRunner runner{
        device.store(), device.witness(), device.clock(), device.random(), log, options};
    asio::steady_timer timer{io};
    Result<void> outcome = fail(ErrorCode::kInternal, "the sync did not run");
    const auto report = [&]() -> asio::awaitable<void> {
        for (;;) {
            timer.expires_after(kProgressEvery);
            const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
            if (error) co_return;
            progress(sync_progress(device));
        }
    };
    std::exception_ptr broken;
    asio::co_spawn(io, report(), [](const std::exception_ptr&) {});
    asio::co_spawn(io, runner.once(), [&](const std::exception_ptr& e, Result<void> result) {
        broken = e;
        outcome = std::move(result);
        io.stop();
    });
    io.run();
    if (broken) std::rethrow_exception(broken);
    STREETLOG_CHECK(std::move(outcome));
    STREETLOG_TRY(auto answer, sync_answer(device, before));
    answer["custody_only"] = runner.state().custody_only;
    return answer;
}

}  // namespace streetlog::agent
