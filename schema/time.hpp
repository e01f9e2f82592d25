#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streetlog {

using Millis = std::chrono::milliseconds;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. May be negative or absurd when it
/// comes from a device.
struct Instant {
    std::int64_t ms = 0;

    friend auto operator<=>(Instant, Instant) = default;

    friend Instant operator+(Instant t, Millis d) { return {t.ms + d.count()}; }

    friend Instant operator-(Instant t, Millis d) { return {t.ms - d.count()}; }

    friend Millis operator-(Instant a, Instant b) { return Millis{a.ms - b.ms}; }
};

/// A closed interval [lo, hi] that holds the true time.
struct Interval {
    Instant lo;
    Instant hi;

    friend auto operator<=>(const Interval&, const Interval&) = default;
};

/// A calendar day as HUD writes it: no zone, no time.
using Date = std::chrono::year_month_day;

/// A hybrid logical clock stamp: 48 bits of milliseconds since 1970, 16 bits of counter. Orders for
/// display and as the last tie-break only; never decides custody.
struct HlcStamp {
    std::uint64_t value = 0;

    friend auto operator<=>(HlcStamp, HlcStamp) = default;

    [[nodiscard]] std::int64_t ms() const { return static_cast<std::int64_t>(value >> 16); }
};

/// "2026-11-23" and nothing else; a date that does not exist is refused.
[[nodiscard]] std::optional<Date> parse_date(std::string_view text);
[[nodiscard]] std::string format_date(Date date);

/// "2026-11-23T14:05:09.250Z"; or with "+hh:mm" / "-hh:mm" instead of Z, or a blank for T and no
/// zone when `default_offset` (minutes east of Greenwich) is given. Seconds and milliseconds may be
/// left out.
[[nodiscard]] std::optional<Instant> parse_instant(
    std::string_view text, std::optional<int> default_offset = std::nullopt);

/// "2026-11-23T14:05:09.250Z".
[[nodiscard]] std::string format_instant(Instant t);

/// The day `t` falls on, `offset_minutes` east of Greenwich.
[[nodiscard]] Date date_of(Instant t, int offset_minutes);

/// Midnight UTC of `date`.
[[nodiscard]] Instant start_of(Date date);

/// "2 h 05 min", "45 s", "3 d 4 h"; a leading minus when negative. For people, never parsed.
[[nodiscard]] std::string format_duration(Millis d);

}  // namespace streetlog
