#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schema/log.hpp"
#include "tests/sim/events.hpp"
#include "tests/sim/extras.hpp"
#include "tests/sim/sim_vfs.hpp"
#include "tests/sim/truth.hpp"

namespace streetlog::sim {

class SimAgent;
class SimConnection;
class SimHub;

/// A short day on two devices in which one thing goes wrong: for going through every operation of a
/// disk.
struct Script {
    std::string machine;  // "hub", "tablet1"; empty: nothing goes wrong
    FaultPlan plan;       // counted from the moment work begins
    std::uint64_t damage = 0;
};

struct WorldOptions {
    std::uint64_t seed = 1;
    int days = 7;
    bool faults = true;
    bool fast_checks = false;      // leaves out what is only worth while when hunting
    std::set<std::uint64_t> drop;  // faults, by number, that do not happen: for shrinking
    std::optional<Extras> extras;  // none: as the lot falls
    bool narrate = false;          // prints what happens
    std::optional<Script> script;
};

enum class FaultKind : std::uint8_t {
    kAgentPowerCut,
    kAgentKilled,
    kAgentCutInOp,
    kHubPowerCut,
    kHubKilled,
    kHubCutInOp,
    kDiskError,
    kDiskFull,
    kShortWrite,
    kSyncFails,
    kConnectionCut,
    kPartition,
    kSwizzleClog,
    kSlowLink,
    kHalfDead,
    kAckLost,
    kClockJump,
    kClock1970,
    kClockUnseen,
    kReboot,
    kSuspend,
    kZoneChange,
    kHubClockStep,
    kAppClosed,
    kOldVersion,
};
inline constexpr std::size_t kFaultKinds = 25;
[[nodiscard]] std::string_view name_of(FaultKind kind);

/// What a run comes to.
struct Outcome {
    std::optional<std::string> violation;
    Instant at;  // true time of it
    std::uint64_t trace = 0;
    std::uint64_t events = 0;
    std::uint64_t records = 0;
    std::uint64_t hub_acts = 0;
    std::uint64_t sessions = 0;
    std::uint64_t messages = 0;
    std::uint64_t lost_messages = 0;
    std::uint64_t cut_messages = 0;   // in the middle
    std::uint64_t late_messages = 0;  // over a connection its device had given up
    std::uint64_t restarts = 0;
    std::uint64_t refusals = 0;      // forms that were not taken
    std::uint64_t failed_saves = 0;  // told to the worker
    double device_days = 0;
    std::int64_t converged_ms = 0;
    std::array<std::uint64_t, kFaultKinds> faults{};
    std::array<std::uint64_t, kDiskFaults> disk_faults{};
    std::vector<std::pair<std::uint64_t, std::string>> fault_list;
    std::uint64_t hub_changes = 0,
                  tablet_changes = 0;             // of the disks of the hub and tablet1, at work
    std::map<std::string, std::uint64_t> shapes;  // what the records came to
    std::array<std::array<std::uint64_t, 4>, 2> verdicts{};  // [truly late][said], by sync::Verdict
    std::uint64_t leans_on_wall = 0;  // verdicts that rest on a clock nobody saw being set
};

/// One hub, its devices, the people who use them and everything that goes wrong, in one thread on
/// virtual time. Everything follows from the options.
class World {
  public:
    explicit World(const WorldOptions& options);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    [[nodiscard]] Outcome run();

    // For the parts of the world.
    [[nodiscard]] Instant now() const { return events.now(); }

    void say(const std::string& what);

    WorldOptions options;
    const Extras extras;
    const Shelf shelf;
    SimVfs vfs;
    Events events;
    Trace trace;
    Truth truth;
    Outcome out;
    NullLogger log;
    Dice dice;
    std::unique_ptr<SimHub> hub;
    std::vector<std::unique_ptr<SimAgent>> agents;
    std::vector<std::unique_ptr<SimAgent>> retired;  // devices nobody uses any more
    std::vector<EntityId> clients, enrollments;      // whoever was ever entered
    std::set<DeviceId> copied;                       // both are used
    std::set<DeviceId> came_back;                    // from a copy of their own disk
    std::vector<EntityId> projects;
    bool calm = false;  // no more faults, no more work

  private:
    void found();
    void live();
    void heal();
    void settle();
    /// From now on somebody works with it.
    void employ(SimAgent& agent);

    // arrivals.cpp
    /// Devices come, go, and lose their place, until the end.
    void arrivals(Dice lot);
    void arrive();
    void replace(Dice& lot);
    /// Records travel as files, until the end.
    void carry(Dice lot);
    void backups(Dice lot);
    /// Devices are copied and used on, and old ones come back from a copy, until the end.
    void copies(Dice lot);
    void copy_one(Dice& lot);
    void come_back(SimAgent& original, std::unique_ptr<SimAgent> copy);
    void carry_one(Dice& lot);

    std::unique_ptr<class Nemesis> nemesis_;
    Instant end_;             // of work and of faults
    std::size_t spares_ = 0;  // copies of disks whose time has not come
    std::int64_t pace_ = 0;   // acts of a worker a day
};

}  // namespace streetlog::sim
