#include "schema/time.hpp"

#include <cctype>

#include <fmt/format.h>

namespace streetlog {
namespace {

/// Reads exactly `digits` decimal digits and drops them from `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Date> take_date(std::string_view& text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day) return std::nullopt;
    const Date date{std::chrono::year{*year},
                    std::chrono::month{static_cast<unsigned>(*month)},
                    std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return date;
}

/// Minutes east of Greenwich: "Z", "+hh:mm", "-hh:mm".
std::optional<int> take_zone(std::string_view& text) {
    if (take(text, 'Z')) return 0;
    const bool east = !text.empty() && text.front() == '+';
    if (!east && (text.empty() || text.front() != '-')) return std::nullopt;
    text.remove_prefix(1);
    const auto h = take_digits(text, 2);
    if (!h || !take(text, ':')) return std::nullopt;
    const auto m = take_digits(text, 2);
    if (!m || *h > 15 || *m > 59) return std::nullopt;
    return (east ? 1 : -1) * (*h * 60 + *m);
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
    const auto date = take_date(text);
    if (!text.empty()) return std::nullopt;
    return date;
}

std::string format_date(Date date) {
    return fmt::format("{:04}-{:02}-{:02}",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

std::optional<Instant> parse_instant(std::string_view text, std::optional<int> default_offset) {
    const auto date = take_date(text);
    if (!date) return std::nullopt;
    if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
    const auto h = take_digits(text, 2);
    if (!h || !take(text, ':')) return std::nullopt;
    const auto m = take_digits(text, 2);
    if (!m || *h > 23 || *m > 59) return std::nullopt;
    int s = 0;
    int ms = 0;
    if (take(text, ':')) {
        const auto seconds = take_digits(text, 2);
        if (!seconds || *seconds > 59) return std::nullopt;
        s = *seconds;
        if (take(text, '.')) {
            const auto millis = take_digits(text, 3);
            if (!millis) return std::nullopt;
            ms = *millis;
        }
    }
    const auto offset = text.empty() ? default_offset : take_zone(text);
    if (!offset || !text.empty()) return std::nullopt;
    const std::int64_t minutes = static_cast<std::int64_t>(*h) * 60 + *m - *offset;
    return Instant{start_of(*date).ms + minutes * 60'000 + s * 1000 + ms};
}

std::string format_instant(Instant t) {
    const std::chrono::sys_time<Millis> point{Millis{t.ms}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::hh_mm_ss time{point - day};
    return fmt::format("{}T{:02}:{:02}:{:02}.{:03}Z",
                       format_date(Date{day}),
                       time.hours().count(),
                       time.minutes().count(),
                       time.seconds().count(),
                       time.subseconds().count());
}

Date date_of(Instant t, int offset_minutes) {
    const std::chrono::sys_time<Millis> point{Millis{t.ms} + std::chrono::minutes{offset_minutes}};
    return Date{std::chrono::floor<std::chrono::days>(point)};
}

Instant start_of(Date date) {
    return {
        std::chrono::duration_cast<Millis>(std::chrono::sys_days{date}.time_since_epoch()).count()};
}

std::string format_duration(Millis d) {
    const bool negative = d.count() < 0;
    const std::int64_t seconds = (negative ? -d.count() : d.count()) / 1000;
    const std::string sign = negative ? "-" : "";
    if (seconds < 60) return fmt::format("{}{} s", sign, seconds);
    if (seconds < 3600) return fmt::format("{}{} min", sign, seconds / 60);
    if (seconds < 48 * 3600)
        return fmt::format("{}{} h {:02} min", sign, seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}{} d {} h", sign, seconds / 86400, seconds / 3600 % 24);
}

}  // namespace streetlog
