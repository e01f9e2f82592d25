#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "hub/feed/page_reader.hpp"
#include "hub/feed/snapshot_shelf.hpp"
#include "hub/ingest/ledger.hpp"
#include "hub/project/follower.hpp"
#include "hub/serve/device_peer.hpp"
#include "sync/session/bundle.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/sim_clock.hpp"

namespace streetlog::sim {

/// The hub's machine and the program on it: the real ledger, pages, projection and peers, with
/// events where the program has threads. One commit takes whatever is queued by then.
class SimHub {
  public:
    explicit SimHub(World& world);
    ~SimHub();

    /// `streetlog-hub init` and what an administrator does first.
    void found(int devices, int projects);
    /// `streetlog-agent enrol`, as far as the hub is concerned. False when it has to be done again.
    [[nodiscard]] bool enrol(const DeviceId& device, const sync::PublicKey& key);

    std::vector<DeviceId> enrolled;
    DeviceId id;

    // The program.
    [[nodiscard]] bool running() const { return run_ != nullptr && !dying(); }

    /// Counts starts; what belongs to another life is void.
    [[nodiscard]] std::uint64_t life() const { return life_; }

    /// Its disk stopped in the middle of what it is doing.
    [[nodiscard]] bool dying() const;
    void start();
    /// Its wall clock is wrong by that much from now on.
    void set_clock_off(Millis by);

    /// The most it was ever wrong: nobody can know the time better than the hub.
    [[nodiscard]] Millis most_off() const { return most_off_; }

    void power_cut();
    void killed();

    [[nodiscard]] const hub::PeerSides& sides() const;
    /// Everything the program does happens in here, so that its death is noticed.
    void act(const std::function<void()>& what);
    void submit(hub::PreparedRun run, hub::Writer::Done done);
    void write(std::function<Result<void>(hub::Ledger&)> job,
               std::function<void(Result<void>)> done);
    void adopt(std::shared_ptr<SimConnection> connection);
    void forget(const SimConnection& connection);
    [[nodiscard]] std::vector<std::shared_ptr<SimConnection>> connections() const;

    // People at the hub.
    void review_quarantine(Dice& dice);
    void resolve_conflict(Dice& dice);
    void take_apart(Dice& dice);
    void join_by_hand(Dice& dice);
    /// Some device is told of some projects only, or of everything again.
    void change_scope(Dice& dice);
    /// And of whom it hears in the client index, and what.
    void change_index(Dice& dice);
    void tell_everybody_everything();
    /// None when it does not work at this moment.
    [[nodiscard]] std::optional<DeviceId> enrol_another();
    /// Records that come as a file; what to answer, none when it was not taken in.
    [[nodiscard]] std::optional<std::vector<sync::PushAck>> read_in(const sync::Bundle& bundle);

    /// Its program knows case notes from its next start on.
    void upgrade();
    /// An image of its disk as it is now.
    void back_up();
    /// The disk breaks, and what was backed up last comes back, on a new machine or under the old
    /// program's mark.
    void lose_disk(Dice& dice);
    /// Somebody may wait for a snapshot.
    void shelf_soon();

    /// For the checks at the end. Needs a hub that runs.
    [[nodiscard]] hub::Ledger& ledger();
    [[nodiscard]] hub::Follower& follower();
    void catch_up();
    /// What the ledger keeps in memory is what is on the disk.
    void check_memory();

    SimClock clock;
    SimDisk& disk;
    sync::SigningKey signing;

  private:
    struct Item {
        hub::PreparedRun run;
        hub::Writer::Done done;
        std::size_t bytes = 0;
    };

    struct Program {
        hub::Ledger ledger;
        hub::PageReader pages;
        std::optional<hub::Follower> follower;
        std::unique_ptr<hub::SnapshotShelf> shelf;
        hub::CarriedIntake carried;
        std::optional<hub::PeerSides> sides;
        std::deque<Item> queue;
        HubSeq told;  // how far the peers know the projection to be
        bool commit_due = false;
        bool follow_due = false;
        bool shelf_due = false;
    };

    void die(Millis down);
    void commit();
    void note_mark();
    void announce(HubSeq before);
    void follow_soon();
    void author(std::vector<sync::Op> ops);
    void desk(std::string_view command, std::initializer_list<std::pair<std::string, std::string>>);
    [[nodiscard]] Result<std::unique_ptr<Program>> open();
    void check_promises(hub::Ledger& ledger);
    void note_loss();
    void open_shelf(Program& program);
    [[nodiscard]] bool unknown_to_it(const sync::RecordShape& shape) const;

    World& world_;
    SimRandom random_;
    Dice dice_;
    std::uint64_t admit_salt_ = 0;
    std::uint64_t records_min_ = 0;  // a device that lacks fewer reads the log
    bool old_version_ = false;       // its program does not know case notes
    std::unique_ptr<Program> run_;
    std::vector<std::shared_ptr<SimConnection>> connections_;
    std::uint64_t life_ = 0;
    std::uint32_t incarnation_ = 0;       // the newest under which it said anything
    std::set<std::uint32_t> said_under_;  // all of these
    std::optional<SimDisk::Image> backup_;
    bool fell_back_ = false;              // since it ran last
    std::optional<hub::HighWater> mark_;  // as its file would say
    Millis most_off_{0};
    std::vector<EntityId> joined_;  // links people made
    EntityId organization_;         // of the first project, where scopes are told; nil: none
    bool busy_ = false;
};

}  // namespace streetlog::sim
