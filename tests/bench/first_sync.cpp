#include "tests/bench/first_sync.hpp"

#include <chrono>
#include <cmath>
#include <thread>

#include <fmt/format.h>

#include "hub/feed/snapshot_file.hpp"

namespace streetlog::bench {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr double kMib = 1024.0 * 1024.0;
constexpr auto kPatience = std::chrono::minutes{15};

/// Waits until the hub has made the snapshot that new devices get.
Result<std::shared_ptr<hub::SnapshotFile>> wait_for_snapshot(const fs::path& hub) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (auto found = hub::SnapshotFile::open(hub / "scope-1.snapshot")) return found;
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    return fail(ErrorCode::kUnavailable, "the hub did not make a snapshot");
}

Result<double> real_of(const json::value& answer, std::string_view name) {
    const auto* value = find(answer, name);
    if (value == nullptr || !value->is_number())
        return fail(ErrorCode::kMalformed, fmt::format("the device does not say {}", name));
    return value->to_number<double>();
}

}  // namespace

Result<FirstSyncFigures> run_first_sync(const FirstSyncShape& shape,
                                        const fs::path& hub_program,
                                        const fs::path& directory,
                                        const std::function<void(const std::string&)>& progress) {
    FirstSyncFigures out;
    out.shape = shape;
    OfficeOptions setting;
    setting.hub_program = hub_program;
    setting.directory = directory / "office";
    setting.devices = 2;  // the last is the one that fills the hub
    setting.preload = shape.clients;
    setting.preload_of = PreloadOf::kTown;
    setting.snapshot_after = shape.snapshot ? 100 : 0;
    fs::create_directories(setting.directory);
    progress(fmt::format("filling a hub with {} clients", shape.clients));
    STREETLOG_TRY(const auto office, Office::set_up(setting));
    STREETLOG_TRY(auto open, office.open(directory / "hub"));
    progress("the projection follows and the hub makes its snapshot");
    STREETLOG_TRY(const auto before, office.verify(open.directory));
    out.records = before.records;
    if (shape.snapshot) {
        STREETLOG_TRY(const auto snapshot, wait_for_snapshot(open.directory));
        out.entities = snapshot->manifest().entities;
        out.snapshot_mib = static_cast<double>(snapshot->bytes()) / kMib;
    }
    STREETLOG_TRY(auto device, Process::start({own_program(), "device"}));
    STREETLOG_CHECK(device.news());
    STREETLOG_CHECK(device.ask("open",
                               json::object{{"dir", (directory / "device").string()},
                                            {"port", open.port},
                                            {"id", 0},
                                            {"enrolment", office.enrolment(0).string()}}));
    const Usage hub_before = open.hub.usage();
    const Usage device_before = device.usage();
    progress("an empty device meets it, and somebody saves all the while");
    STREETLOG_TRY(const auto said,
                  device.ask("call", json::object{{"id", 0}, {"fn", "firstSync"}, {"seed", 7}}));
    const Usage hub_after = open.hub.usage();
    const Usage device_after = device.usage();
    STREETLOG_TRY(out.seconds, real_of(said, "seconds"));
    STREETLOG_TRY(out.live_seconds, real_of(said, "live_seconds"));
    STREETLOG_TRY(const auto received, real_of(said, "received"));
    STREETLOG_TRY(out.save_p50_ms, real_of(said, "save_p50_ms"));
    STREETLOG_TRY(out.save_max_ms, real_of(said, "save_max_ms"));
    STREETLOG_TRY(out.saves, number_of(said, "saves"));
    STREETLOG_TRY(out.clients, number_of(said, "clients"));
    out.mib_received = received / kMib;
    out.device_rss_before_mib = device_before.rss_peak_mib;
    out.device_rss_mib = device_after.rss_peak_mib;
    out.hub_rss_before_mib = hub_before.rss_peak_mib;
    out.hub_rss_mib = hub_after.rss_peak_mib;
    out.device_cpu_seconds = device_after.cpu_seconds - device_before.cpu_seconds;
    out.hub_cpu_seconds = hub_after.cpu_seconds - hub_before.cpu_seconds;
    STREETLOG_TRY(const auto hash,
                  device.ask("call", json::object{{"id", 0}, {"fn", "dump_hash"}}));
    STREETLOG_TRY(const auto device_hash, text_of(hash, "dump_hash"));
    STREETLOG_TRY(const auto after, office.verify(open.directory));
    out.verified =
        after.dump_hash == device_hash && after.device_records == before.device_records + out.saves;
    open.hub.stop();
    return out;
}

json::object to_json(const FirstSyncFigures& f) {
    const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
    return {{"snapshot", f.shape.snapshot},
            {"clients", f.clients},
            {"log_records", f.records},
            {"entities", f.entities},
            {"snapshot_mib", rounded(f.snapshot_mib)},
            {"seconds", rounded(f.seconds)},
            {"live_seconds", rounded(f.live_seconds)},
            {"mib_received", rounded(f.mib_received)},
            {"device_rss_before_mib", rounded(f.device_rss_before_mib)},
            {"device_rss_mib", rounded(f.device_rss_mib)},
            {"hub_rss_before_mib", rounded(f.hub_rss_before_mib)},
            {"hub_rss_mib", rounded(f.hub_rss_mib)},
            {"device_cpu_seconds", rounded(f.device_cpu_seconds)},
            {"hub_cpu_seconds", rounded(f.hub_cpu_seconds)},
            {"saves", f.saves},
            {"save_p50_ms", rounded(f.save_p50_ms)},
            {"save_max_ms", rounded(f.save_max_ms)},
            {"verified", f.verified}};
}

std::string to_table(const FirstSyncFigures& f) {
    return fmt::format(
        "{}: {} clients on an empty device ({} records in the log, {} entities)\n"
        "ready after {:.2f} s, in step after {:.2f} s; {:.1f} MiB received (snapshot {:.1f} MiB)\n"
        "device: {:.0f} MiB before, {:.0f} MiB at most, {:.2f} s of processor\n"
        "hub: {:.0f} MiB before, {:.0f} MiB at most, {:.2f} s of processor\n"
        "{} saves meanwhile: p50 {:.1f} ms, longest {:.1f} ms\n"
        "{}\n",
        f.shape.snapshot ? "from a snapshot" : "from the log",
        f.clients,
        f.records,
        f.entities,
        f.live_seconds,
        f.seconds,
        f.mib_received,
        f.snapshot_mib,
        f.device_rss_before_mib,
        f.device_rss_mib,
        f.device_cpu_seconds,
        f.hub_rss_before_mib,
        f.hub_rss_mib,
        f.hub_cpu_seconds,
        f.saves,
        f.save_p50_ms,
        f.save_max_ms,
        f.verified ? "the device holds what the hub holds" : "THE DEVICE HOLDS SOMETHING ELSE");
}

}  // namespace streetlog::bench
