#include <algorithm>

#include <fmt/format.h>

#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"
#include "tests/sim/sealed.hpp"

/// What a fleet of devices goes through beside faults: some come late, some are replaced, some no
/// longer know how far they read; and records come to the hub as files where there is no network.
namespace streetlog::sim {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::size_t kDevicesMax = 7;

}  // namespace

void World::arrivals(Dice lot) {
    auto own = std::make_shared<Dice>(lot);
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, own, weak = std::weak_ptr{again}] {
        // A hub that fell back may not know who came since, and what a wiped device had is gone.
        switch (extras.restores ? 2 : own->below(4)) {
            case 0:
                arrive();
                break;
            case 1:
                replace(*own);
                break;
            default:
                agents[own->below(agents.size())]->lose_place();
        }
        const Instant next = now() + Millis{own->between(kHour, 40 * kHour)};
        if (next < end_)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{own->between(kHour, 60 * kHour)}, [again] { (*again)(); });
}

/// The hub is backed up now and then, and once or twice what was backed up is all there is of it.
void World::backups(Dice lot) {
    auto own = std::make_shared<Dice>(lot);
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, own, weak = std::weak_ptr{again}] {
        if (own->chance(700))
            hub->back_up();
        else
            hub->lose_disk(*own);
        const Instant next = now() + Millis{own->between(kHour, 48 * kHour)};
        if (next < end_)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{own->between(kHour, 24 * kHour)}, [again] { (*again)(); });
}

void World::copies(Dice lot) {
    auto own = std::make_shared<Dice>(lot);
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, own, weak = std::weak_ptr{again}] {
        copy_one(*own);
        const Instant next = now() + Millis{own->between(kHour, 60 * kHour)};
        if (next < end_)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{own->between(kHour, 48 * kHour)}, [again] { (*again)(); });
}

/// Its disk is put into another machine, now or later, and both are used; or it is what is left
/// when the machine breaks. Of one device once: what is open of copies of copies is in DESIGN.md.
void World::copy_one(Dice& lot) {
    auto& original = *agents[lot.below(agents.size())];
    const auto device = original.replica().device;
    if (agents.size() >= kDevicesMax || copied.contains(device) || came_back.contains(device))
        return;
    const auto image = original.image();
    if (!image) return;
    const auto number = static_cast<int>(agents.size() + retired.size() + spares_) + 1;
    auto copy = std::make_unique<SimAgent>(*this, number, original, *image);
    copy->link.latency = Millis{lot.between(5, 400)};
    const auto later =
        Millis{lot.chance(500) ? lot.between(0, kHour) : lot.between(kHour, 60 * kHour)};
    // What the hub loses of a device that is no more is lost.
    if (!extras.restores && lot.chance(300)) {
        ++spares_;
        came_back.insert(device);
        const auto spare = std::make_shared<std::unique_ptr<SimAgent>>(std::move(copy));
        events.in(later, [this, it = &original, spare] {
            if (*spare && !calm) come_back(*it, std::move(*spare));
        });
        return;
    }
    copied.insert(device);
    say(copy->name() + " is a copy of " + original.name());
    ++out.shapes["devices copied"];
    auto* it = copy.get();
    agents.push_back(std::move(copy));
    events.in(later, [this, it] {
        if (calm) return;
        it->start();
        employ(*it);
    });
}

/// All it saved is at the hub, and the copy knows less.
void World::come_back(SimAgent& original, std::unique_ptr<SimAgent> copy) {
    const auto at = std::ranges::find(agents, &original, &std::unique_ptr<SimAgent>::get);
    if (at == agents.end() || !original.awake() || original.store().oldest_unsent() != 0) return;
    say(fmt::format("{} comes back as {}", original.name(), copy->name()));
    ++out.shapes["devices that fell back"];
    original.retire();
    retired.push_back(std::move(*at));
    *at = std::move(copy);
    (*at)->start();
    employ(**at);
}

void World::arrive() {
    if (agents.size() >= kDevicesMax) return;
    const auto device = hub->enrol_another();
    if (!device) return;
    const auto number = static_cast<int>(agents.size() + retired.size() + spares_) + 1;
    auto agent = std::make_unique<SimAgent>(*this, number, *device);
    agent->enrol();
    agent->link.latency = Millis{dice.between(5, 400)};
    agent->start();
    employ(*agent);
    say(agent->name() + " is new");
    ++out.shapes["devices that came late"];
    agents.push_back(std::move(agent));
}

/// One that has nothing the hub lacks is wiped; whoever had it gets another.
void World::replace(Dice& lot) {
    const auto at = agents.begin() + static_cast<std::ptrdiff_t>(lot.below(agents.size()));
    SimAgent& old = **at;
    if (agents.size() < 2 || !old.awake() || old.store().oldest_unsent() != 0) return;
    say(old.name() + " is wiped");
    ++out.shapes["devices wiped"];
    old.retire();
    retired.push_back(std::move(*at));
    agents.erase(at);
    arrive();
}

void World::carry(Dice lot) {
    auto own = std::make_shared<Dice>(lot);
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, own, weak = std::weak_ptr{again}] {
        carry_one(*own);
        const Instant next = now() + Millis{own->between(kHour / 6, 12 * kHour)};
        if (next < end_)
            if (const auto self = weak.lock()) events.at(next, [self] { (*self)(); });
    };
    events.in(Millis{own->between(0, 12 * kHour)}, [again] { (*again)(); });
}

/// A file is written, and travels; perhaps it is read in twice, perhaps its answer gets lost. The
/// device goes on meanwhile and may have sent the same records itself.
void World::carry_one(Dice& lot) {
    auto* from = agents[lot.below(agents.size())].get();
    const auto bundle = from->write_file(lot);
    if (!bundle) return;
    ++out.shapes["files written"];
    const auto on_its_way = [&lot] {
        return Millis{lot.chance(500) ? lot.between(0, kHour) : lot.between(kHour, 60 * kHour)};
    };
    const auto sealed = sealed_with(*bundle, from->signing, hub->signing.public_key(), lot);
    for (auto copies = lot.chance(200) ? 2 : 1; copies > 0; --copies) {
        if (lot.chance(500)) {
            // By another device, or by itself, which may as well.
            auto* carrier = agents[lot.below(agents.size())].get();
            auto file = sealed;
            const bool damaged = lot.chance(150);
            if (damaged) file[lot.below(file.size())] ^= 1;
            events.in(on_its_way(), [this, carrier, file] {
                if (!calm) carrier->take_along(file);
            });
            continue;
        }
        const Millis back = on_its_way();
        const bool lost = lot.chance(200);
        events.in(on_its_way(), [this, from, bundle, back, lost] {
            if (calm) return;
            const auto acks = hub->read_in(*bundle);
            if (!acks || lost) return;
            events.in(back, [this, from, acks] {
                if (!calm) from->read_answer(*acks);
            });
        });
    }
}

}  // namespace streetlog::sim
