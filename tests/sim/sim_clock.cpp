#include "tests/sim/sim_clock.hpp"

#include <algorithm>

namespace streetlog::sim {

SimClock::SimClock(const Instant& now, Dice dice, Keeper keeper)
    : now_(now), dice_(dice), base_(now), wall_(now) {
    if (keeper == Keeper::kNobody) ppm_ = dice_.between(-80, 80);
    boot_id_ = dice_.next() | 1;
    boot_ms_ = dice_.between(10'000, 100'000'000);
    if (keeper == Keeper::kNobody) wall_ = wall_ + Millis{dice_.between(-2'000, 2'000)};
}

std::int64_t SimClock::ticks(Instant t) const {
    const std::int64_t truly = (t - base_).count();
    return truly + truly / 1'000 * ppm_ / 1'000;
}

ClockReading SimClock::at(Instant t) const {
    const std::int64_t passed = ticks(t);
    return {.wall = wall_ + Millis{passed},
            .boot_id = boot_id_,
            .boottime_ms = static_cast<std::uint64_t>(boot_ms_ + passed),
            .suspended_ms = static_cast<std::uint64_t>(slept_ms_)};
}

void SimClock::rebase() {
    const std::int64_t passed = ticks(now_);
    wall_ = wall_ + Millis{passed};
    boot_ms_ += passed;
    base_ = now_;
}

std::int64_t SimClock::by_chip(Millis truly) {
    const std::int64_t rate = dice_.between(-500, 500);
    const std::int64_t seen =
        truly.count() + truly.count() / 1'000 * rate / 1'000 + dice_.between(-1'900, 1'900);
    return std::max<std::int64_t>(seen, 0);
}

void SimClock::set_wall(Instant to) {
    rebase();
    wall_ = to;
}

void SimClock::suspend() {
    if (suspended_) return;
    rebase();
    suspended_ = true;
}

void SimClock::resume() {
    if (!suspended_) return;
    const std::int64_t slept = by_chip(now_ - base_);
    base_ = now_;
    wall_ = wall_ + Millis{slept};
    boot_ms_ += slept;
    slept_ms_ += slept;
    suspended_ = false;
}

void SimClock::reboot() {
    if (suspended_) resume();
    rebase();
    wall_ = wall_ + Millis{dice_.between(-1'000, 1'000)};
    boot_id_ = dice_.next() | 1;
    boot_ms_ = dice_.between(5'000, 60'000);
    slept_ms_ = 0;
}

}  // namespace streetlog::sim
