#include "tests/bench/herd.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace streetlog::bench {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// A time, and how many records (or devices) it is of.
struct Weighted {
    double ms = 0;
    std::uint64_t weight = 1;
};

double percentile(std::vector<Weighted>& values, double share) {
    std::ranges::sort(values, {}, &Weighted::ms);
    std::uint64_t total = 0;
    for (const auto& value : values) total += value.weight;
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(total) * share);
    std::uint64_t seen = 0;
    for (const auto& value : values) {
        seen += value.weight;
        if (seen > wanted) return value.ms;
    }
    return values.empty() ? 0 : values.back().ms;
}

Result<void> read_acks(const json::value& answer, HerdFigures& out) {
    const auto* devices = find(answer, "devices");
    if (devices == nullptr || !devices->is_array())
        return fail(ErrorCode::kMalformed, "the herd does not say how it went");
    std::vector<Weighted> acks;
    std::vector<Weighted> first;
    std::vector<Weighted> done;
    for (const auto& device : devices->get_array()) {
        const auto& own = device.at("acks").as_array();
        if (own.empty()) return fail(ErrorCode::kMalformed, "a device was never answered");
        for (const auto& ack : own)
            acks.push_back({ack.as_array()[0].to_number<double>(),
                            ack.as_array()[1].to_number<std::uint64_t>()});
        first.push_back({own.front().as_array()[0].to_number<double>()});
        done.push_back({own.back().as_array()[0].to_number<double>()});
        out.attempts += device.at("attempts").to_number<std::uint64_t>();
    }
    out.ack_p50_ms = percentile(acks, 0.5);
    out.ack_p99_ms = percentile(acks, 0.99);
    out.ack_max_ms = percentile(acks, 1.0);
    out.first_p50_ms = percentile(first, 0.5);
    out.first_max_ms = percentile(first, 1.0);
    out.done_p50_ms = percentile(done, 0.5);
    out.done_max_ms = percentile(done, 1.0);
    return {};
}

}  // namespace

Result<HerdFigures> run_herd(const HerdShape& shape,
                             const fs::path& hub_program,
                             const fs::path& directory,
                             const std::function<void(const std::string&)>& progress) {
    OfficeOptions setting;
    setting.hub_program = hub_program;
    setting.directory = directory / "office";
    setting.devices = shape.devices;
    fs::create_directories(setting.directory);
    progress(fmt::format("enrolling {} devices", shape.devices));
    STREETLOG_TRY(const auto office, Office::set_up(setting));
    STREETLOG_TRY(auto open, office.open(directory / "hub"));
    STREETLOG_TRY(auto herd, Process::start({own_program(), "herd-devices"}));
    STREETLOG_CHECK(herd.news());
    progress(fmt::format("each records {} times, offline", shape.records));
    json::array files;
    for (std::size_t i = 0; i < shape.devices; ++i)
        files.push_back(json::string{office.enrolment(i).string()});
    STREETLOG_CHECK(herd.ask("record",
                             json::object{{"dir", (directory / "devices").string()},
                                          {"port", open.port},
                                          {"records", shape.records},
                                          {"enrolments", std::move(files)}}));
    HerdFigures out;
    out.shape = shape;
    const Usage before = open.hub.usage();
    progress("all come back at once");
    STREETLOG_TRY(const auto answer, herd.ask("drain", {}));
    const Usage after = open.hub.usage();
    STREETLOG_CHECK(read_acks(answer, out));
    const auto records = static_cast<double>(shape.devices * shape.records);
    out.seconds = out.ack_max_ms / 1e3;
    out.per_s = records / out.seconds;
    out.hub_rss_before_mib = before.rss_peak_mib;
    out.hub_rss_mib = after.rss_peak_mib;
    out.hub_cpu_us = (after.cpu_seconds - before.cpu_seconds) * 1e6 / records;
    STREETLOG_TRY(const auto verified, office.verify(open.directory));
    out.verified = verified.device_records == shape.devices * shape.records;
    open.hub.stop();
    return out;
}

json::object to_json(const HerdFigures& f) {
    const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
    return {{"devices", f.shape.devices},
            {"records_per_device", f.shape.records},
            {"seconds", rounded(f.seconds)},
            {"records_per_s", rounded(f.per_s)},
            {"ack_p50_ms", rounded(f.ack_p50_ms)},
            {"ack_p99_ms", rounded(f.ack_p99_ms)},
            {"ack_max_ms", rounded(f.ack_max_ms)},
            {"first_ack_p50_ms", rounded(f.first_p50_ms)},
            {"first_ack_max_ms", rounded(f.first_max_ms)},
            {"done_p50_ms", rounded(f.done_p50_ms)},
            {"done_max_ms", rounded(f.done_max_ms)},
            {"slowest_over_median", rounded(f.done_max_ms / f.done_p50_ms)},
            {"hub_rss_before_mib", rounded(f.hub_rss_before_mib)},
            {"hub_rss_mib", rounded(f.hub_rss_mib)},
            {"hub_cpu_us_per_record", rounded(f.hub_cpu_us)},
            {"connections", f.attempts},
            {"verified", f.verified}};
}

std::string to_table(const HerdFigures& f) {
    return fmt::format(
        "{} devices back at once with {} records each: drained in {:.1f} s, {:.0f} records/s\n"
        "a record acknowledged after    p50 {:>7.0f} ms   p99 {:>7.0f} ms   last {:>7.0f} ms\n"
        "a device's first record        p50 {:>7.0f} ms   last {:>6.0f} ms\n"
        "a device's last record         p50 {:>7.0f} ms   last {:>6.0f} ms: the slowest {:.2f} "
        "times the median\n"
        "hub: {:.0f} MiB before, {:.0f} MiB at most; {:.1f} us of processor a record; "
        "{} connections\n"
        "{}\n",
        f.shape.devices,
        f.shape.records,
        f.seconds,
        f.per_s,
        f.ack_p50_ms,
        f.ack_p99_ms,
        f.ack_max_ms,
        f.first_p50_ms,
        f.first_max_ms,
        f.done_p50_ms,
        f.done_max_ms,
        f.done_max_ms / f.done_p50_ms,
        f.hub_rss_before_mib,
        f.hub_rss_mib,
        f.hub_cpu_us,
        f.attempts,
        f.verified ? "records verified" : "THE HUB DOES NOT HOLD WHAT WAS PUSHED");
}

}  // namespace streetlog::bench
