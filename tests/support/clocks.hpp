#pragma once

#include "schema/ports.hpp"

namespace streetlog::test {

/// Time that moves only when told.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(Instant start = {1'790'000'000'000}) { reading_.wall = start; }

    [[nodiscard]] ClockReading read() override { return reading_; }

    void advance(Millis by) {
        reading_.wall = reading_.wall + by;
        reading_.boottime_ms += static_cast<std::uint64_t>(by.count());
    }

    ClockReading reading_{.wall = {}, .boot_id = 1, .boottime_ms = 1'000'000, .suspended_ms = 0};
};

/// Repeatable: the same seed gives the same ids.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    void fill(std::span<Byte> out) override {
        for (Byte& b : out) {
            state_ += 0x9e3779b97f4a7c15ULL;
            std::uint64_t z = state_;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
            b = static_cast<Byte>(z >> 56);
        }
    }

  private:
    std::uint64_t state_;
};

}  // namespace streetlog::test
