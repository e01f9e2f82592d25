#include "tests/sim/world.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "tests/sim/agent.hpp"
#include "tests/sim/audit.hpp"
#include "tests/sim/hub.hpp"
#include "tests/sim/nemesis.hpp"

namespace streetlog::sim {
namespace {

/// 2026-11-21, a Saturday; daylight saving of the Americas ended three weeks before.
constexpr Instant kStart{1'795'250'000'000};

constexpr std::int64_t kHour = 3'600'000;

/// With nothing going wrong any more, everybody is in step after this.
constexpr Millis kConverges{2 * kHour};

}  // namespace

World::World(const WorldOptions& wanted)
    : options(wanted),
      extras(wanted.extras   ? *wanted.extras
             : wanted.script ? Extras{}
                             : drawn(wanted.seed)),
      vfs(wanted.seed * 1'000 + (wanted.script ? wanted.script->damage : 0)),
      events(kStart),
      dice(wanted.seed) {
    dice = dice.split("world");
}

World::~World() {
    calm = true;
    agents.clear();
    retired.clear();
    hub.reset();
}

void World::say(const std::string& what) {
    if (options.narrate)
        std::fprintf(stderr, "%s %s\n", format_instant(now()).c_str(), what.c_str());
}

void World::found() {
    hub = std::make_unique<SimHub>(*this);
    const auto count = options.script ? 2 : static_cast<int>(dice.between(2, 5));
    hub->found(count, 2);
    for (int i = 0; i < count; ++i) {
        const auto device = hub->enrolled[static_cast<std::size_t>(i)];
        auto agent = std::make_unique<SimAgent>(*this, i + 1, device);
        agent->enrol();
        agent->link.latency = Millis{dice.between(5, 400)};
        agent->start();
        agents.push_back(std::move(agent));
    }
}

void World::live() {
    const Instant end = end_ = kStart + Millis{options.days * 24 * kHour};
    nemesis_ = std::make_unique<Nemesis>(*this);
    if (options.faults && !options.script) nemesis_->start(end);
    const auto hub_before = hub->disk.changes();
    const auto tablet_before = agents.front()->disk.changes();
    if (options.script && !options.script->machine.empty()) {
        SimDisk& disk = vfs.disk(options.script->machine);
        auto plan = options.script->plan;
        plan.at += disk.changes();
        disk.plan(plan);
    }
    pace_ = options.script ? 9 : dice.between(3, 14);
    for (const auto& agent : agents) employ(*agent);
    auto office = std::make_shared<Dice>(dice.split("office"));
    const auto desk = std::make_shared<std::function<void()>>();
    *desk = [this, office, end, weak = std::weak_ptr{desk}] {
        if (extras.scopes && office->chance(250)) hub->change_scope(*office);
        if (extras.scopes && office->chance(250)) hub->change_index(*office);
        switch (office->below(6)) {
            case 0:
            case 1:
                hub->review_quarantine(*office);
                break;
            case 2:
                hub->resolve_conflict(*office);
                break;
            case 3:
                hub->take_apart(*office);
                break;
            default:
                hub->join_by_hand(*office);
        }
        const Instant next = now() + Millis{office->between(10 * 60'000, 8 * kHour)};
        if (next < end)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{office->between(kHour, 10 * kHour)}, [desk] { (*desk)(); });
    Dice more{options.seed ^ 0xd1ceULL};
    if (extras.snapshots) arrivals(more.split("arrivals"));
    if (extras.carried) carry(more.split("files"));
    if (extras.restores) backups(more.split("backups"));
    if (extras.copies) copies(more.split("copies"));
    if (extras.old_hub) {
        Dice own = more.split("upgrade");
        events.in(Millis{own.between(kHour, (end - now()).count())}, [this] { hub->upgrade(); });
    }
    while (events.step(end)) {
    }
    out.hub_changes = hub->disk.changes() - hub_before;
    out.tablet_changes = agents.front()->disk.changes() - tablet_before;
}

void World::employ(SimAgent& agent) {
    auto* who = &agent;
    auto own = std::make_shared<Dice>(dice.split(who->name()));
    const auto mean = 24 * kHour / pace_;
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, who, own, mean, weak = std::weak_ptr{again}] {
        who->work();
        const Instant next = now() + Millis{own->between(1'000, 2 * mean)};
        if (next < end_)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{own->between(0, mean)}, [again] { (*again)(); });
}

/// The faults are over: everything that was broken is mended.
void World::heal() {
    calm = true;
    hub->disk.forgive();
    hub->disk.set_full(false);
    hub->upgrade();
    if (!hub->running()) hub->start();
    // What an act wrote that was said to have failed is met with the next that comes.
    hub->act([this] { hub->catch_up(); });
    for (const auto& agent : agents) {
        agent->disk.forgive();
        agent->disk.set_full(false);
        agent->set_link({});
        if (agent->old_version) {
            agent->old_version = false;
            if (agent->running()) agent->killed();
        }
        agent->resume();
        agent->start();
        // What a device is told counts from its next contact on, and this one may last.
        // So is who may be a copy.
        if (out.shapes.contains("scopes changed") || !copied.empty()) agent->killed();
    }
}

void World::settle() {
    const Instant start = now();
    const Instant until = start + kConverges;
    const auto head = [&] { return hub->ledger().head().seq; };
    const auto all_in_step = [&] {
        if (!hub->running()) return false;
        for (const auto& agent : agents) {
            if (!agent->running() || !agent->in_step() || !agent->store().fully_stamped())
                return false;
            if (!hub->ledger().log().projects_of(agent->replica().device).empty()) continue;
            const auto cursor = agent->store().cursor(hub::kScopeAll);
            if (!cursor || !*cursor || (*cursor)->seq != head()) return false;
        }
        return hub->follower().projection().at() == head();
    };
    Instant look = start;
    while (!all_in_step()) {
        if (now() >= until) {
            std::string who;
            for (const auto& agent : agents)
                if (!agent->running() || !agent->in_step())
                    who += fmt::format(" {} ({}, {} unsent)",
                                       agent->name(),
                                       agent->running() ? "running" : "down",
                                       agent->running() ? agent->store().oldest_unsent() : 0);
            Truth::broken("two hours after the last fault not everybody is in step:" + who);
        }
        for (const auto& agent : agents)
            if (agent->running() && !agent->store().fully_stamped() && !agent->in_step())
                agent->sync_now();
        look = look + Millis{1'000};
        while (events.step(look)) {
        }
        // An idle device stamps between sessions; here one session lasts.
        for (const auto& agent : agents)
            if (agent->running()) agent->act([&] { (void)agent->store().stamp_receipts(1'000); });
    }
    out.converged_ms = (now() - start).count();
    // What was still on its way makes no difference.
    look = look + Millis{60'000};
    while (events.step(look)) {
    }
}

Outcome World::run() {
    try {
        found();
        live();
        heal();
        settle();
        if (out.shapes.contains("scopes changed")) {
            Audit{*this}.check_scopes();
            hub->tell_everybody_everything();
            for (const auto& agent : agents) agent->killed();
            settle();
        }
        Audit{*this}.run();
    } catch (const Violation& violation) {
        out.violation = violation.what;
    } catch (const std::exception& error) {
        out.violation = fmt::format("an exception nobody caught: {}", error.what());
    }
    out.at = now();
    out.trace = trace.hash();
    out.events = events.done();
    out.device_days = static_cast<double>(agents.size()) * options.days;
    if (hub)
        for (std::size_t i = 0; i < kDiskFaults; ++i) out.disk_faults[i] += hub->disk.met[i];
    for (const auto& agent : agents)
        for (std::size_t i = 0; i < kDiskFaults; ++i) out.disk_faults[i] += agent->disk.met[i];
    return out;
}

}  // namespace streetlog::sim
