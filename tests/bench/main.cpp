#include <csignal>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "tests/bench/device_role.hpp"
#include "tests/bench/first_sync.hpp"
#include "tests/bench/floor_role.hpp"
#include "tests/bench/herd.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
    bool json = false;
    bool quick = false;
    std::uint64_t preload = 0;
    std::uint64_t records = 100'000;
    std::size_t runs = 3;
    std::size_t samples = 500;
    fs::path work;
    fs::path hub;
    HerdShape herd;
    FirstSyncShape first;
};

void tell(const std::string& text) {
    fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
}

Result<Report> measure(const Options& options, const fs::path& directory) {
    OfficeOptions setting;
    setting.hub_program = options.hub;
    setting.directory = directory / "office";
    setting.preload = options.preload;
    setting.devices = Bench::kDevices;
    fs::create_directories(setting.directory);
    tell(options.preload == 0 ? std::string{"setting up a hub"}
                              : fmt::format("setting up a hub with {} records", options.preload));
    STREETLOG_TRY(const auto office, Office::set_up(setting));
    Bench bench{office, directory, tell};
    Report report;
    report.preloaded = options.preload;
    report.ruler = bench.ruler();
    STREETLOG_TRY(report.one, bench.push({.devices = 1, .records = options.records}, options.runs));
    const std::uint64_t each = std::min<std::uint64_t>(200, options.records / Bench::kPushersMax);
    STREETLOG_TRY(report.many,
                  bench.push({.devices = Bench::kPushersMax, .records = each}, options.runs));
    STREETLOG_TRY(report.visible, bench.visible(options.samples));
    return report;
}

int sync(Options options) {
    if (options.quick) {
        options.runs = 1;
        options.samples = std::min<std::size_t>(options.samples, 50);
        options.records = std::min<std::uint64_t>(options.records, 2'000);
    }
    std::optional<test::TempDir> temporary;
    if (options.work.empty()) temporary.emplace();
    const fs::path directory = temporary ? temporary->path() : options.work / "streetlog-bench";
    fs::remove_all(directory);
    fs::create_directories(directory);
    const auto report = measure(options, directory);
    if (!temporary) fs::remove_all(directory);
    if (!report) {
        fmt::print(stderr, "error: {}\n", report.error().message);
        return exit_code(report.error().code);
    }
    fmt::print(options.json ? stderr : stdout, "{}", to_table(*report));
    if (options.json) fmt::print("{}\n", boost::json::serialize(to_json(*report)));
    return report->verified() ? 0 : exit_code(ErrorCode::kDamaged);
}

int herd(const Options& options) {
    std::optional<test::TempDir> temporary;
    if (options.work.empty()) temporary.emplace();
    const fs::path directory = temporary ? temporary->path() : options.work / "streetlog-herd";
    fs::remove_all(directory);
    fs::create_directories(directory);
    const auto figures = run_herd(options.herd, options.hub, directory, tell);
    if (!temporary) fs::remove_all(directory);
    if (!figures) {
        fmt::print(stderr, "error: {}\n", figures.error().message);
        return exit_code(figures.error().code);
    }
    fmt::print(options.json ? stderr : stdout, "{}", to_table(*figures));
    if (options.json) fmt::print("{}\n", boost::json::serialize(to_json(*figures)));
    return figures->verified ? 0 : exit_code(ErrorCode::kDamaged);
}

int first_sync(const Options& options) {
    std::optional<test::TempDir> temporary;
    if (options.work.empty()) temporary.emplace();
    const fs::path directory = temporary ? temporary->path() : options.work / "streetlog-first";
    fs::remove_all(directory);
    fs::create_directories(directory);
    const auto figures = run_first_sync(options.first, options.hub, directory, tell);
    if (!temporary) fs::remove_all(directory);
    if (!figures) {
        fmt::print(stderr, "error: {}\n", figures.error().message);
        return exit_code(figures.error().code);
    }
    fmt::print(options.json ? stderr : stdout, "{}", to_table(*figures));
    if (options.json) fmt::print("{}\n", boost::json::serialize(to_json(*figures)));
    return figures->verified ? 0 : exit_code(ErrorCode::kDamaged);
}

int run(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"Measures Streetlog's sync beside a naive floor (tests/bench/README.md)."};
    app.require_subcommand(1);
    Options options;
    options.hub = own_program().parent_path() / "streetlog-hub";
    std::function<int()> job;
    auto* syncing = app.add_subcommand("sync", "Push, pull and time to visible");
    syncing->callback([&] { job = [&] { return sync(options); }; });
    syncing->add_flag("--json", options.json, "One JSON object on standard output");
    syncing->add_flag("--quick", options.quick, "A run of seconds, to see that it works");
    syncing->add_option("--preload", options.preload, "Records in the hub before it starts");
    syncing->add_option("--records", options.records, "Records of the one device")
        ->capture_default_str()
        ->check(CLI::Range(100, 10'000'000));
    syncing->add_option("--runs", options.runs, "Repetitions; the one with the median ratio counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 99));
    syncing->add_option("--samples", options.samples, "Samples of time to visible")
        ->capture_default_str();
    syncing->add_option("--work", options.work, "Directory on the disk to measure");
    syncing->add_option("--hub", options.hub, "The hub's program")->capture_default_str();
    auto* gathering = app.add_subcommand("herd", "Many devices that come back at once");
    gathering->callback([&] { job = [&] { return herd(options); }; });
    gathering->add_flag("--json", options.json, "One JSON object on standard output");
    gathering->add_option("--devices", options.herd.devices, "How many")
        ->capture_default_str()
        ->check(CLI::Range(1, 5'000));
    gathering->add_option("--records", options.herd.records, "Records of each")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    gathering->add_option("--work", options.work, "Directory on the disk to measure");
    gathering->add_option("--hub", options.hub, "The hub's program")->capture_default_str();
    auto* first = app.add_subcommand("first-sync", "An empty device meets a hub that holds a town");
    first->callback([&] { job = [&] { return first_sync(options); }; });
    first->add_flag("--json", options.json, "One JSON object on standard output");
    first->add_option("--clients", options.first.clients, "How many the hub holds")
        ->capture_default_str()
        ->check(CLI::Range(100, 1'000'000));
    first->add_flag("--log{false}", options.first.snapshot, "Read the log instead of a snapshot");
    first->add_option("--work", options.work, "Directory on the disk to measure");
    first->add_option("--hub", options.hub, "The hub's program")->capture_default_str();
    const auto role = [&](const char* name, const char* help, auto make) {
        app.add_subcommand(name, help)->callback([&job, make] {
            job = [make] {
                const std::unique_ptr<Role> part = make();
                return serve_lines(*part);
            };
        });
    };
    const auto device = []() -> std::unique_ptr<Role> { return std::make_unique<DeviceRole>(); };
    role("peer", "Streetlog behind the exec protocol", device);
    role("floor", "The naive floor behind the exec protocol", make_floor_role);
    role("herd-devices", "The devices of `herd`", make_herd_role);
    role("device", "A device of `sync`", device);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : exit_code(ErrorCode::kUsage);
    }
    return job();
}

}  // namespace
}  // namespace streetlog::bench

int main(int argc, char** argv) { return streetlog::bench::run(argc, argv); }
