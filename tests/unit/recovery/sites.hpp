#pragma once

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "agent/sync/device_session.hpp"
#include "hub/backup/restore.hpp"
#include "hub/feed/snapshot_shelf.hpp"
#include "hub/project/hub_projection.hpp"
#include "hub/serve/device_peer.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/office.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/store/agent_fixture.hpp"

/// A hub and devices on real stores, with the programs' own sessions and a line in memory between
/// them.
namespace streetlog::test {

inline sync::SigningKey key_from(std::uint64_t seed) {
    SeededRandom random{seed};
    return sync::SigningKey::make(random);
}

/// A hub in a directory, which may be lost and come back from a backup.
class HubSite {
  public:
    explicit HubSite(ManualClock& clock) : clock_(clock) {
        std::filesystem::create_directories(path());
        auto made = need(store::HubLog::open(path(), store::Access::kWrite));
        made.put_setting("hub", to_string(store::test::kHub.device));
    }

    [[nodiscard]] std::filesystem::path path() const {
        return folder_.path() / ("hub-" + std::to_string(life_));
    }

    /// As the program starts: reads the mark that is there, and keeps it from then on.
    void start() {
        hub::LedgerSetup setup;
        setup.key = key;
        setup.high_water = mark;
        ledger.emplace(need(hub::Ledger::open(path(), clock_, setup)));
        pages.emplace(need(store::HubLog::open(path(), store::Access::kRead)));
        log.emplace(need(store::HubLog::open(path(), store::Access::kRead)));
        projection.emplace(need(hub::HubProjection::open(path(), ledger->self().device)));
        carried.emplace();
        if (snapshot_records > 0)
            shelf.emplace(
                hub::SnapshotSource{path(), ledger->self().device, hub::kScopeAll, key},
                hub::SnapshotRules{.records_min = snapshot_records},
                nothing_,
                [] {},
                hub::SnapshotShelf::Work::kCaller);
        note();
    }

    void stop() {
        note();
        carried.reset();
        shelf.reset();
        projection.reset();
        log.reset();
        pages.reset();
        ledger.reset();
    }

    /// How far the log has come, as the high-water file would say.
    void note() {
        if (keeps_mark)
            mark = hub::HighWater{ledger->self().device,
                                  ledger->head(),
                                  ledger->last_received(),
                                  ledger->self().incarnation};
    }

    [[nodiscard]] std::filesystem::path backup() const { return folder_.path() / "backup"; }

    void back_up() { need(hub::back_up(path(), backup(), clock_.now(), {})); }

    /// The machine is lost, and another one begins from the backup.
    void lose_and_restore() {
        stop();
        ++life_;
        need(hub::restore(backup(), path(), {}));
        start();
    }

    sync::Hash dump_hash() {
        need(projection->catch_up(*log));
        return need(projection->read().dump_hash());
    }

    /// Where in time the hub first heard of an entity.
    std::optional<sync::Place> first_of(const EntityId& id) {
        need(projection->catch_up(*log));
        return need(projection->read().load(id)).first;
    }

    /// False when none is due.
    bool make_snapshot() {
        need(projection->catch_up(*log));
        shelf->projection_at(log->head().seq);
        return shelf->make_due();
    }

    /// Records of devices in the log.
    std::uint64_t device_records() {
        std::uint64_t out = 0;
        for (const auto& row : log->replicas())
            if (row.replica.device != ledger->self().device) out += row.acked_seq;
        return out;
    }

    std::vector<store::AlarmRow> alarms(store::AlarmKind kind) {
        auto all = store::HubWatch{log->db()}.alarms();
        std::erase_if(all, [&](const auto& alarm) { return alarm.kind != kind; });
        return all;
    }

    std::vector<store::GapRow> gaps() { return store::HubWatch{log->db()}.gaps(); }

    /// What the hub says of a device, as its administration would.
    void say_of(const DeviceId& device, std::int64_t state, const sync::SigningKey& device_key) {
        namespace col = hud::col::hub_device;
        const auto& pub = device_key.public_key();
        const bool known = log->device(device).has_value();
        sync::Op op{.entity = {device.bytes},
                    .kind = known ? sync::OpKind::kDevice : sync::OpKind::kCreate,
                    .table = hud::tbl::kHubDevice,
                    .group = hud::grp::kHubDeviceRegistration,
                    .cells = {{col::kName, "tablet " + to_string(device).substr(30)},
                              {col::kState, state},
                              {col::kPublicKey, sync::Bytes{pub.begin(), pub.end()}}}};
        if (known) op.supersedes = {log->device(device)->written};
        need(ledger->author({}, {std::move(op)}));
    }

    /// Any other act of the hub.
    void act(sync::Op op) { need(ledger->author({}, {std::move(op)})); }

