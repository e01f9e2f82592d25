#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "schema/error.hpp"
#include "sync/net/system_clock.hpp"

namespace streetlog::net {

/// How far a pretended device's clocks are from this machine's.
struct ClockShift {
    std::int64_t wall_offset_ms = 0;  // added to the wall clock; 10800000 is three hours fast
    std::int64_t boottime_offset_ms =
        0;  // added to the time since boot, which never reads below zero
    std::optional<std::uint64_t>
        boot_id;  // in place of the machine's, so that two runs can be two boots
};

/// Reads a shift from a text file: one `name = value` a line, any of
///     wall_offset_ms = -108000000
///     boottime_offset_ms = 400000000
///     boot_id = 00000000000000a1        (16 hex digits)
/// Blank lines and lines that start with # are skipped; an unknown or repeated name is an error.
/// kNotFound when the file cannot be read, kInvalidInput when it does not have this form.
[[nodiscard]] Result<ClockShift> read_clock_shift(const std::filesystem::path& file);

/// A real clock, shifted by a fixed amount: lets the demo run a device "30 hours ago" or "three
/// hours fast". Any thread.
class SimulatedClock final : public Clock {
  public:
    explicit SimulatedClock(ClockShift shift) : shift_(shift) {}

    [[nodiscard]] ClockReading read() override;

  private:
    ClockShift shift_;
    SystemClock real_;
};

/// Follows a clock file, so that a demonstration can move the time of a program while it runs:
/// replace the file whole (write another, rename it), and the next reading uses it. A file that
/// cannot be read later on leaves the last shift in force. Any thread.
class FollowedClock final : public Clock {
  public:
    /// Errors as read_clock_shift.
    [[nodiscard]] static Result<std::unique_ptr<FollowedClock>> open(std::filesystem::path file);

    [[nodiscard]] ClockReading read() override;

  private:
    FollowedClock(std::filesystem::path file, const ClockShift& shift)
        : file_(std::move(file)), shift_(shift) {}

    std::filesystem::path file_;
    std::mutex mutex_;
    ClockShift shift_;
};

}  // namespace streetlog::net
