#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "schema/ports.hpp"

namespace streetlog::sim {

/// Everything that is decided by chance comes from one of these, and all of them from one seed.
/// splitmix64: any seed is as good as another, and the same everywhere.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}

    /// One that goes its own way from here on: what is asked of it does not shift what is asked of
    /// this one. `name` keeps two made at the same moment apart.
    [[nodiscard]] Dice split(std::string_view name) {
        std::uint64_t seed = next();
        for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
        return Dice{seed};
    }

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// 0 .. n - 1. Requires: n > 0.
    std::uint64_t below(std::uint64_t n) { return next() % n; }

    /// lo .. hi, both included.
    std::int64_t between(std::int64_t lo, std::int64_t hi) {
        return lo + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(hi - lo) + 1));
    }

    /// True `in_thousand` times out of a thousand.
    bool chance(std::uint64_t in_thousand) { return below(1'000) < in_thousand; }

    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[below(from.size())];
    }

    template <class T>
    void shuffle(std::vector<T>& all) {
        for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[below(i)]);
    }

  private:
    std::uint64_t state_;
};

/// The randomness of one program: ids, nonces, jitter.
class SimRandom final : public Random {
  public:
    explicit SimRandom(Dice dice) : dice_(dice) {}

    void fill(std::span<Byte> out) override {
        for (Byte& b : out) b = static_cast<Byte>(dice_.next() >> 32);
    }

  private:
    Dice dice_;
};

}  // namespace streetlog::sim
