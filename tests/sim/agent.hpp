#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "agent/sync/device_session.hpp"
#include "agent/workflow/build.hpp"
#include "sync/net/backoff.hpp"
#include "sync/session/bundle.hpp"
#include "sync/session/index_rows.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/sim_clock.hpp"

namespace streetlog::sim {

/// A field device, the program on it and the worker who holds it: the real store, witness, session
/// and form builders. What the worker does is in workers.cpp.
class SimAgent {
  public:
    SimAgent(World& world, int number, DeviceId device);
    /// A machine with what is on the disk of another one, key and all.
    SimAgent(World& world, int number, const SimAgent& original, const SimDisk::Image& image);
    ~SimAgent();

    /// `streetlog-agent init`.
    void enrol();

    // The machine.
    void power_cut();
    void killed();
    void reboot();
    /// As `reboot`, and the wall clock comes up as `wall`, which no program saw being set.
    void reboot_at(Instant wall);
    void suspend();
    void resume();
    void set_wall(Instant to);

    // The program.
    [[nodiscard]] bool running() const { return store_ && !disk.crashed(); }

    [[nodiscard]] bool awake() const { return running() && !clock.suspended(); }

    void start();
    void close_app();
    /// Everything the program does happens in here, so that its death is noticed.
    void act(const std::function<void()>& what);

    // The network.
    void set_link(const Link& next);
    void on_message(SimConnection& from, sync::BytesView bytes);
    void on_closed(SimConnection& from, std::string_view why);

    [[nodiscard]] SimConnection* connection() { return connection_.get(); }

    void sync_now();

    // agent_extras.cpp
    /// It no longer knows how far it read.
    /// The receipts on its disk, of its own records, as the truth they are from now on.
    void tell_receipts();
    /// What its disk has of the client index.
    [[nodiscard]] std::vector<sync::IndexRow> index_rows() const;
    void lose_place();
    /// Nobody uses it any more.
    void retire();
    /// What another machine would go on from; none at a moment when nobody could say what it has.
    [[nodiscard]] std::optional<SimDisk::Image> image() const;
    /// Some of its records as a file; none when there are none.
    [[nodiscard]] std::optional<sync::Bundle> write_file(Dice& dice);
    void read_answer(const std::vector<sync::PushAck>& acks);
    /// Somebody gives its worker another device's bundle.
    void take_along(const sync::Bytes& bundle);
    /// What the store keeps in memory is what is on the disk.
    void check_memory();

    /// The worker does something, or tries to.
    void work();

    [[nodiscard]] const sync::Replica& replica() const { return replica_; }

    /// How many records its worker was told to be saved under this number.
    [[nodiscard]] std::uint64_t saved() const { return saved_.seq; }

    [[nodiscard]] store::AgentStore& store() { return *store_; }

    [[nodiscard]] const std::string& name() const { return name_; }

    /// Everything pushed and pulled by the session that runs.
    [[nodiscard]] bool in_step() const { return session_ && session_->in_step(); }

    SimClock clock;
    SimDisk& disk;
    Link link;
    sync::SigningKey signing;
    bool old_version = false;  // does not know case notes, or social security numbers

  private:
    struct Press;

    /// The clocks as the program that ran meanwhile saw them, and kept what must outlive the boot.
    void watch();
    [[nodiscard]] Result<void> keep_clock();
    void die(Millis down);
    void lose_program();
    void connect();
    void take_certificate();
    /// I8: a device does not ask for the same over and over.
    void count_session();
    void end_session();
    void retry();
    void sync_when(Millis wait);
    void step_session();
    void work_soon();
    void step_of_work();
    void check_own_shown();
    void forget_place();
    /// After a restart: what was told to be saved is there, and nothing else.
    void check_own_log();
    void adopt(std::uint64_t seq);
    /// What came to its log otherwise: another number, or what a copy of it had saved.
    void keep_up();
    void renamed();
    [[nodiscard]] sync::EncodedRecord own_record(std::uint64_t seq);

    // Work.
    void fill_form();
    [[nodiscard]] std::optional<agent::BuiltSave> build(const std::string& what,
                                                        const std::string& document);
    void save(const Press& press);
    void save_request(store::SaveRequest request, std::optional<Instant> occurred);
    void strange_save();
    [[nodiscard]] std::string interaction(std::optional<Instant>& occurred);
    [[nodiscard]] std::string intake();
    [[nodiscard]] std::string person();
    [[nodiscard]] std::optional<EntityId> somebody(std::uint16_t table);
    /// None when the hub's disk, which has what a snapshot stands for, does not read.
    [[nodiscard]] std::optional<class Model> model_of_log();
    void check_names(const agent::BuiltSave& built);
    [[nodiscard]] store::Understands understands() const;

    World& world_;
    std::string name_;
    std::string file_;
    sync::Replica replica_;
    Dice dice_;
    SimRandom random_;
    net::Backoff backoff_;
    std::optional<store::AgentStore> store_;
    std::optional<sync::ClockWitness> witness_;
    std::unique_ptr<agent::DeviceSession> session_;
    std::shared_ptr<SimConnection> connection_;
    std::optional<TrueRecord> pending_;  // being saved at this moment

    struct {
        std::uint64_t seq = 0;
        sync::Hash chain{};
    } saved_;  // the newest record its worker was told of, under this number

    Instant watched_;
    std::uint64_t life_ = 0;
    std::uint64_t wait_ = 0;  // of the attempt that counts
    Instant busy_since_{};
    int sessions_ = 0;  // since then
    bool waiting_ = false;
    bool wall_lied_ = false;
    std::optional<store::Anchor>
        set_after_;          // the anchor there was when somebody set the wall clock
    bool runs_old_ = false;  // the program that runs is the old version
    bool busy_ = false;
    bool retired_ = false;
    bool lost_place_ = false;
    bool loses_place_ = false;  // at its next start
    bool working_ = false;      // the next step of loading a snapshot is due
    bool slow_steps_ = false;   // its machine takes minutes for them
};

}  // namespace streetlog::sim
