#pragma once

#include "schema/ports.hpp"
#include "tests/sim/dice.hpp"

namespace streetlog::sim {

/// The clocks of one machine, as wrong as clocks are: the quartz by at most 80 ppm; across a sleep
/// the clock chip, which counts whole seconds, by at most 0.05 % and 1.9 s; and the wall clock by
/// whatever somebody set. `now` is true time and outlives the clock.
class SimClock final : public Clock {
  public:
    enum class Keeper : std::uint8_t { kNobody, kOffice };

    /// An office keeps its clock right but for what `set_wall` does.
    SimClock(const Instant& now, Dice dice, Keeper keeper = Keeper::kNobody);

    [[nodiscard]] ClockReading read() override { return at(now_); }

    /// What the clocks showed at `t`, since they last changed.
    [[nodiscard]] ClockReading at(Instant t) const;

    /// Somebody sets the wall clock.
    void set_wall(Instant to);
    void suspend();
    void resume();
    /// A new boot id; the wall clock comes from the chip.
    void reboot();

    [[nodiscard]] bool suspended() const { return suspended_; }

    /// Minutes east of Greenwich, as the device is set.
    std::int16_t zone = -480;

  private:
    /// Milliseconds by the quartz from `base_` to `t`.
    [[nodiscard]] std::int64_t ticks(Instant t) const;
    /// What the chip makes of a time nobody watched.
    [[nodiscard]] std::int64_t by_chip(Millis truly);
    void rebase();

    const Instant& now_;
    Dice dice_;
    std::int64_t ppm_ = 0;
    Instant base_;  // true time of the readings below
    Instant wall_;
    std::uint64_t boot_id_ = 1;
    std::int64_t boot_ms_ = 0;
    std::int64_t slept_ms_ = 0;
    bool suspended_ = false;
};

}  // namespace streetlog::sim
