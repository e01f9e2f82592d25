#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "schema/time.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// How long after the interaction a record may reach the hub. Windows are local: HUD measures the
/// days (APR Q6e) but sets no limit, data quality plans of a CoC do.
struct Rule {
    std::uint32_t id = 0;               // never reused; goes into every verdict
    std::string coc;                    // "TX-600"; empty: any
    std::optional<int> project_type;    // HUD 2.02.6; none: any
    EventKind kind = EventKind::kNone;  // kNone: any
    Millis limit{};
    Date from{};             // first day of interaction it is for
    std::optional<Date> to;  // last such day; none: still in force
};

struct RuleQuery {
    std::string_view coc;
    std::optional<int> project_type;
    EventKind kind = EventKind::kNone;
    Date day;  // of the interaction, never of the receipt: no rule reaches back
};

/// 24 hours elapsed for everything, id 1.
[[nodiscard]] const Rule& default_rule();

/// The rule in force for `query`; never null, since the default rule applies where no other does.
/// Of several, the most specific wins: one that names the CoC before one that does not, then one
/// that names the project type, then one that names the kind; then the higher id, which is the
/// one made later. The pointer is into `rules` or to the default.
[[nodiscard]] const Rule* find_rule(std::span<const Rule> rules, const RuleQuery& query);

/// The day an interaction falls on where it was recorded: of the end of its bracket, because the
/// beginning may be unknown. Years outside 1970 to 9999 are cut to that range.
[[nodiscard]] Date interaction_day(const Interval& occurred, int tz_minutes);

}  // namespace streetlog::sync