    std::optional<sync::SigningKey> key = key_from(77);
    std::optional<hub::HighWater> mark;
    bool keeps_mark = true;
    bool takes_carried = true;  // bundles that one device brings for another
    std::optional<hub::Ledger> ledger;
    std::optional<hub::PageReader> pages;
    std::optional<store::HubLog> log;
    std::optional<hub::HubProjection> projection;
    std::optional<hub::CarriedIntake> carried;
    std::uint64_t snapshot_records = 0;  // as serve --snapshot-records; 0: none are made
    std::optional<hub::SnapshotShelf> shelf;

  private:
    ManualClock& clock_;
    NullLogger nothing_;
    TempDir folder_;
    int life_ = 0;
};

/// One device's database. A copy of a site is a copy of its disk.
class DeviceSite {
  public:
    DeviceSite(ManualClock& clock, std::uint32_t number, const HubSite& hub)
        : key(key_from(number)), clock_(clock) {
        auto settings = store::test::settings_of({store::test::id_from<DeviceId>(0xde, number), 1});
        settings.hub_key = hub.key->public_key();
        store.emplace(need(store::AgentStore::create(file(), settings)));
    }

    /// A copy of the disk as it is now.
    explicit DeviceSite(DeviceSite& original) : key(original.key), clock_(original.clock_) {
        original.store.reset();
        std::filesystem::copy_file(original.file(), file());
        original.store.emplace(need(store::AgentStore::open(original.file())));
        store.emplace(need(store::AgentStore::open(file())));
    }

    [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "agent.db"; }

    [[nodiscard]] const sync::Replica& self() const { return store->settings().self; }

    EntityId save(const std::string& name) {
        static std::uint32_t number = 0;
        const auto id = store::test::client_id(++number);
        need(store->save(
            store::test::save_of({store::test::create_client(id, name, "Doe")}, clock_.now().ms)));
        return id;
    }

    sync::Hash dump_hash() { return need(store->dump_hash()); }

    sync::SigningKey key;
    std::optional<store::AgentStore> store;
    bool lapsed = false;  // its certificate
    std::uint32_t batch_records = 4;

  private:
    ManualClock& clock_;
    TempDir folder_;
};

/// One session between them, and what came of it.
class Meeting final : public hub::PeerPort {
  public:
    Meeting(DeviceSite& device, HubSite& hub, ManualClock& clock)
        : device_(device),
          hub_(hub),
          clock_(clock),
          sides_{*hub.pages,
                 clock,
                 random_,
                 log_,
                 hub.ledger->self().device,
                 hub.key,
                 hub.shelf ? &*hub.shelf : nullptr,
                 hub.takes_carried ? &*hub.carried : nullptr},
          peer_(sides_, *this, who(device)),
          session_({*device.store, witness_, clock, log_}, config(), [this](sync::Send&& message) {
              to_hub_.push_back(std::move(message.bytes));
              return Result<void>{};
          }) {}

    /// Ends when nothing is left to do, or the line is cut after so many messages.
    void run(int messages = 100'000) {
        peer_.start();
        while (messages > 0 && !over_ && step()) --messages;
        if (!over_) session_.on_closed({ErrorCode::kUnavailable, "the line was cut", {}});
        peer_.on_closed();
        while (!tasks_.empty()) run_task();
        need(session_.settle());
        hub_.note();
    }

    [[nodiscard]] bool in_step() const { return reached_; }

    [[nodiscard]] const agent::DeviceSession& session() const { return session_; }

    /// What the hub sent.
    [[nodiscard]] std::size_t bytes_down() const { return bytes_down_; }

