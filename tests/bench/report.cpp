#include "tests/bench/report.hpp"

#include <cmath>

#include <fmt/format.h>

namespace streetlog::bench {
namespace {

namespace json = boost::json;

/// Three digits after the point are more than any run repeats.
double rounded(double value) { return std::round(value * 1000) / 1000; }

json::object to_json(const Check& check) {
    return {{"verified", check.records_verified}, {"dump_equal", check.dump_equal}};
}

json::object push_json(const PushFigures& f) {
    return {{"records_per_s", rounded(f.product.push_per_s)},
            {"floor_records_per_s", rounded(f.floor.push_per_s)},
            {"ratio", rounded(f.ratio())},
            {"bytes_per_record", rounded(f.product.push_up)},
            {"bytes_per_record_down", rounded(f.product.push_down)},
            {"hub_cpu_us_per_record", rounded(f.product.hub_cpu_us)},
            {"hub_rss_mib", rounded(f.product.hub_rss_mib)},
            {"device_cpu_us_per_record", rounded(f.product.device_cpu_us)},
            {"device_rss_mib", rounded(f.product.device_rss_mib)},
            {"settle_s", rounded(f.product.settle_seconds)},
            {"follow_s", rounded(f.product.follow_seconds)},
            {"floor_hub_cpu_us_per_record", rounded(f.floor.hub_cpu_us)},
            {"floor_device_cpu_us_per_record", rounded(f.floor.device_cpu_us)},
            {"devices", f.devices},
            {"records_per_device", f.records},
            {"value_bytes", f.value_bytes},
            {"check", to_json(f.check)}};
}

json::object pull_json(const PushFigures& f) {
    return {{"records_per_s", rounded(f.product.pull_per_s)},
            {"floor_records_per_s", rounded(f.floor.pull_per_s)},
            {"ratio", rounded(f.pull_ratio())},
            {"bytes_per_record", rounded(f.product.pull_down)},
            {"bytes_per_record_up", rounded(f.product.pull_up)},
            {"hub_cpu_us_per_record", rounded(f.product.pull_hub_cpu_us)},
            {"device_cpu_us_per_record", rounded(f.product.pull_device_cpu_us)},
            {"device_rss_mib", rounded(f.product.pull_device_rss_mib)},
            {"records", f.product.pulled}};
}

bool good(const Check& check) { return check.records_verified && check.dump_equal; }

std::string in_words(const Check& check) {
    if (!check.records_verified) return "THE HUB DOES NOT HOLD WHAT WAS PUSHED";
    return check.dump_equal ? "records verified, dump hash equal" : "THE DUMP HASH DIFFERS";
}

}  // namespace

bool Report::verified() const { return good(one.check) && good(many.check) && good(visible.check); }

json::object to_json(const Report& r) {
    return {{"push_1x100000", push_json(r.one)},
            {"push_50x200", push_json(r.many)},
            {"pull_100000", pull_json(r.one)},
            {"visible",
             json::object{{"p50_ms", rounded(r.visible.p50_ms)},
                          {"p99_ms", rounded(r.visible.p99_ms)},
                          {"floor_p50_ms", rounded(r.visible.floor_p50_ms)},
                          {"floor_p99_ms", rounded(r.visible.floor_p99_ms)},
                          {"samples", r.visible.samples},
                          {"check", to_json(r.visible.check)}}},
            {"preloaded", r.preloaded},
            {"disk",
             json::object{{"fdatasync_p50_ms", rounded(r.ruler.fdatasync_p50_ms)},
                          {"fdatasync_p99_ms", rounded(r.ruler.fdatasync_p99_ms)}}},
            {"verified", r.verified()}};
}

std::string to_table(const Report& r) {
    std::string out = fmt::format(
        "disk: 4 KiB append and fdatasync p50 {:.2f} ms, p99 {:.2f} ms; records in the hub before: "
        "{}\n\n{:<18}{:>10}{:>10}{:>7}{:>8}{:>8}{:>9}{:>9}{:>9}{:>9}  {}\n",
        r.ruler.fdatasync_p50_ms,
        r.ruler.fdatasync_p99_ms,
        r.preloaded,
        "shape",
        "records/s",
        "floor/s",
        "ratio",
        "B out",
        "B back",
        "hub us",
        "hub MiB",
        "dev us",
        "dev MiB",
        "hub afterwards");
    for (const auto* f : {&r.one, &r.many}) {
        out += fmt::format(
            "{:<18}{:>10.0f}{:>10.0f}{:>7.2f}{:>8.1f}{:>8.1f}{:>9.1f}{:>9.1f}{:>9.1f}{:>9.1f}  "
            "{}\n",
            fmt::format("push {} x {}", f->devices, f->records),
            f->product.push_per_s,
            f->floor.push_per_s,
            f->ratio(),
            f->product.push_up,
            f->product.push_down,
            f->product.hub_cpu_us,
            f->product.hub_rss_mib,
            f->product.device_cpu_us,
            f->product.device_rss_mib,
            in_words(f->check));
    }
    out += fmt::format(
        "{:<18}{:>10.0f}{:>10.0f}{:>7.2f}{:>8.1f}{:>8.1f}{:>9.1f}{:>9}{:>9.1f}{:>9.1f}\n\n",
        fmt::format("pull {}", r.one.product.pulled),
        r.one.product.pull_per_s,
        r.one.floor.pull_per_s,
        r.one.pull_ratio(),
        r.one.product.pull_down,
        r.one.product.pull_up,
        r.one.product.pull_hub_cpu_us,
        "",
        r.one.product.pull_device_cpu_us,
        r.one.product.pull_device_rss_mib);
    out += fmt::format(
        "visible on the other device: p50 {:.2f} ms, p99 {:.2f} ms; floor p50 {:.2f} ms, p99 "
        "{:.2f} ms; {} samples; {}\n",
        r.visible.p50_ms,
        r.visible.p99_ms,
        r.visible.floor_p50_ms,
        r.visible.floor_p99_ms,
        r.visible.samples,
        in_words(r.visible.check));
    return out;
}

}  // namespace streetlog::bench
