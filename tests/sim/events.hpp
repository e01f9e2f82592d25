#pragma once

#include <functional>
#include <map>
#include <span>
#include <string_view>

#include "schema/time.hpp"

namespace streetlog::sim {

/// True time, and what is to happen at which point of it. One thread; what is due at the same
/// moment happens in the order in which it was asked for.
class Events {
  public:
    explicit Events(Instant start) : now_(start) {}

    [[nodiscard]] const Instant& now() const { return now_; }

    void at(Instant when, std::function<void()> what) {
        due_.emplace(std::max(when, now_), std::move(what));
    }

    void in(Millis wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

    /// Lets the next thing happen, unless it is due after `until`; time then stands at `until`.
    bool step(Instant until) {
        if (due_.empty() || due_.begin()->first > until) {
            now_ = std::max(now_, until);
            return false;
        }
        auto first = due_.extract(due_.begin());
        now_ = first.key();
        first.mapped()();
        ++done_;
        return true;
    }

    [[nodiscard]] std::uint64_t done() const { return done_; }

  private:
    Instant now_;
    std::multimap<Instant, std::function<void()>> due_;  // equal keys stay in order of insertion
    std::uint64_t done_ = 0;
};

/// A hash over everything that happened, in order: the same seed gives the same one.
class Trace {
  public:
    void bytes(std::span<const Byte> bytes) {
        for (const Byte b : bytes) take(b);
        take(static_cast<Byte>(0xff));
    }

    void note(std::string_view what, std::uint64_t number = 0) {
        for (const char c : what) take(static_cast<Byte>(c));
        for (int i = 0; i < 8; ++i) take(static_cast<Byte>(number >> (8 * i)));
    }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }

  private:
    void take(Byte b) { hash_ = (hash_ ^ b) * 0x100000001b3ULL; }

    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace streetlog::sim
