#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "schema/ports.hpp"

namespace streetlog::bench {

/// Random numbers from a seed (splitmix64): the same on every machine and library.
class Dice final : public Random {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {
        // Neighbouring seeds would otherwise give the same numbers, only shifted.
        state_ = next() ^ (seed << 32);
    }

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// 0 to n - 1.
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

    /// lo to hi.
    std::int64_t between(std::int64_t lo, std::int64_t hi) {
        return lo + static_cast<std::int64_t>(below(static_cast<std::size_t>(hi - lo + 1)));
    }

    bool percent(std::size_t n) { return below(100) < n; }

    template <class T, std::size_t N>
    const T& pick(const std::array<T, N>& from) {
        return from[below(N)];
    }

    void fill(std::span<Byte> out) override {
        for (std::size_t i = 0; i < out.size(); i += 8) {
            const std::uint64_t word = next();
            std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, out.size() - i));
        }
    }

  private:
    std::uint64_t state_;
};

}  // namespace streetlog::bench
