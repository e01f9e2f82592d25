#include "tests/bench/shapes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <boost/json/object.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "tests/bench/role.hpp"

namespace streetlog::bench {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::uint64_t kSeed = 2026;
/// Samples of time to visible that are not counted.
constexpr std::size_t kWarmUp = 50;

double seconds_since(std::uint64_t start_ns) {
    return static_cast<double>(monotonic_ns() - start_ns) / 1e9;
}

double us_per(double cpu_seconds, std::uint64_t records) {
    return cpu_seconds * 1e6 / static_cast<double>(records);
}

double percentile(std::vector<double> values, double share) {
    std::ranges::sort(values);
    const auto at = static_cast<std::size_t>(static_cast<double>(values.size()) * share);
    return values[std::min(at, values.size() - 1)];
}

json::object call(std::size_t device, std::string_view fn) { return {{"id", device}, {"fn", fn}}; }

double member(const json::value& value, std::string_view name) {
    const auto* number = find(value, name);
    return number == nullptr ? 0 : number->to_number<double>();
}

void copy_files(const fs::path& from, const fs::path& to) {
    fs::create_directories(to);
    fs::copy(from, to, fs::copy_options::recursive);
}

}  // namespace

struct Bench::Side {
    const char* name;
    const char* role;
    bool product;
};

namespace {

constexpr const char* kHubDirectory = "hub";

}  // namespace

Result<std::pair<Process, std::uint16_t>> Bench::start_hub(const Side& side) {
    const fs::path directory = directory_ / side.name / kHubDirectory;
    fs::remove_all(directory_ / side.name);
    fs::create_directories(directory_ / side.name);
    if (side.product) {
        STREETLOG_TRY(auto open, office_.open(directory));
        return std::pair{std::move(open.hub), open.port};
    }
    fs::create_directories(directory);
    STREETLOG_TRY(auto hub, Process::start({own_program(), side.role}));
    STREETLOG_CHECK(hub.news());
    STREETLOG_TRY(const auto up,
                  hub.ask("server", json::object{{"dir", directory.string()}, {"port", 0}}));
    STREETLOG_TRY(const auto port, number_of(up, "port"));
    return std::pair{std::move(hub), static_cast<std::uint16_t>(port)};
}

Result<Process> Bench::start_device(const Side& side,
                                    std::size_t device,
                                    const fs::path& directory,
                                    std::uint16_t port) const {
    STREETLOG_TRY(auto process, Process::start({own_program(), side.role}));
    STREETLOG_CHECK(process.news());
    STREETLOG_CHECK(process.ask("open",
                                json::object{{"id", device},
                                             {"dir", directory.string()},
                                             {"port", port},
                                             {"enrolment", office_.enrolment(device).string()}}));
    return process;
}

/// Every device records offline, in a process of its own that then ends. Returns the mean size of a
/// record.
Result<std::uint64_t> Bench::record(const Side& side,
                                    const PushShape& shape,
                                    std::uint64_t value_bytes) {
    const fs::path directory = directory_ / fmt::format("recorded-{}", side.name);
    fs::remove_all(directory);
    double bytes = 0;
    for (std::size_t i = 0; i < shape.devices; ++i) {
        STREETLOG_TRY(auto process, start_device(side, i, directory / std::to_string(i), 1));
        json::object arg = call(i, "record");
        arg["records"] = shape.records;
        arg["seed"] = kSeed + i;
        arg["bytes"] = value_bytes;
        STREETLOG_TRY(const auto recorded, process.ask("call", std::move(arg)));
        bytes += member(recorded, "value_bytes");
        STREETLOG_CHECK(process.ask("call", call(i, "close")));
    }
    return static_cast<std::uint64_t>(bytes / static_cast<double>(shape.devices * shape.records));
}

