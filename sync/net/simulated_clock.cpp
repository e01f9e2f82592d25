#include "sync/net/simulated_clock.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <string_view>

namespace streetlog::net {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool parse_number(std::string_view text, std::int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool parse_boot_id(std::string_view text, std::optional<std::uint64_t>& out) {
    std::array<Byte, 8> bytes{};
    if (!from_hex(text, bytes)) return false;
    std::uint64_t value = 0;
    for (Byte b : bytes) value = value << 8 | b;
    out = value;
    return true;
}

bool set(ClockShift& shift, std::string_view name, std::string_view value) {
    if (name == "wall_offset_ms") return parse_number(value, shift.wall_offset_ms);
    if (name == "boottime_offset_ms") return parse_number(value, shift.boottime_offset_ms);
    if (name == "boot_id") return parse_boot_id(value, shift.boot_id);
    return false;
}

/// The sum, or the end of the numbers: a file may say anything.
std::int64_t moved(std::int64_t base, std::int64_t by) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(base, by, &sum)) return sum;
    return by < 0 ? std::numeric_limits<std::int64_t>::min()
                  : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

Result<ClockShift> read_clock_shift(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) return fail(ErrorCode::kNotFound, "cannot read the clock file " + file.string());
    ClockShift shift;
    std::set<std::string, std::less<>> seen;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string_view text = trimmed(line);
        if (text.empty() || text.front() == '#') continue;
        const auto equals = text.find('=');
        const std::string_view name = trimmed(text.substr(0, equals));
        if (equals == std::string_view::npos || !seen.emplace(name).second ||
            !set(shift, name, trimmed(text.substr(equals + 1)))) {
            return fail(ErrorCode::kInvalidInput,
                        "line " + std::to_string(number) + " of the clock file " + file.string() +
                            " is not understood",
                        "Lines are wall_offset_ms = N, boottime_offset_ms = N or boot_id = 16 hex "
                        "digits, each once.");
        }
    }
    return shift;
}

ClockReading SimulatedClock::read() {
    ClockReading reading = real_.read();
    reading.wall.ms = moved(reading.wall.ms, shift_.wall_offset_ms);
    const std::int64_t boottime =
        moved(static_cast<std::int64_t>(reading.boottime_ms), shift_.boottime_offset_ms);
    reading.boottime_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, boottime));
    reading.suspended_ms = std::min(reading.suspended_ms, reading.boottime_ms);
    if (shift_.boot_id) reading.boot_id = *shift_.boot_id;
    return reading;
}

Result<std::unique_ptr<FollowedClock>> FollowedClock::open(std::filesystem::path file) {
    STREETLOG_TRY(const auto shift, read_clock_shift(file));
    return std::unique_ptr<FollowedClock>{new FollowedClock{std::move(file), shift}};
}

ClockReading FollowedClock::read() {
    const std::lock_guard lock{mutex_};
    if (const auto shift = read_clock_shift(file_)) shift_ = *shift;
    return SimulatedClock{shift_}.read();
}

}  // namespace streetlog::net
