#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "sync/change/codec.hpp"
#include "sync/store/log_records.hpp"
#include "sync/store/understands.hpp"

/// Records the hub took in and set aside, and what a reviewer says of them.
namespace streetlog::hub {
namespace {

namespace json = boost::json;

std::string_view why(sync::StatusCode code) {
    switch (code) {
        case sync::StatusCode::kNone:
            return "";
        case sync::StatusCode::kMalformed:
            return "cannot be read";
        case sync::StatusCode::kUnauthorised:
            return "its author may not write this";
        case sync::StatusCode::kIdTaken:
            return "creates something that another record created";
        case sync::StatusCode::kNewerSchema:
            return "written by a newer version; waits until this hub is updated";
    }
    return "";
}

std::string_view status_in_words(sync::RecordStatus status) {
    return status == sync::RecordStatus::kHeld ? "held" : "quarantined";
}

std::string_view verdict_in_words(const std::optional<store::VerdictRow>& row) {
    if (!row) return "open";
    return row->verdict.act == sync::VerdictAct::kRelease ? "released" : "rejected";
}

/// Where and whose; none when the log has no run there.
std::optional<sync::RecordKey> record_at(store::HubLog& log, HubSeq at) {
    const auto run = log.run_at(at);
    if (!run) return std::nullopt;
    return sync::RecordKey{run->replica, run->first_seq + (at.value - run->first_hub.value)};
}

json::object row_as_json(store::HubLog& log,
                         const store::ExceptionRow& row,
                         const sync::RecordKey& key) {
    return {{"hub_seq", row.seq.value},
            {"device", to_string(key.replica.device)},
            {"incarnation", key.replica.incarnation},
            {"seq", key.seq},
            {"status", status_in_words(row.status)},
            {"code", sync::name_of(row.code)},
            {"why", why(row.code)},
            {"verdict", verdict_in_words(log.verdict_on(key))}};
}

/// Whether its content can take effect.
bool understood(store::HubLog& log, const sync::RecordKey& key) {
    const auto found = store::find_record(log, key);
    if (!found) return false;
    const auto record = sync::decode(found->view());
    return record && !record->ops.empty() &&
           std::ranges::all_of(record->ops, store::catalogue_understands);
}

}  // namespace

Result<json::object> Desk::quarantine() {
    auto& log = follower_.log();
    json::array rows;
    for (const auto& row : log.exceptions({1}, log.head().seq))
        if (const auto key = record_at(log, row.seq)) rows.push_back(row_as_json(log, row, *key));
    return json::object{{"records", std::move(rows)}};
}

Result<json::object> Desk::decide(const json::object& arguments, sync::VerdictAct act) {
    auto& log = follower_.log();
    const auto number = optional_number(arguments, "HUB_SEQ");
    if (!number || *number < 1) return fail(ErrorCode::kUsage, "HUB_SEQ must be a number above 0");
    const HubSeq at{static_cast<std::uint64_t>(*number)};
    const auto exceptions = log.exceptions(at, at);
    const auto key = record_at(log, at);
    if (exceptions.empty() || !key)
        return fail(ErrorCode::kNotFound,
                    fmt::format("no record was set aside at hub sequence {}", at.value),
                    "See streetlog-hub quarantine");
    const auto& row = exceptions.front();
    if (row.status == sync::RecordStatus::kHeld && !understood(log, *key))
        return fail(ErrorCode::kConflict,
                    "that record is held, not quarantined: it waits for a newer version of the hub",
                    "Update the hub; nobody has to decide.");
    const bool release = act == sync::VerdictAct::kRelease;
    if (release && !understood(log, *key))
        return fail(ErrorCode::kConflict, "that record cannot be read, so it cannot be released");
    const auto verdict = log.verdict_on(*key);
    if (verdict && (verdict->verdict.act == act || !release))
        return fail(ErrorCode::kConflict,
                    fmt::format("that record was {} already", verdict_in_words(verdict)));
    Drafts drafts;
    drafts.emplace_back(sync::Header{}, std::vector{sync::verdict_op({*key, act})});
    STREETLOG_CHECK(follower_.author()(std::move(drafts)));
    STREETLOG_CHECK(follower_.catch_up());
    return row_as_json(log, row, *key);
}

}  // namespace streetlog::hub
