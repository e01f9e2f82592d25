#include "hub/recovery/recovery_commands.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kNoteMax = 500;

json::value shown(const std::optional<Instant>& at) {
    return at ? json::value(format_instant(*at)) : json::value{};
}

/// What the administrator can do about it.
std::string_view todo(store::AlarmKind kind) {
    switch (kind) {
        case store::AlarmKind::kPossibleCopy:
            return "Find out who holds this device's disk or an image of it. If it was restored on "
                   "purpose, close the alarm; if not, revoke the device.";
        case store::AlarmKind::kHubFellBack:
            return "Devices bring back what they have: streetlog-hub recovery shows what is still "
                   "missing. Close the alarm when nothing is.";
        case store::AlarmKind::kEarlierReceipts:
            return "This hub had these records before it fell back, and a copy of the device that "
                   "had no receipts brought them again first. Times received and lateness are "
                   "those of the first time now; what was exported in between has the later ones.";
        case store::AlarmKind::kForgery:
            return "A faulty program or somebody in between. It had no effect; look at the device.";
    }
    return "";
}

std::string name_of_device(store::HubLog& log, const DeviceId& id) {
    if (id == DeviceId{}) return "the hub";
    const auto device = log.device(id);
    return device ? device->name : "unknown";
}

json::object alarm_as_json(store::HubLog& log, const store::AlarmRow& alarm) {
    const bool of_hub = alarm.device == DeviceId{};
    return {{"alarm", alarm.id},
            {"kind", store::name_of(alarm.kind)},
            {"state", alarm.closed ? "closed" : "open"},
            {"device", of_hub ? json::value{} : json::value(to_string(alarm.device))},
            {"name", name_of_device(log, alarm.device)},
            {"first", format_instant(alarm.first)},
            {"last", format_instant(alarm.last)},
            {"times", alarm.times},
            {"detail", alarm.detail}};
}

Result<json::object> list_alarms(Ledger& ledger, const json::object& arguments) {
    const auto* all = arguments.if_contains("all");
    const bool closed_too = all != nullptr && all->is_bool() && all->get_bool();
    json::array list;
    for (const auto& alarm : store::HubWatch{ledger.log().db()}.alarms())
        if (!alarm.closed || closed_too) list.push_back(alarm_as_json(ledger.log(), alarm));
    return json::object{{"alarms", std::move(list)}};
}

Result<std::int64_t> alarm_id(const json::object& arguments) {
    const auto id = optional_number(arguments, "ID");
    if (!id) return fail(ErrorCode::kUsage, "ID must be the number of an alarm");
    return *id;
}

Result<json::object> show_alarm(Ledger& ledger, std::int64_t id) {
    const auto alarms = store::HubWatch{ledger.log().db()}.alarms();
    const auto alarm = std::ranges::find(alarms, id, &store::AlarmRow::id);
    if (alarm == alarms.end())
        return fail(ErrorCode::kNotFound,
                    fmt::format("there is no alarm {}", id),
                    "See streetlog-hub alarms --all");
    auto out = alarm_as_json(ledger.log(), *alarm);
    out["closed"] = shown(alarm->closed);
    out["note"] = alarm->note;
    out["what_to_do"] = todo(alarm->kind);
    return out;
}

Result<std::string> reason(const json::object& arguments, std::string_view name) {
    auto text = optional_text(arguments, name).value_or("");
    if (text.empty()) return fail(ErrorCode::kUsage, fmt::format("--{} is missing", name));
    if (text.size() > kNoteMax)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("--{} is longer than {} characters", name, kNoteMax));
    return text;
}

Result<json::object> close_alarm(Ledger& ledger, const json::object& arguments) {
    STREETLOG_TRY(const auto id, alarm_id(arguments));
    STREETLOG_TRY(const auto note, reason(arguments, "note"));
    STREETLOG_CHECK(ledger.close_alarm(id, note));
    return show_alarm(ledger, id);
}

json::object gap_as_json(Ledger& ledger, const store::GapRow& gap) {
    const auto row = ledger.replica(gap.replica);
    const std::uint64_t here = row ? row->acked_seq : 0;
    return {{"device", to_string(gap.replica.device)},
            {"name", name_of_device(ledger.log(), gap.replica.device)},
            {"incarnation", gap.replica.incarnation},
            {"had_receipts_up_to", gap.seq},
            {"here_up_to", here},
            {"missing", gap.seq - std::min(gap.seq, here)},
            {"epoch", gap.epoch},
            {"noticed", format_instant(gap.opened)},
            {"state", gap.closed ? "closed" : "open"},
            {"closed", shown(gap.closed)},
            {"how", gap.how}};
}

Result<json::object> report(Ledger& ledger) {
    store::HubWatch watch{ledger.log().db()};
    json::array losses;
    for (const auto& loss : watch.losses())
        losses.push_back(json::object{
            {"epoch", loss.epoch},
            {"noticed", format_instant(loss.noticed)},
            {"how", loss.how},
            {"log_was_at", loss.lost.value == 0 ? json::value{} : json::value(loss.lost.value)},
            {"log_ended_at", loss.head.value}});
    json::array gaps;
    std::size_t open = 0;
    for (const auto& gap : watch.gaps()) {
        gaps.push_back(gap_as_json(ledger, gap));
        if (!gap.closed) ++open;
    }
    return json::object{{"epoch", ledger.epoch()},
                        {"losses", std::move(losses)},
                        {"gaps", std::move(gaps)},
                        {"open_gaps", open}};
}

Result<json::object> write_off(Ledger& ledger, const json::object& arguments) {
    const auto device = parse_id<DeviceId>(optional_text(arguments, "DEVICE").value_or(""));
    const auto incarnation = optional_number(arguments, "incarnation");
    if (!device || !incarnation || *incarnation < 0 || *incarnation > 0xffff'ffff)
        return fail(ErrorCode::kUsage, "DEVICE and --incarnation must be those of the list");
    STREETLOG_TRY(const auto why, reason(arguments, "reason"));
    const sync::Replica replica{*device, static_cast<std::uint32_t>(*incarnation)};
    STREETLOG_CHECK(ledger.write_off(replica, "written off: " + why));
    return report(ledger);
}

}  // namespace

std::optional<Result<json::object>> recovery_command(Ledger& ledger,
                                                     std::string_view command,
                                                     const json::object& arguments) {
    if (command == "alarms") return list_alarms(ledger, arguments);
    if (command == "alarms show") {
        const auto id = alarm_id(arguments);
        return id ? show_alarm(ledger, *id) : std::unexpected(id.error());
    }
    if (command == "alarms close") return close_alarm(ledger, arguments);
    if (command == "recovery") return report(ledger);
    if (command == "recovery write-off") return write_off(ledger, arguments);
    return std::nullopt;
}

}  // namespace streetlog::hub
