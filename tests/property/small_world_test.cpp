// Every history of a small world: three devices and a hub, one field group of one client, two Saves
// a device, a sync before each Save or not, in every order. Devices are interchangeable, so only
// histories in which device 1 acts first and device 2 before device 3 are run.
#include <algorithm>
#include <array>
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
    std::vector<std::size_t> unsent;  // positions in World::saves
    std::size_t cursor = 0;           // how much of the hub's log it has
    std::uint64_t saved = 0;
    bool just_synced = false;
    bool acted = false;
};

/// Copied at every branching of the exploration; so what never changes is shared.
struct World {
    std::array<Device, kDevices> devices;
    std::vector<std::shared_ptr<const Save>> saves;
    std::vector<std::size_t> log;  // the hub's, positions in `saves`
    EntityState hub;

    void save(std::size_t d) {
        Device& device = devices[d];
        device.acted = true;
        device.just_synced = false;
        Save save;
        save.header.replica = replica(d + 1);
        save.header.seq = ++device.saved;
        save.header.hlc = {(saves.size() + 1) << 16};
        save.op.table = kName.table;
        save.op.group = kName.group;
        save.op.cells = {{hud::col::client::kFirstName, std::int64_t(saves.size())}};
        for (const Sibling* sibling : visible(device.state, kName))
            save.op.supersedes.push_back(sibling->dot);
        saves.push_back(std::make_shared<const Save>(std::move(save)));
        device.unsent.push_back(saves.size() - 1);
        put_into(device.state, *saves.back(), std::nullopt);
    }

    void sync(std::size_t d) {
        Device& device = devices[d];
        device.acted = device.just_synced = true;
        for (const std::size_t i : device.unsent) {
            log.push_back(i);
            put_into(hub, *saves[i], receipt(log.size()));
        }
        device.unsent.clear();
        for (; device.cursor < log.size(); ++device.cursor)
            put_into(device.state, *saves[log[device.cursor]], receipt(device.cursor + 1));
    }

    static void put_into(EntityState& state, const Save& save, std::optional<Receipt> given) {
        put(state, {save.dot(), &save.header, &save.op, given});
    }
};

class SmallWorld : public ::testing::Test {
  protected:
    /// Runs everything that can follow `world`.
    void explore(const World& world) {
        bool finished = true;
        for (std::size_t d = 0; d < kDevices; ++d) {
            if (d > 0 && !world.devices[d - 1].acted) break;  // devices are interchangeable
            const Device& device = world.devices[d];
            if (device.saved == kSaves) continue;
            finished = false;
            World saved = world;
            saved.save(d);
            explore(saved);
            if (device.just_synced) continue;  // a second sync counts only after a Save
            World synced = world;
            synced.sync(d);
            explore(synced);
        }
        if (finished) check(world);
    }

    void check(World world) {
        ++histories;
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

    std::size_t histories = 0;
    std::size_t most_siblings = 0;
};

TEST_F(SmallWorld, EveryHistoryConvergesAndLosesNothing) {
    ASSERT_NO_FATAL_FAILURE(explore({}));
    EXPECT_GT(histories, 30'000U);

    EXPECT_EQ(most_siblings, kDevices);
}

}  // namespace
}  // namespace streetlog::sync
