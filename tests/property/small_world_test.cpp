// Every history of a small world: three devices and a hub, one field group of one client, two Saves
// a device, a sync before each Save or not, in every order. Devices are interchangeable, so only
// histories in which device 1 acts first and device 2 before device 3 are run. Steps that do not
// touch each other lead to equal worlds in either order; what follows from a world is run once.
#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "sync/merge/canonical.hpp"
#include "sync/merge/view.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;

constexpr std::size_t kDevices = 3;
constexpr std::uint64_t kSaves = 2;

/// One Save: a record with one op.
struct Save {
    Header header;
    Op op;

    [[nodiscard]] Dot dot() const { return {header.replica, header.seq, 0}; }
};

struct Device {
    EntityState state;
    std::uint64_t saved = 0;
    std::uint64_t sent = 0;
    std::size_t cursor = 0;  // how much of the hub's log it has
    bool just_synced = false;

    [[nodiscard]] bool acted() const { return saved > 0 || just_synced; }
};

/// Copied at every branching of the exploration; so what never changes is shared.
struct World {
    std::array<Device, kDevices> devices;
    std::array<std::shared_ptr<const Save>, kDevices * kSaves> saves;  // by device, then seq
    std::vector<std::size_t> log;  // the hub's, positions in `saves`
    EntityState hub;

    void save(std::size_t d) {
        Device& device = devices[d];
        device.just_synced = false;
        const std::size_t slot = d * kSaves + device.saved;
        Save save;
        save.header.replica = replica(d + 1);
        save.header.seq = ++device.saved;
        save.op.table = kName.table;
        save.op.group = kName.group;
        save.op.cells = {{hud::col::client::kFirstName, static_cast<std::int64_t>(slot)}};
        for (const Sibling* sibling : visible(device.state, kName))
            save.op.supersedes.push_back(sibling->dot);
        saves[slot] = std::make_shared<const Save>(std::move(save));
        put_into(device.state, *saves[slot], std::nullopt);
    }

    void sync(std::size_t d) {
        Device& device = devices[d];
        device.just_synced = true;
        for (; device.sent < device.saved; ++device.sent) {
            log.push_back(d * kSaves + device.sent);
            put_into(hub, *saves[log.back()], receipt(log.size()));
        }
        for (; device.cursor < log.size(); ++device.cursor)
            put_into(device.state, *saves[log[device.cursor]], receipt(device.cursor + 1));
    }

    /// Equal for worlds in which the same things follow: all states are functions of what it says,
    /// and the exploration checks that they are.
    [[nodiscard]] std::string key() const {
        std::string out;
        const auto add = [&](std::size_t n) { out += static_cast<char>('A' + n); };
        for (const Device& device : devices) {
            for (const std::size_t n : {device.saved, device.sent, device.cursor}) add(n);
            add(device.just_synced ? 1 : 0);
        }
        for (const std::size_t slot : log) add(slot);
        for (const auto& save : saves) {
            out += '/';
            if (save == nullptr) continue;
            for (const Dot& dot : save->op.supersedes) {
                add(dot.replica.device.bytes.back());
                add(dot.seq);
            }
        }
        return out;
    }

    static void put_into(EntityState& state, const Save& save, std::optional<Receipt> given) {
        put(state, {save.dot(), &save.header, &save.op, given});
    }
};

bool equal_states(const World& a, const World& b) {
    return a.hub == b.hub &&
           std::ranges::equal(a.devices, b.devices, {}, &Device::state, &Device::state);
}

struct Explored {
    World world;
    std::size_t histories = 0;  // that can follow
};

class SmallWorld : public ::testing::Test {
  protected:
    /// Runs everything that can follow `world`; how many histories that is.
    std::size_t explore(const World& world) {
        const auto [known, added] = explored.try_emplace(world.key(), Explored{world, 0});
        if (!added) {
            EXPECT_TRUE(equal_states(known->second.world, world));
            return known->second.histories;
        }
        std::size_t histories = 0;
        for (std::size_t d = 0; d < kDevices; ++d) {
            if (d > 0 && !world.devices[d - 1].acted()) break;  // devices are interchangeable
            const Device& device = world.devices[d];
            if (device.saved == kSaves) continue;
            World saved = world;
            saved.save(d);
            histories += explore(saved);
            if (device.just_synced) continue;  // a second sync counts only after a Save
            World synced = world;
            synced.sync(d);
            histories += explore(synced);
        }
        if (histories == 0) {
            check(world);
            histories = 1;
        }
        return known->second.histories = histories;
    }

    void check(World world) {
        for (int round = 0; round < 2; ++round)
            for (std::size_t d = 0; d < kDevices; ++d) world.sync(d);
        for (const Device& device : world.devices) ASSERT_EQ(device.state, world.hub);

        // What remains is exactly what nobody had on screen when saving over it.
        std::vector<Dot> named;
        for (const auto& save : world.saves)
            named.insert(named.end(), save->op.supersedes.begin(), save->op.supersedes.end());
        std::vector<Dot> expected;
        for (const auto& save : world.saves)
            if (std::ranges::find(named, save->dot()) == named.end())
                expected.push_back(save->dot());
        std::ranges::sort(expected);
        std::vector<Dot> left;
        for (const Sibling* sibling : visible(world.hub, kName)) left.push_back(sibling->dot);
        ASSERT_EQ(left, expected);
        most_siblings = std::max(most_siblings, left.size());
    }

    std::map<std::string, Explored> explored;  // by World::key
    std::size_t most_siblings = 0;
};

TEST_F(SmallWorld, EveryHistoryConvergesAndLosesNothing) {
    EXPECT_EQ(explore({}), 33'615U);
    EXPECT_FALSE(HasFatalFailure());
    EXPECT_EQ(most_siblings, kDevices);
}

}  // namespace
}  // namespace streetlog::sync
