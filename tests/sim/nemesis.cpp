#include "tests/sim/nemesis.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

namespace streetlog::sim {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

}  // namespace

std::string_view name_of(FaultKind kind) {
    constexpr std::array<std::string_view, kFaultKinds> kNames{
        "agent power cuts",  "agent kills",     "agent cuts inside an act",
        "hub power cuts",    "hub kills",       "hub cuts inside an act",
        "disk errors",       "full disks",      "short writes",
        "failed fsyncs",     "connections cut", "partitions",
        "swizzle-clogs",     "slow links",      "half-dead connections",
        "lost acks",         "clock jumps",     "clocks in 1970",
        "clocks set unseen", "reboots",         "sleeps",
        "zone changes",      "hub clock steps", "programs closed",
        "old versions"};
    return kNames[static_cast<std::size_t>(kind)];
}

Nemesis::Nemesis(World& world) : world_(world), dice_(world.dice.split("nemesis")) {
    kinds_ = kinds();
    // Some seeds know few kinds of trouble and much of it, some all of it.
    const auto in_thousand = static_cast<std::uint64_t>(dice_.between(200, 1'000));
    std::erase_if(kinds_, [&](const Kind&) { return !dice_.chance(in_thousand); });
    const auto pace = static_cast<std::uint64_t>(dice_.between(30, 250));
    for (Kind& kind : kinds_) {
        kind.per_day = kind.per_day * pace / 100;
        per_day_ += kind.per_day;
    }
}

SimAgent& Nemesis::anybody(Dice& dice) { return *world_.agents[dice.below(world_.agents.size())]; }

void Nemesis::start(Instant until) { next(until); }

void Nemesis::next(Instant until) {
    if (per_day_ == 0) return;
    const auto mean = kDay * 100 / static_cast<std::int64_t>(per_day_);
    const Instant when =
        world_.now() + Millis{dice_.between(1, 2 * std::max<std::int64_t>(mean, 1))};
    if (when >= until) return;
    world_.events.at(when, [this, until] {
        strike();
        next(until);
    });
}

void Nemesis::strike() {
    auto lot = dice_.below(per_day_);
    const Kind* chosen = nullptr;
    for (const Kind& kind : kinds_) {
        if (lot < kind.per_day) {
            chosen = &kind;
            break;
        }
        lot -= kind.per_day;
    }
    if (chosen == nullptr) return;
    const std::uint64_t number = ++number_;
    Dice own = dice_.split("strike");
    if (world_.options.drop.contains(number)) return;
    const std::string what = chosen->strike(own);
    if (what.empty()) return;
    ++world_.out.faults[static_cast<std::size_t>(chosen->kind)];
    world_.out.fault_list.emplace_back(number,
                                       fmt::format("{} {}", format_instant(world_.now()), what));
    world_.trace.note(what, number);
    world_.say("FAULT " + what);
}

std::vector<Nemesis::Kind> Nemesis::kinds() {
    std::vector<Kind> out;
    const auto add = [&](FaultKind kind, std::uint64_t per_day, auto strike) {
        out.push_back({kind, per_day, std::move(strike)});
    };
    add(FaultKind::kAgentPowerCut, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        agent.power_cut();
        return agent.name() + " loses power";
    });
    add(FaultKind::kAgentKilled, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        agent.killed();
        return agent.name() + " is killed";
    });
    add(FaultKind::kAgentCutInOp, 300, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        const auto at = agent.disk.changes() + 1 + dice.below(40);
        agent.disk.plan({.at = at, .what = DiskFault::kCrash});
        return fmt::format("{} loses power at disk operation {}", agent.name(), at);
    });
    add(FaultKind::kHubPowerCut, 60, [this](Dice&) {
        if (!world_.hub->running()) return std::string{};
        world_.hub->power_cut();
        return std::string{"the hub loses power"};
    });
    add(FaultKind::kHubKilled, 60, [this](Dice&) {
        if (!world_.hub->running()) return std::string{};
        world_.hub->killed();
        return std::string{"the hub is killed"};
    });
    add(FaultKind::kHubCutInOp, 250, [this](Dice& dice) {
        if (!world_.hub->running()) return std::string{};
        const auto at = world_.hub->disk.changes() + 1 + dice.below(60);
        world_.hub->disk.plan({.at = at, .what = DiskFault::kCrash});
        return fmt::format("the hub loses power at disk operation {}", at);
    });
    for (const auto kind : {FaultKind::kDiskError,
                            FaultKind::kDiskFull,
                            FaultKind::kShortWrite,
                            FaultKind::kSyncFails})
        add(kind, 120, [this, kind](Dice& dice) { return disk_fault(dice, kind); });
    add(FaultKind::kConnectionCut, 800, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (agent.connection() == nullptr) return std::string{};
        agent.connection()->cut(Millis{dice.between(0, 60'000)}, std::nullopt);
        return fmt::format("the connection of {} is cut", agent.name());
    });
    add(FaultKind::kHalfDead, 500, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (agent.connection() == nullptr) return std::string{};
        const auto later =
            dice.chance(300) ? dice.between(kHour, 2 * kDay) : dice.between(100, 10 * kMinute);
        const auto notices = dice.chance(500) ? dice.between(0, 5'000) : dice.between(0, 2 * kHour);
        agent.connection()->cut(Millis{notices}, Millis{std::max(later, notices)});
        return fmt::format(
            "the connection of {} dies on its side only, for {} ms", agent.name(), later);
    });
    add(FaultKind::kAckLost, 500, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (agent.connection() == nullptr) return std::string{};
        agent.connection()->lose_next_ack();
        return fmt::format("the next ack to {} is lost", agent.name());
    });
    add(FaultKind::kPartition, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        auto link = agent.link;
        if (!link.up) return std::string{};
        link.up = false;
        agent.set_link(link);
        const auto wait =
            dice.chance(200) ? dice.between(kDay, 4 * kDay) : dice.between(kMinute, 8 * kHour);
        world_.events.in(Millis{wait}, [&agent] {
            auto again = agent.link;
            again.up = true;
            agent.set_link(again);
        });
        return fmt::format("{} has no network for {} min", agent.name(), wait / kMinute);
    });
    add(FaultKind::kSwizzleClog, 40, [this](Dice& dice) { return clog(dice); });
    add(FaultKind::kSlowLink, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        auto link = agent.link;
        link.latency = Millis{dice.between(1, 3'000)};
        link.bytes_per_second =
            dice.chance(300) ? dice.between(500, 5'000) : dice.between(20'000, 5'000'000);
        agent.set_link(link);
        return fmt::format("the link of {} takes {} ms and {} bytes a second",
                           agent.name(),
                           link.latency.count(),
                           link.bytes_per_second);
    });
    add(FaultKind::kClockJump, 150, [this](Dice& dice) { return clock_jump(dice); });
    add(FaultKind::kClock1970, 30, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        agent.reboot_at({dice.between(0, kDay)});
        return agent.name() + " wakes up in 1970";
    });
    add(FaultKind::kClockUnseen, 20, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        const auto by = dice.between(-2 * kDay, 2 * kDay);
        agent.reboot_at(agent.clock.read().wall + Millis{by});
        return fmt::format("the clock of {} is set by {} ms while it is off", agent.name(), by);
    });
    add(FaultKind::kReboot, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.running()) return std::string{};
        agent.reboot();
        return agent.name() + " reboots";
    });
    add(FaultKind::kSuspend, 500, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.awake()) return std::string{};
        agent.suspend();
        world_.events.in(Millis{dice.between(1'000, 14 * kHour)}, [&agent] { agent.resume(); });
        return agent.name() + " sleeps";
    });
    add(FaultKind::kZoneChange, 50, [this](Dice& dice) {
        auto& agent = anybody(dice);
        agent.clock.zone = static_cast<std::int16_t>(15 * dice.between(-48, 56));
        return fmt::format("{} is in another zone: {} min", agent.name(), agent.clock.zone);
    });
    add(FaultKind::kHubClockStep, 50, [this](Dice& dice) {
        const auto reach = dice.chance(300) ? kHour : 900;
        const auto by = dice.between(-reach, reach);
        world_.hub->set_clock_off(Millis{by});
        return fmt::format("the hub's clock is {} ms off", by);
    });
    add(FaultKind::kAppClosed, 150, [this](Dice& dice) {
        auto& agent = anybody(dice);
        if (!agent.awake()) return std::string{};
        agent.close_app();
        return fmt::format("the program on {} is closed", agent.name());
    });
    add(FaultKind::kOldVersion, 60, [this](Dice& dice) { return old_version(dice); });
    return out;
}

