#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hub/admin/admin.hpp"
#include "hub/admin/hub_clock.hpp"
#include "hub/cli/command_line.hpp"
#include "hub/commands.hpp"
#include "hub/recovery/open_hub.hpp"
#include "hub/serve/service.hpp"
#include "hub/trust/ca_commands.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/signal_stop.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::hub::cli {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;
namespace fs = std::filesystem;

Result<json::object> init(const Options& options) {
    net::SystemRandom random;
    const auto root_key = root_key_of(options);
    STREETLOG_TRY(const auto keep, keep_root_key_in(root_key, options.data));
    STREETLOG_TRY(const auto id, init_hub(options.data, random, keep, options.simulated_clock));
    return json::object{{"hub", to_string(id)},
                        {"data", options.data.string()},
                        {"root_key", root_key.string()},
                        {"next", what_to_do_with(root_key)},
                        {"clock", options.simulated_clock.empty() ? kReal : kSimulated}};
}

/// The usual 1,024 open files are what the connections alone may take.
void allow_many_connections() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16'384);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<json::object> serve(const Options& options) {
    allow_many_connections();
    STREETLOG_TRY(const auto lock, store::DirectoryLock::take(options.data));
    STREETLOG_TRY(const auto clock, open_clock(options.data));
    net::SystemRandom random;
    net::JsonLogger log{*clock};
    if (!options.high_water.empty())
        STREETLOG_CHECK(set_high_water_path(options.data, fs::absolute(options.high_water)));
    STREETLOG_TRY(auto hub, open_hub(options.data, *clock));
    Ledger& ledger = hub.ledger;
    STREETLOG_TRY(const std::size_t released, ledger.release_understood());
    if (released > 0) log.event(LogLevel::kInfo, "held_records_released", {{"count", released}});
    const bool simulated = clock_kind(ledger.log()) == kSimulated;
    asio::io_context io{1};
    ServeOptions serving;
    serving.directory = options.data;
    serving.address = options.address;
    serving.port = options.port;
    serving.snapshots.records_min = options.snapshot_records;
    serving.high_water = hub.high_water;
    STREETLOG_TRY(auto service,
                  Service::start(io, serving, std::move(ledger), *clock, random, log));
    STREETLOG_TRY(auto controls,
                  net::ControlServer::listen(
                      io.get_executor(),
                      control_socket(options.data),
                      [&](sync::Bytes request, net::ControlServer::Progress progress) {
                          return answer_request(
                              *service, random, std::move(request), std::move(progress));
                      },
                      log,
                      ::getuid()));
    const net::SignalStop stop{
        io.get_executor(), [&] {
            asio::co_spawn(io, service->stop(), [&](const std::exception_ptr&) { io.stop(); });
        }};
    // For people and for scripts alike: the port may have been chosen by the system.
    fmt::print("{}\n",
               json::serialize(json::object{
                   {"listening", fmt::format("{}:{}", options.address, service->port())},
                   {"port", service->port()},
                   {"clock", simulated ? kSimulated : kReal}}));
    std::fflush(stdout);
    log.event(LogLevel::kInfo,
              "hub_started",
              {{"port", service->port()}, {"clock_simulated", simulated}});
    io.run();
    controls.reset();
    service.reset();
    log.event(LogLevel::kInfo, "hub_stopped");
    return json::object{};
}

}  // namespace

void add_running_commands(CLI::App& app, const Command& command, Options& options) {
    auto* making =
        command(app, "init", "Make a new hub in the data directory", [&] { return init(options); });
    making->add_option("--simulated-clock",
                       options.simulated_clock,
                       "Demonstration only: live by this clock file, copied to <data>/clock; "
                       "status and log say so");
    making->add_option("--root-key",
                       options.root_key,
                       "Where to write the key of the deployment's root; DATA-root.key beside the "
                       "data directory without it");
    auto* serving = command(app, "serve", "Run until stopped", [&] { return serve(options); });
    serving->add_option("--port", options.port, "Port; 0: any free one")->capture_default_str();
    serving->add_option("--address", options.address, "Address to listen on")
        ->capture_default_str();
    serving
        ->add_option("--snapshot-after",
                     options.snapshot_records,
                     "A device that lacks this many records or more loads a snapshot; 0: never")
        ->capture_default_str();
    serving->add_option("--high-water",
                        options.high_water,
                        "Note there, best on another disk, how far the log has come; remembered");
}

}  // namespace streetlog::hub::cli
