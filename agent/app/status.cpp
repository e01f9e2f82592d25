#include "agent/app/status.hpp"

#include <algorithm>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/app/carry.hpp"
#include "agent/app/enrol.hpp"
#include "sync/timeliness/rules.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;

/// Unsent records looked at for the first deadline; with more than these the oldest come first
/// anyway.
constexpr std::uint64_t kLookedAtMax = 5'000;

struct Pending {
    std::uint64_t seq = 0;
    sync::EventKind kind = sync::EventKind::kNone;
    sync::HubTime at;
};

Result<std::optional<Pending>> first_deadline(Device& device,
                                              const store::AgentStatus& status,
                                              const ClockReading& now) {
    std::optional<Pending> first;
    if (status.unsent == 0) return first;
    const auto last = std::min(status.saved, status.oldest_unsent_seq + kLookedAtMax - 1);
    for (auto seq = status.oldest_unsent_seq; seq <= last; ++seq) {
        STREETLOG_TRY(const auto record, device.read().own_record(seq));
        if (record.header.kind == sync::EventKind::kNone) continue;
        const auto at = interaction_time(record.header, now, device.witness().anchor());
        if (!first || at.at < first->at.at) first = Pending{seq, record.header.kind, at};
    }
    return first;
}

std::string_view clock_state(const Device& device, sync::Trust trust) {
    const bool simulated = device.settings().clock == store::ClockMode::kSimulated;
    if (trust == sync::Trust::kVerified)
        return simulated ? "simulated, anchored" : "anchored to the hub in this boot";
    return simulated ? "simulated, unverified"
                     : "unverified: not compared with the hub in this boot";
}

}  // namespace

json::value shown(const std::optional<Instant>& t) {
    return t ? json::value(format_instant(*t)) : json::value();
}

sync::HubTime interaction_time(const sync::Header& header,
                               const ClockReading& now,
                               const std::optional<sync::Anchor>& anchor) {
    const auto hub_now = sync::estimate_hub_time(now, anchor);
    const auto& live = header.occurred_clock ? *header.occurred_clock : header.clock;
    if (header.source != sync::TimeSource::kLive || live.boot_id == 0)
        return {header.occurred, hub_now.trust};
    if (live.boot_id == now.boot_id && live.boot_ms <= now.boottime_ms)
        return {hub_now.at - Millis{static_cast<std::int64_t>(now.boottime_ms - live.boot_ms)},
                sync::Trust::kVerified};
    if (live.anchor_hub_ms != 0 && live.anchor_boot_id == live.boot_id &&
        live.anchor_boot_ms <= live.boot_ms)
        return {Instant{live.anchor_hub_ms +
                        static_cast<std::int64_t>(live.boot_ms - live.anchor_boot_ms)},
                hub_now.trust};
    return {header.occurred, sync::Trust::kNotVerified};
}

Result<json::object> device_status(Device& device) {
    STREETLOG_TRY(const auto status, device.read().status());
    const ClockReading now = device.clock().read();
    device.witness().observe(now);
    const auto hub_now = sync::estimate_hub_time(now, device.witness().anchor());
    STREETLOG_TRY(const auto pending, first_deadline(device, status, now));
    const auto& settings = device.settings();

    json::object out{{"device", to_string(settings.self.device)},
                     {"name", settings.device_name},
                     {"hub", settings.hub_address},
                     {"user", device.user()},
                     {"clients", status.clients},
                     {"saved", status.saved},
                     {"unsent", status.unsent},
                     {"oldest_unsent", nullptr},
                     {"oldest_unsent_interaction", shown(status.oldest_unsent_occurred)},
                     {"first_deadline", nullptr},
                     {"first_deadline_record", nullptr},
                     {"hours_left", nullptr},
                     {"minutes_left", nullptr},
                     {"time_left", nullptr},
                     {"hours_left_verified", nullptr}};
    if (status.unsent > 0) out["oldest_unsent"] = status.oldest_unsent_seq;
    if (pending) {
        const Instant deadline = pending->at.at + sync::default_rule().limit;
        const Millis left = deadline - hub_now.at;
        const bool verified = pending->at.trust == sync::Trust::kVerified;
        out["first_deadline"] = format_instant(deadline);
        out["first_deadline_record"] = pending->seq;
        out["hours_left"] = std::chrono::floor<std::chrono::hours>(left).count();
        out["minutes_left"] = std::chrono::floor<std::chrono::minutes>(left).count();
        out["time_left"] = fmt::format("{}{}",
                                       left.count() < 0 ? "late by " : "",
                                       format_duration(left.count() < 0 ? -left : left)) +
                           (verified ? "" : " (the clock is not verified)");
        out["hours_left_verified"] = verified;
    }
    out["last_receipt"] = shown(status.last_receipt);
    out["last_pull"] = shown(status.last_pull);
    out["refused_by_hub"] = status.quarantined;
    out["held_by_hub"] = status.held_by_hub;
    out["held_here"] = status.held_here;
    STREETLOG_TRY(auto carried, list_carried(device));
    for (auto& [name, value] : carried) out[name] = std::move(value);
    out["newest_hub_record"] = status.newest_hub.value;
    out["clock"] = clock_state(device, hub_now.trust);
    out["clock_simulated"] = settings.clock == store::ClockMode::kSimulated;
    out["clock_verified"] = hub_now.trust == sync::Trust::kVerified;
    for (const auto& [name, value] : trust_state(device)) out[name] = value;
    out["device_time"] = format_instant(now.wall);
    out["hub_time"] = format_instant(hub_now.at);
    return out;
}

}  // namespace streetlog::agent