/// Links stop one by one and come back in another order.
std::string Nemesis::clog(Dice& dice) {
    auto order = std::vector<std::size_t>(world_.agents.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    dice.shuffle(order);
    std::int64_t wait = 0;
    for (const std::size_t i : order) {
        wait += dice.between(0, 20'000);
        world_.events.in(Millis{wait}, [this, i] {
            auto link = world_.agents[i]->link;
            link.up = false;
            world_.agents[i]->set_link(link);
        });
    }
    dice.shuffle(order);
    for (const std::size_t i : order) {
        wait += dice.between(0, 10 * kMinute);
        world_.events.in(Millis{wait}, [this, i] {
            auto link = world_.agents[i]->link;
            link.up = true;
            world_.agents[i]->set_link(link);
        });
    }
    return fmt::format("all links stop one by one and come back in {} min", wait / kMinute);
}

std::string Nemesis::clock_jump(Dice& dice) {
    constexpr std::array<std::int64_t, 6> kReach{
        1'000, kMinute, kHour, kDay, 365 * kDay, 3'650 * kDay};
    auto& agent = anybody(dice);
    if (!agent.awake()) return {};
    const auto reach = kReach[dice.below(kReach.size())];
    const auto by = dice.between(-reach, reach);
    agent.set_wall(agent.clock.read().wall + Millis{by});
    if (dice.chance(500))
        world_.events.in(Millis{dice.between(kMinute, kDay)},
                         [this, &agent] { agent.set_wall(world_.now()); });
    return fmt::format("somebody sets the clock of {} by {} ms", agent.name(), by);
}

std::string Nemesis::disk_fault(Dice& dice, FaultKind kind) {
    SimAgent* agent = dice.chance(600) ? &anybody(dice) : nullptr;
    if (agent == nullptr ? !world_.hub->running() : !agent->running()) return {};
    SimDisk& disk = agent == nullptr ? world_.hub->disk : agent->disk;
    const std::string whose = agent == nullptr ? "the hub" : agent->name();
    const auto last = dice.between(1'000, 30 * kMinute);
    if (kind == FaultKind::kDiskFull) {
        disk.set_full(true);
        world_.events.in(Millis{last}, [&disk] { disk.set_full(false); });
        return fmt::format("the disk of {} is full for {} s", whose, last / 1'000);
    }
    FaultPlan plan{.at = disk.changes() + 1 + dice.below(20)};
    plan.what = kind == FaultKind::kDiskError    ? DiskFault::kIoError
                : kind == FaultKind::kShortWrite ? DiskFault::kShortWrite
                                                 : DiskFault::kSyncFails;
    plan.forever = dice.chance(300);
    plan.reads_too = kind == FaultKind::kDiskError && dice.chance(500);
    disk.plan(plan);
    if (plan.forever) world_.events.in(Millis{last}, [&disk] { disk.forgive(); });
    return fmt::format("{} has {} at disk operation {}{}",
                       whose,
                       name_of(plan.what),
                       plan.at,
                       plan.forever ? " and after" : "");
}

std::string Nemesis::old_version(Dice& dice) {
    auto& agent = anybody(dice);
    if (!agent.awake()) return {};
    agent.old_version = !agent.old_version;
    agent.close_app();
    return agent.name() +
           (agent.old_version ? " goes back to an old version" : " is brought up to date");
}

}  // namespace streetlog::sim
