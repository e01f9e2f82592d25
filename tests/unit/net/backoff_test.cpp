#include "sync/net/backoff.hpp"

#include <random>

#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

    void fill(std::span<Byte> out) override {
        for (Byte& b : out) b = static_cast<Byte>(engine_());
    }

  private:
    std::mt19937_64 engine_;
};

/// The same byte for ever.
class ConstantRandom final : public Random {
  public:
    explicit ConstantRandom(Byte byte) : byte_(byte) {}

    void fill(std::span<Byte> out) override { std::ranges::fill(out, byte_); }

  private:
    Byte byte_;
};

TEST(Backoff, EveryWaitIsWithinItsCeiling) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SeededRandom random(seed);
        const Millis first{static_cast<std::int64_t>(1 + seed * 7 % 3'000)};
        const Millis longest{first.count() * static_cast<std::int64_t>(1 + seed % 400)};
        Backoff backoff(random, {first, longest});
        Millis ceiling = first;
        for (int attempt = 0; attempt < 40; ++attempt) {
            const Millis wait = backoff.next();
            ASSERT_GE(wait, Millis{0}) << "seed " << seed << " attempt " << attempt;
            ASSERT_LE(wait, ceiling) << "seed " << seed << " attempt " << attempt;
            ceiling = std::min(ceiling * 2, longest);
        }
        backoff.reset();
        ASSERT_LE(backoff.next(), first) << "seed " << seed;
    }
}

TEST(Backoff, WaitsSpreadOverTheWholeRange) {
    SeededRandom random(1);
    std::array<int, 10> tenths{};
    Backoff backoff(random, {Millis{1'000}, Millis{1'000}});
    for (int i = 0; i < 10'000; ++i) {
        ++tenths[static_cast<std::size_t>(std::min<std::int64_t>(9, backoff.next().count() / 100))];
    }
    for (const int count : tenths) EXPECT_NEAR(count, 1'000, 150);
}

TEST(Backoff, TheDefaultGrowsFromASecondToFiveMinutes) {
    std::int64_t longest_seen = 0;
    SeededRandom random(2);
    Backoff backoff(random);
    EXPECT_LE(backoff.next(), Millis{1'000});
    for (int i = 0; i < 2'000; ++i)
        longest_seen = std::max<std::int64_t>(longest_seen, backoff.next().count());
    EXPECT_GT(longest_seen, 290'000);
    EXPECT_LE(longest_seen, 300'000);
    ConstantRandom zeros(0);
    EXPECT_EQ(Backoff(zeros).next(), Millis{0});
}

}  // namespace
}  // namespace streetlog::net
