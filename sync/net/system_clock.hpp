#pragma once

#include "schema/ports.hpp"

namespace streetlog::net {

/// The machine's clocks. Any thread.
class SystemClock final : public Clock {
  public:
    SystemClock();

    [[nodiscard]] ClockReading read() override;

  private:
    std::uint64_t boot_id_;
};

/// getrandom(2). Any thread; aborts if the kernel refuses, because ids that are not random are
/// worse than no program.
class SystemRandom final : public Random {
  public:
    void fill(std::span<Byte> out) override;
};

}  // namespace streetlog::net
