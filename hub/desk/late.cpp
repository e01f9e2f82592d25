#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "hub/desk/words.hpp"

/// What came outside the window, and whose delay it was.
namespace streetlog::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kListedMax = 1000;

std::string flags_in_words(std::uint32_t flags) {
    std::string out;
    const auto add = [&](std::uint32_t bit, std::string_view words) {
        if ((flags & bit) == 0) return;
        if (!out.empty()) out += ", ";
        out += words;
    };
    add(sync::TimeFlags::kContradiction, "the evidence contradicts itself");
    add(sync::TimeFlags::kWallJumped, "the device's clock was set");
    add(sync::TimeFlags::kNoEvidence, "no evidence of time");
    add(sync::TimeFlags::kSimulated, "simulated clock");
    add(sync::TimeFlags::kFromWall, "rests on a clock a person can set");
    add(sync::TimeFlags::kFuture, "typed as later than it was saved");
    return out;
}

std::string span_in_words(const Interval& span) {
    if (span.lo == span.hi) return format_instant(span.lo);
    if (span.lo.ms <= 0) return fmt::format("by {}", format_instant(span.hi));
    return fmt::format("{} to {}", format_instant(span.lo), format_instant(span.hi));
}

std::string_view whose(sync::Cause cause) {
    switch (cause) {
        case sync::Cause::kEntry:
            return "entered after the window had closed";
        case sync::Cause::kSync:
            return "saved in time, reached the hub after the window";
        case sync::Cause::kPaused:
            return "the workflow lay paused until after the window";
        case sync::Cause::kNone:
            return "the evidence does not tell";
    }
    return "";
}

json::object row_as_json(const LateRow& row, store::EntityReader& reader) {
    json::object out{
        {"hub_seq", row.hub_seq.value},
        {"device", to_string(row.record.replica.device)},
        {"incarnation", row.record.replica.incarnation},
        {"seq", row.record.seq},
        {"kind", sync::name_of(row.kind)},
        {"verdict", sync::name_of(row.judgement.verdict)},
        {"received", format_instant(row.received)},
        {"occurred", span_in_words(row.interaction.occurred)},
        {"saved", span_in_words(row.saved)},
        {"user", row.user},
        {"rule", row.judgement.rule},
    };
    if (row.judgement.verdict == sync::Verdict::kLate) {
        out["cause"] = sync::name_of(row.judgement.cause);
        out["why"] = whose(row.judgement.cause);
        out["late_by"] = format_duration(row.judgement.lateness);
        out["lateness_ms"] = row.judgement.lateness.count();
    }
    if (const auto words = flags_in_words(row.judgement.flags); !words.empty())
        out["flags"] = words;
    if (row.subject.is_nil()) return out;
    out["subject"] = to_string(row.subject);
    if (const auto stay = reader.enrollment(row.subject)) {
        out["PersonalID"] = to_string(stay->client);
        if (!stay->project.is_nil()) out["ProjectID"] = to_string(stay->project);
    }
    return out;
}

std::int64_t hours_text(Millis limit) { return limit.count() / 3'600'000; }

}  // namespace

Result<json::object> Desk::late(const json::object& arguments) {
    auto& lateness = follower_.projection().lateness();
    auto& reader = follower_.projection().read();
    const auto which = optional_text(arguments, "which").value_or("open");
    const auto limit = optional_number(arguments, "limit").value_or(kListedMax);
    const auto counts = lateness.counts();
    json::array rows;
    const auto add = [&](sync::Verdict verdict) {
        lateness.list(verdict, {}, [&](const LateRow& row) {
            if (std::cmp_greater_equal(rows.size(), limit)) return false;
            rows.push_back(row_as_json(row, reader));
            return true;
        });
    };
    if (which == "late" || which == "open" || which == "all") add(sync::Verdict::kLate);
    if (which == "unproven" || which == "open" || which == "all") add(sync::Verdict::kUnproven);
    if (which == "all" || which == "on-time") add(sync::Verdict::kOnTime);
    return json::object{{"on_time", counts.on_time},
                        {"late", counts.late},
                        {"late_by_entry", counts.late_entry},
                        {"late_by_sync", counts.late_sync},
                        {"unproven", counts.unproven},
                        {"records", std::move(rows)}};
}

Result<json::object> Desk::rule_add(const json::object& arguments) {
    sync::Rule rule;
    const auto hours = optional_number(arguments, "hours");
    if (!hours || *hours <= 0 || *hours > 24 * 366)
        return fail(ErrorCode::kInvalidInput, "--hours must be between 1 and 8784");
    rule.limit = std::chrono::hours{*hours};
    STREETLOG_TRY(const auto from, text_of(arguments, "from"));
    const auto first = parse_date(from);
    if (!first)
        return fail(ErrorCode::kInvalidInput, "--from is not a date; write it as 2026-11-23");
    rule.from = *first;
    if (const auto to = optional_text(arguments, "to")) {
        rule.to = parse_date(*to);
        if (!rule.to || *rule.to < rule.from)
            return fail(ErrorCode::kInvalidInput, "--to is not a date on or after --from");
    }
    rule.coc = optional_text(arguments, "coc").value_or("");
    if (!rule.coc.empty() && !hud::is_coc_code(rule.coc))
        return fail(ErrorCode::kInvalidInput, "--coc is not a CoC code of FY2026, as CA-600");
    if (const auto type = optional_number(arguments, "project_type"))
        rule.project_type = static_cast<int>(*type);
    if (const auto kind = optional_text(arguments, "kind")) {
        for (const auto k : {sync::EventKind::kIntake,
                             sync::EventKind::kContact,
                             sync::EventKind::kExit,
                             sync::EventKind::kUpdate})
            if (sync::name_of(k) == *kind) rule.kind = k;
        if (rule.kind == sync::EventKind::kNone)
            return fail(ErrorCode::kInvalidInput, "--kind is one of intake, contact, exit, update");
    }
    sync::Op op;
    op.kind = sync::OpKind::kRule;
    op.cells = rule_cells(rule);
    Drafts drafts;
    drafts.emplace_back(sync::Header{}, std::vector{std::move(op)});
    STREETLOG_CHECK(follower_.author()(std::move(drafts)));
    STREETLOG_CHECK(follower_.catch_up());
    return rule_list();
}

Result<json::object> Desk::rule_list() {
    json::array rows;
    const auto add = [&](const sync::Rule& rule) {
        json::object row{{"rule", rule.id}, {"hours", hours_text(rule.limit)}};
        row["coc"] = rule.coc.empty() ? "any" : rule.coc;
        row["project_type"] = rule.project_type ? std::to_string(*rule.project_type) : "any";
        row["kind"] = rule.kind == sync::EventKind::kNone ? "any" : sync::name_of(rule.kind);
        row["from"] = rule.id == sync::default_rule().id ? "always" : format_date(rule.from);
        row["to"] = rule.to ? format_date(*rule.to) : "";
        rows.push_back(std::move(row));
    };
    add(sync::default_rule());
    for (const auto& rule : follower_.projection().lateness().rules()) add(rule);
    return json::object{{"rules", std::move(rows)}};
}

}  // namespace streetlog::hub
