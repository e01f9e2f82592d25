#include "sync/timeliness/day_bucket.hpp"

namespace streetlog::sync {

DayBucket day_bucket(Date created, Date event) {
    const auto days = (std::chrono::sys_days{created} - std::chrono::sys_days{event}).count();
    if (days < 0) return DayBucket::kBelowZero;
    if (days == 0) return DayBucket::kZero;
    if (days <= 3) return DayBucket::kOneToThree;
    if (days <= 6) return DayBucket::kFourToSix;
    if (days <= 10) return DayBucket::kSevenToTen;
    return DayBucket::kElevenOrMore;
}

std::string_view name_of(DayBucket bucket) {
    switch (bucket) {
        case DayBucket::kBelowZero:
            return "< 0 days";
        case DayBucket::kZero:
            return "0 days";
        case DayBucket::kOneToThree:
            return "1-3 days";
        case DayBucket::kFourToSix:
            return "4-6 days";
        case DayBucket::kSevenToTen:
            return "7-10 days";
        case DayBucket::kElevenOrMore:
            return "11+ days";
    }
    return "unknown";
}

}  // namespace streetlog::sync
