#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace streetlog::sim {

/// Everything that goes wrong. Each seed has its own selection of faults and its own pace; every
/// fault has a number, so that one can be left out and all others stay what they were.
class Nemesis {
  public:
    explicit Nemesis(World& world);

    /// Sets the faults of `until` in motion.
    void start(Instant until);

  private:
    struct Kind {
        FaultKind kind;
        std::uint64_t per_day;  // of the whole world, in hundredths
        std::function<std::string(Dice&)> strike;
    };

    void next(Instant until);
    void strike();
    [[nodiscard]] std::vector<Kind> kinds();
    SimAgent& anybody(Dice& dice);

    std::string clog(Dice& dice);
    std::string clock_jump(Dice& dice);
    std::string disk_fault(Dice& dice, FaultKind kind);
    std::string old_version(Dice& dice);

    World& world_;
    Dice dice_;
    std::vector<Kind> kinds_;
    std::uint64_t per_day_ = 0;  // of all kinds together
    std::uint64_t number_ = 0;
};

}  // namespace streetlog::sim
