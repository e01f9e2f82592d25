#pragma once

#include <cstdint>
#include <span>

#include "schema/id.hpp"
#include "schema/time.hpp"

namespace streetlog {

/// One simultaneous reading of every clock a device has.
struct ClockReading {
    Instant wall;                   // the clock a person can set
    std::uint64_t boot_id = 0;      // low half of the kernel's boot id; changes at every boot
    std::uint64_t boottime_ms = 0;  // CLOCK_BOOTTIME: since boot, sleep included, nobody can set it
    std::uint64_t suspended_ms = 0;  // CLOCK_BOOTTIME - CLOCK_MONOTONIC: how much of it was sleep
};

/// The only way to know the time. The real one is in sync/net; tests and the demo bring their own.
class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual ClockReading read() = 0;

    [[nodiscard]] Instant now() { return read().wall; }
};

/// The only source of randomness. The real one asks the operating system.
class Random {
  public:
    Random() = default;
    Random(const Random&) = delete;
    Random& operator=(const Random&) = delete;
    virtual ~Random() = default;

    virtual void fill(std::span<Byte> out) = 0;

    template <class IdType>
    [[nodiscard]] IdType id() {
        IdType id;
        fill(id.bytes);
        return id;
    }
};

}  // namespace streetlog