    /// Messages of that kind among them.
    template <class T>
    [[nodiscard]] std::size_t seen() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            kinds_, [](std::size_t kind) { return kind == sync::Message{T{}}.index(); }));
    }

    /// Loses the acks of the hub.
    bool acks_are_lost = false;

  private:
    static net::Peer who(const DeviceSite& device) {
        net::Peer out;
        out.device = device.self().device;
        out.key = device.key.public_key();
        if (device.lapsed) out.validity = net::Validity::kLapsed;
        return out;
    }

    sync::AgentSessionConfig config() {
        sync::AgentSessionConfig out;
        out.key = device_.key;
        out.hub_key = device_.store->settings().hub_key;
        out.batch_records_max = device_.batch_records;
        out.bundle = 1;
        out.features = sync::kFeatureSnapshots;
        out.carry_bytes_max = 200;
        return out;
    }

    void send(sync::Send&& message) override {
        bytes_down_ += message.bytes.size();
        to_device_.push_back(std::move(message.bytes));
    }

    void close() override {}

    void submit(hub::PreparedRun run, hub::Writer::Done done) override {
        tasks_.emplace_back([this, run = std::move(run), done = std::move(done)]() mutable {
            std::vector<hub::PreparedRun> group;
            group.push_back(std::move(run));
            auto results = hub_.ledger->ingest(group);
            if (results)
                done(std::move(results->front()));
            else
                done(std::unexpected(results.error()));
            peer_.on_feed(hub_.ledger->head().seq);
        });
    }

    void write(std::function<Result<void>(hub::Ledger&)> job,
               std::function<void(Result<void>)> done) override {
        tasks_.emplace_back([this, job = std::move(job), done = std::move(done)] {
            done(job(*hub_.ledger));
            peer_.on_feed(hub_.ledger->head().seq);
        });
    }

    [[nodiscard]] bool pressed() const override { return false; }

    void run_task() {
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
    }

    bool step() {
        clock_.advance(Millis{20});
        if (!tasks_.empty()) {
            run_task();
        } else if (!to_hub_.empty()) {
            const auto message = std::move(to_hub_.front());
            to_hub_.pop_front();
            peer_.on_message(message);
        } else if (!to_device_.empty()) {
            const auto message = std::move(to_device_.front());
            to_device_.pop_front();
            if (const auto decoded = sync::decode_message(message))
                kinds_.push_back(decoded->index());
            if (acks_are_lost && carries_ack(message)) return false;
            session_.on_message(message);
            over_ = !session_.act();
            if (!over_ && session_.in_step()) {
                session_.stop();
                (void)session_.act();
                over_ = reached_ = true;
            }
        } else {
            return false;
        }
        return true;
    }

    static bool carries_ack(const sync::Bytes& message) {
        const auto decoded = sync::decode_message(message);
        const auto* ack = decoded ? std::get_if<sync::PushAck>(&*decoded) : nullptr;
        return ack != nullptr && !ack->receipts.empty();
    }

    DeviceSite& device_;
    HubSite& hub_;
    ManualClock& clock_;
    SeededRandom random_{5};
    NullLogger log_;
    hub::PeerSides sides_;
    hub::DevicePeer peer_;
    sync::ClockWitness witness_{std::nullopt, sync::ClockKind::kReal};
    agent::DeviceSession session_;
    std::deque<sync::Bytes> to_hub_, to_device_;
    std::deque<std::function<void()>> tasks_;
    bool over_ = false;
    bool reached_ = false;
    std::size_t bytes_down_ = 0;
    std::vector<std::size_t> kinds_;
};

/// A hub, and what holds for every story told of it.
class RecoveryTest : public testing::Test {
  protected:
    void SetUp() override { hub_.start(); }

    std::unique_ptr<DeviceSite> enrol(std::uint32_t number) {
        auto out = std::make_unique<DeviceSite>(clock_, number, hub_);
        hub_.say_of(out->self().device, 1, out->key);
        return out;
    }

    /// Sessions as the programs hold them, until the device is in step or turned away.
    bool meet(DeviceSite& device) {
        for (int i = 0; i < 8; ++i) {
            Meeting meeting{device, hub_, clock_};
            meeting.run();
            if (meeting.in_step()) return true;
            if (!meeting.session().again_at_once()) {
                said_ = meeting.session().outcome() ? std::string{}
                                                    : meeting.session().outcome().error().message;
                return false;
            }
        }
        ADD_FAILURE() << "the device and the hub do not come to rest";
        return false;
    }

    EntityId save(DeviceSite& device, const std::string& name = "Ann") {
        clock_.advance(Millis{1000});
        const auto id = device.save(name);
        saved_.push_back(id);
        return id;
    }

    /// Remembers when what the device has handed over was received.
    void remember(DeviceSite& device) {
        need(device.store->stamp_receipts(10'000));
        for (const EntityId& id : saved_)
            if (const auto state = device.store->read().load(id); state && state->first)
                received_.emplace(id, *state->first);
    }

    /// Everything is there once, as it was received first, and everybody has the same.
    void expect_whole(const std::vector<DeviceSite*>& devices) {
        for (int round = 0; round < 2; ++round)
            for (DeviceSite* device : devices) EXPECT_TRUE(meet(*device)) << said_;
        EXPECT_EQ(hub_.device_records(), saved_.size());
        for (const EntityId& id : saved_) EXPECT_TRUE(hub_.first_of(id)) << "lost";
        for (const auto& [id, place] : received_) EXPECT_EQ(hub_.first_of(id), place);
        const auto hash = hub_.dump_hash();
        for (DeviceSite* device : devices) {
            EXPECT_EQ(device->dump_hash(), hash);
            need(device->store->rebuild_state());
            EXPECT_EQ(device->dump_hash(), hash);
        }
        for (const auto& forged : hub_.alarms(store::AlarmKind::kForgery))
            ADD_FAILURE() << forged.detail;
    }

    ManualClock clock_;
    HubSite hub_{clock_};
    std::vector<EntityId> saved_;
    std::map<EntityId, sync::Place> received_;
    std::string said_;
};

}  // namespace streetlog::test
