#include "sync/timeliness/rules.hpp"

#include <algorithm>
#include <tuple>

namespace streetlog::sync {
namespace {

bool applies(const Rule& rule, const RuleQuery& query) {
    return (rule.coc.empty() || rule.coc == query.coc) &&
           (!rule.project_type || rule.project_type == query.project_type) &&
           (rule.kind == EventKind::kNone || rule.kind == query.kind) && rule.from <= query.day &&
           (!rule.to || query.day <= *rule.to);
}

auto precedence(const Rule& rule) {
    return std::tuple(
        !rule.coc.empty(), rule.project_type.has_value(), rule.kind != EventKind::kNone, rule.id);
}

}  // namespace

const Rule& default_rule() {
    static const Rule kDefault{
        .id = 1,
        .coc = {},
        .project_type = std::nullopt,
        .kind = EventKind::kNone,
        .limit = std::chrono::hours{24},
        .from = Date{std::chrono::year{1970}, std::chrono::January, std::chrono::day{1}},
        .to = std::nullopt};
    return kDefault;
}

const Rule* find_rule(std::span<const Rule> rules, const RuleQuery& query) {
    const Rule* best = nullptr;
    for (const Rule& rule : rules)
        if (applies(rule, query) && (best == nullptr || precedence(*best) < precedence(rule)))
            best = &rule;
    return best != nullptr ? best : &default_rule();
}

Date interaction_day(const Interval& occurred, int tz_minutes) {
    constexpr std::int64_t kLast = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z
    constexpr int kDay = 24 * 60;
    const Instant end{std::clamp<std::int64_t>(occurred.hi.ms, 0, kLast)};
    const Date day = date_of(end, std::clamp(tz_minutes, -kDay, kDay));
    return std::clamp(day, date_of(Instant{0}, 0), date_of(Instant{kLast}, 0));
}

}  // namespace streetlog::sync