Result<void> Bench::run(const Side& side, const PushShape& shape, PushFigures& out) {
    SideFigures& figures = side.product ? out.product : out.floor;
    STREETLOG_TRY(auto up, start_hub(side));
    auto& [hub, port] = up;
    std::vector<Process> devices;
    for (std::size_t i = 0; i < shape.devices; ++i) {
        const fs::path own = directory_ / side.name / std::to_string(i);
        copy_files(directory_ / fmt::format("recorded-{}", side.name) / std::to_string(i), own);
        STREETLOG_TRY(auto device, start_device(side, i, own, port));
        devices.push_back(std::move(device));
    }
    const auto devices_cpu = [&] {
        double sum = 0;
        for (const auto& device : devices) sum += device.usage().cpu_seconds;
        return sum;
    };
    // What was copied is on the disk before the clock starts.
    ::sync();
    std::this_thread::sleep_for(100ms);
    const double hub_before = hub.usage().cpu_seconds;
    const double devices_before = devices_cpu();
    const std::uint64_t start = monotonic_ns();
    for (std::size_t i = 0; i < devices.size(); ++i)
        STREETLOG_CHECK(devices[i].send("call", call(i, "push")));
    double sent = 0;
    double received = 0;
    for (auto& device : devices) {
        STREETLOG_TRY(const auto pushed, device.answer());
        sent += member(pushed, "sent");
        received += member(pushed, "received");
    }
    figures.push_seconds = seconds_since(start);
    const std::uint64_t records = shape.devices * shape.records;
    const auto count = static_cast<double>(records);
    const Usage hub_after = hub.usage();
    figures.push_per_s = count / figures.push_seconds;
    figures.push_up = sent / count;
    figures.push_down = received / count;
    figures.hub_cpu_us = us_per(hub_after.cpu_seconds - hub_before, records);
    figures.hub_rss_mib = hub_after.rss_peak_mib;
    figures.device_cpu_us = us_per(devices_cpu() - devices_before, records);
    for (const auto& device : devices)
        figures.device_rss_mib = std::max(figures.device_rss_mib, device.usage().rss_peak_mib);
    if (side.product) {
        const std::uint64_t pushed = monotonic_ns();
        for (std::size_t i = 0; i < devices.size(); ++i)
            STREETLOG_CHECK(devices[i].send("call", call(i, "settle")));
        for (auto& device : devices) STREETLOG_CHECK(device.answer());
        figures.settle_seconds = seconds_since(pushed);
    }
    devices.clear();
    figures.pulled = records;
    if (!side.product) {
        STREETLOG_CHECK(pull(side, hub, port, figures));
        return {};
    }
    const std::uint64_t settled = monotonic_ns();
    STREETLOG_TRY(const auto verified, office_.verify(directory_ / side.name / kHubDirectory));
    figures.follow_seconds = seconds_since(settled);
    figures.pulled = verified.records;
    STREETLOG_TRY(const auto dump_hash, pull(side, hub, port, figures));
    out.check = compare(verified, records, dump_hash);
    hub.stop();
    return {};
}

/// An empty device pulls everything. Returns the hash of its dump, where there is one.
Result<std::string> Bench::pull(const Side& side,
                                Process& hub,
                                std::uint16_t port,
                                SideFigures& out) {
    STREETLOG_TRY(auto device,
                  start_device(side, kPuller, directory_ / side.name / "puller", port));
    const double hub_before = hub.usage().cpu_seconds;
    const double device_before = device.usage().cpu_seconds;
    const std::uint64_t start = monotonic_ns();
    STREETLOG_TRY(const auto pulled, device.ask("call", call(kPuller, "pull")));
    const auto count = static_cast<double>(out.pulled);
    out.pull_per_s = count / seconds_since(start);
    out.pull_down = member(pulled, "received") / count;
    out.pull_up = member(pulled, "sent") / count;
    out.pull_hub_cpu_us = us_per(hub.usage().cpu_seconds - hub_before, out.pulled);
    out.pull_device_cpu_us = us_per(device.usage().cpu_seconds - device_before, out.pulled);
    out.pull_device_rss_mib = device.usage().rss_peak_mib;
    if (!side.product) return std::string{};
    STREETLOG_TRY(const auto dump, device.ask("call", call(kPuller, "dump_hash")));
    return text_of(dump, "dump_hash");
}

Check Bench::compare(const Office::Verified& verified,
                     std::uint64_t records,
                     const std::string& dump_hash) const {
    return {.records_verified = verified.device_records == office_.device_records() + records,
            .dump_equal = verified.dump_hash == dump_hash};
}

