#include <algorithm>

#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

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

void World::arrive() {
    if (agents.size() >= kDevicesMax) return;
    const auto device = hub->enrol_another();
    if (!device) return;
    const auto number = static_cast<int>(agents.size() + retired.size()) + 1;
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
    for (auto copies = lot.chance(200) ? 2 : 1; copies > 0; --copies) {
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