Result<PushFigures> Bench::push(const PushShape& shape, std::size_t runs) {
    const Side product{"product", "device", true};
    const Side floor{"floor", "floor", false};
    progress_(fmt::format("{} x {}: recording", shape.devices, shape.records));
    STREETLOG_TRY(value_bytes_, record(product, shape, 0));
    STREETLOG_CHECK(record(floor, shape, value_bytes_));
    std::vector<PushFigures> all;
    for (std::size_t i = 0; i < runs; ++i) {
        PushFigures figures;
        figures.devices = shape.devices;
        figures.records = shape.records;
        figures.value_bytes = value_bytes_;
        STREETLOG_CHECK(run(floor, shape, figures));
        STREETLOG_CHECK(run(product, shape, figures));
        progress_(fmt::format(
            "{} x {}, run {} of {}: {:.0f} records/s, floor {:.0f}, ratio {:.2f}; pull {:.0f}, "
            "floor {:.0f}, ratio {:.2f}; settled after {:.1f} s, hub followed after {:.1f} s",
            shape.devices,
            shape.records,
            i + 1,
            runs,
            figures.product.push_per_s,
            figures.floor.push_per_s,
            figures.ratio(),
            figures.product.pull_per_s,
            figures.floor.pull_per_s,
            figures.pull_ratio(),
            figures.product.settle_seconds,
            figures.product.follow_seconds));
        all.push_back(figures);
    }
    std::ranges::sort(all, {}, &PushFigures::ratio);
    PushFigures out = all[all.size() / 2];
    for (const auto& one : all) {
        out.check.records_verified = out.check.records_verified && one.check.records_verified;
        out.check.dump_equal = out.check.dump_equal && one.check.dump_equal;
    }
    return out;
}

/// From the moment before the Save on one device until the other has it stored and says so.
Result<std::vector<double>> Bench::visible_ms(const Side& side,
                                              std::size_t samples,
                                              Process& writer,
                                              Process& reader) {
    std::vector<double> out;
    out.reserve(samples);
    for (std::size_t i = 0; i < kWarmUp + samples; ++i) {
        json::object arg{
            {"id", 0}, {"seed", kSeed}, {"bytes", std::max<std::uint64_t>(value_bytes_, 200)}};
        STREETLOG_TRY(const auto written, writer.ask("writeTimed", std::move(arg)));
        STREETLOG_TRY(const auto client, text_of(written, "client"));
        STREETLOG_TRY(const auto start, text_of(written, "t"));
        for (;;) {
            STREETLOG_TRY(const auto seen, reader.news());
            STREETLOG_TRY(const auto who, text_of(seen, "seen"));
            if (who != client) continue;
            STREETLOG_TRY(const auto at, text_of(seen, "t"));
            if (i >= kWarmUp)
                out.push_back(static_cast<double>(std::stoull(at) - std::stoull(start)) / 1e6);
            break;
        }
        std::this_thread::sleep_for(2ms);
    }
    if (side.product) STREETLOG_CHECK(writer.ask("call", call(0, "close")));
    return out;
}

Result<VisibleFigures> Bench::visible(std::size_t samples) {
    const Side product{"product", "device", true};
    const Side floor{"floor", "floor", false};
    VisibleFigures out;
    out.samples = samples;
    for (const Side& side : {floor, product}) {
        progress_(fmt::format("time to visible, {}", side.name));
        STREETLOG_TRY(auto up, start_hub(side));
        auto& [hub, port] = up;
        const fs::path own = directory_ / side.name;
        STREETLOG_TRY(auto writer, start_device(side, 0, own / "0", port));
        STREETLOG_TRY(auto reader, start_device(side, 1, own / "1", port));
        STREETLOG_CHECK(writer.ask("watch", json::object{{"id", 0}}));
        STREETLOG_CHECK(reader.ask("watch", json::object{{"id", 1}}));
        STREETLOG_TRY(const auto ms, visible_ms(side, samples, writer, reader));
        (side.product ? out.p50_ms : out.floor_p50_ms) = percentile(ms, 0.5);
        (side.product ? out.p99_ms : out.floor_p99_ms) = percentile(ms, 0.99);
        if (!side.product) continue;
        STREETLOG_TRY(const auto verified, office_.verify(own / kHubDirectory));
        SideFigures pulled;
        pulled.pulled = verified.records;
        STREETLOG_TRY(const auto dump_hash, pull(side, hub, port, pulled));
        out.check = compare(verified, kWarmUp + samples, dump_hash);
        hub.stop();
    }
    return out;
}

Ruler Bench::ruler() const {
    constexpr std::size_t kSamples = 300;
    constexpr std::size_t kPage = 4096;
    const fs::path file = directory_ / "ruler";
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    STREETLOG_ASSERT(fd >= 0);
    const std::array<char, kPage> page{};
    std::vector<double> ms;
    for (std::size_t i = 0; i < kSamples; ++i) {
        const std::uint64_t start = monotonic_ns();
        const bool good =
            ::write(fd, page.data(), page.size()) == std::ssize(page) && ::fdatasync(fd) == 0;
        STREETLOG_ASSERT(good);
        ms.push_back(seconds_since(start) * 1e3);
    }
    ::close(fd);
    return {percentile(ms, 0.5), percentile(ms, 0.99)};
}

}  // namespace streetlog::bench
