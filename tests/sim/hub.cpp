#include "tests/sim/hub.hpp"

#include <algorithm>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "hub/admin/admin.hpp"
#include "hub/trust/device_acts.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::sim {
namespace {

const std::filesystem::path kDirectory = "/hub";

}  // namespace

SimHub::SimHub(World& world)
    : clock(world.events.now(), world.dice.split("hub clock"), SimClock::Keeper::kOffice),
      disk(world.vfs.disk("hub")),
      signing([&] {
          SimRandom random{world.dice.split("hub key")};
          return sync::SigningKey::make(random);
      }()),
      world_(world),
      random_(world.dice.split("hub random")),
      dice_(world.dice.split("hub")),
      admit_salt_(dice_.next()),
      records_min_(Dice{admit_salt_}.split("snapshots").below(40) + 1),
      old_version_(world.extras.old_hub) {}

SimHub::~SimHub() { disk.crash(); }

bool SimHub::dying() const { return disk.crashed(); }

void SimHub::found(int devices, int projects) {
    id = random_.id<DeviceId>();
    {
        auto log = store::HubLog::open(kDirectory, store::Access::kWrite);
        if (!log) Truth::broken("cannot make a hub: " + log.error().message);
        log->put_setting("hub", to_string(id));
    }
    start();
    hub::Admin admin{run_->ledger, random_};
    hub::DeviceActs devices_of{run_->ledger, random_};
    for (int i = 0; i < devices; ++i) {
        const auto made = devices_of.run("device add", {{"name", fmt::format("Tablet {}", i + 1)}});
        if (!made) Truth::broken("cannot add a device: " + made.error().message);
        enrolled.push_back(*parse_id<DeviceId>(std::string{made->at("device").as_string()}));
        if (!admin.run("user add", {{"name", fmt::format("Worker {}", i + 1)}}))
            Truth::broken("cannot add a user");
    }
    if (world_.extras.scopes) {
        namespace col = hud::col::organization;
        organization_ = random_.id<EntityId>();
        author({{.entity = organization_,
                 .kind = sync::OpKind::kCreate,
                 .table = hud::tbl::kOrganization,
                 .group = hud::grp::kOrganizationVictimServiceProvider,
                 .cells = {{col::kVictimServiceProvider, std::int64_t{0}}}}});
    }
    for (int i = 0; i < projects; ++i) {
        const auto project = random_.id<EntityId>();
        world_.projects.push_back(project);
        namespace col = hud::col::project;
        const auto* name = hud::find_column(col::kProjectName);
        const auto* type = hud::find_column(col::kProjectType);
        std::vector<sync::Op> ops;
        ops.push_back({.entity = project,
                       .kind = sync::OpKind::kCreate,
                       .table = hud::tbl::kProject,
                       .group = name->group,
                       .cells = {{col::kProjectName, fmt::format("Outreach {}", i + 1)}}});
        if (i == 0 && !organization_.is_nil())
            ops.front().cells.insert(
                ops.front().cells.begin(),
                {col::kOrganizationID,
                 sync::Bytes{organization_.bytes.begin(), organization_.bytes.end()}});
        sync::Op typed{.entity = project,
                       .kind = sync::OpKind::kSetGroup,
                       .table = hud::tbl::kProject,
                       .group = type->group,
                       .cells = {{col::kProjectType, std::int64_t{4}}}};
        if (type->group == name->group)
            ops.front().cells.push_back(typed.cells.front());
        else
            ops.push_back(std::move(typed));
        author(std::move(ops));
    }
}

bool SimHub::enrol(const DeviceId& device, const sync::PublicKey& device_key) {
    namespace col = hud::col::hub_device;
    bool done = false;
    act([&] {
        const auto known = run_->ledger.log().device(device);
        if (known->public_key != device_key)
            author(
                {{.entity = {device.bytes},
                  .kind = sync::OpKind::kDevice,
                  .table = hud::tbl::kHubDevice,
                  .group = hud::grp::kHubDeviceRegistration,
                  .cells = {{col::kName, known->name},
                            {col::kState, std::int64_t{1}},
                            {col::kPublicKey, sync::Bytes{device_key.begin(), device_key.end()}}},
                  .supersedes = {known->written}}});
        done = run_->ledger.log().device(device)->public_key == device_key;
    });
    return done && running();
}

Result<std::unique_ptr<SimHub::Program>> SimHub::open() {
    hub::LedgerSetup setup;
    setup.key = signing;
    setup.high_water = mark_;
    STREETLOG_TRY(auto ledger, hub::Ledger::open(kDirectory, clock, setup));
    // Authority as an office might have it: a few records are not allowed, whoever looks.
    ledger.set_admit(
        [this, salt = admit_salt_](const hub::PreparedRun& run, const sync::RecordShape& shape) {
            if (run.authored_here || run.replica.device == id) return sync::StatusCode::kNone;
            Dice lot{salt ^ shape.header.seq * 0x9e3779b97f4a7c15ULL ^
                     std::hash<sync::Replica>{}(shape.header.replica)};
            return lot.chance(40)         ? sync::StatusCode::kUnauthorised
                   : unknown_to_it(shape) ? sync::StatusCode::kNewerSchema
                                          : sync::StatusCode::kNone;
        });
    if (!old_version_) {
        STREETLOG_TRY(const auto released, ledger.release_understood());
        if (released > 0) world_.out.shapes["held and released"] += released;
    }
    STREETLOG_TRY(auto feed, store::HubLog::open(kDirectory, store::Access::kRead));
    STREETLOG_TRY(auto log, store::HubLog::open(kDirectory, store::Access::kRead));
    const auto self = ledger.self().device;
    STREETLOG_TRY(auto projection, hub::HubProjection::open(kDirectory, self));
    auto program = std::make_unique<Program>(
        Program{std::move(ledger), hub::PageReader{std::move(feed)}, {}, {}, {}, {}, {}, {}});
    auto* raw = program.get();
    program->follower.emplace(std::move(projection), std::move(log), [raw](hub::Drafts drafts) {
        return raw->ledger.author_all(std::move(drafts));
    });
    STREETLOG_TRY(auto states, hub::StatePages::open(kDirectory));
    program->pages.follow(std::move(states));
    if (world_.extras.snapshots) open_shelf(*program);
    program->sides.emplace(hub::PeerSides{program->pages,
                                          clock,
                                          random_,
                                          world_.log,
                                          self,
                                          signing,
                                          program->shelf.get(),
                                          world_.extras.carried ? &program->carried : nullptr});
    return program;
}

void SimHub::start() {
    if (run_) return;
    disk.restart();
    ++life_;
    ++world_.out.restarts;
    auto opened = store::guarded_job([&] { return open(); });
    if (!opened) {
        // Its disk fails; somebody comes and sees to it.
        world_.say("the hub does not start: " + opened.error().message);
        if (opened.error().code != ErrorCode::kStorage)
            Truth::broken("the hub's files cannot be used: " + opened.error().message);
        disk.kill();
        world_.events.in(Millis{dice_.between(1'000, 600'000)}, [this] { start(); });
        return;
    }
    run_ = *std::move(opened);
    if (std::exchange(fell_back_, false)) note_loss();
    check_promises(run_->ledger);
    const auto incarnation = run_->ledger.self().incarnation;
    if (said_under_.contains(incarnation) ||
        (incarnation <= incarnation_ && !world_.truth.hub_fell_back()))
        Truth::broken(fmt::format("the hub took incarnation {} again", incarnation));
    note_mark();  // as the writer does
    follow_soon();
}

/// What was acknowledged is on the disk, as it was.
void SimHub::check_promises(hub::Ledger& ledger) {
    for (const auto& [replica, seq] : world_.truth.promises()) {
        const auto row = ledger.replica(replica);
        const auto have = row ? row->acked_seq : 0;
        if (have < seq)
            Truth::broken(
                fmt::format("the hub told a device that it has {} records, and has {} after a "
                            "restart",
                            seq,
                            have));
        const sync::RecordKey last{replica, have};
        if (world_.truth.known(last) && world_.truth.find(last, row->acked_hash) == nullptr)
            Truth::broken("the hub has other records than the device saved");
    }
}

const hub::PeerSides& SimHub::sides() const { return *run_->sides; }

hub::Ledger& SimHub::ledger() { return run_->ledger; }

hub::Follower& SimHub::follower() { return *run_->follower; }

void SimHub::act(const std::function<void()>& what) {
    if (!running()) return;
    const bool outermost = !std::exchange(busy_, true);
    bool failed = false;
    try {
        what();
    } catch (const store::StorageFailure& failure) {
        world_.say(fmt::format("the hub ends: {}", failure.what()));
        failed = true;
    }
    if (!outermost) {
        if (failed) disk.kill();
        return;
    }
    busy_ = false;
    if (dying() || failed) {
        if (!dying()) disk.kill();
        die(Millis{dice_.between(1'000, 1'800'000)});
    }
}

void SimHub::set_clock_off(Millis by) {
    clock.set_wall(world_.now() + by);
    most_off_ = std::max(most_off_, Millis{std::abs(by.count())});
}

void SimHub::power_cut() {
    if (!run_) return;
    disk.crash();
    if (dice_.chance(300)) world_.shelf.damage(dice_);
    die(Millis{dice_.between(5'000, 4 * 3'600'000)});
}

void SimHub::killed() {
    if (!run_) return;
    disk.kill();
    die(Millis{dice_.between(1'000, 60'000)});
}

void SimHub::die(Millis down) {
    world_.say("the hub is down");
    world_.trace.note("hub down", life_);
    disk.forgive();
    disk.set_full(false);
    for (const auto& connection : connections())
        connection->hub_gone(Millis{dice_.between(0, 60'000)});
    connections_.clear();
    // One under which nothing was said may be taken again.
    const auto self = run_->ledger.self();
    if (const auto row = run_->ledger.replica(self); row && row->acked_seq > 0)
        said_under_.insert(incarnation_ = self.incarnation);
    run_.reset();
    world_.events.in(world_.calm ? Millis{1'000} : down, [this] { start(); });
}

void SimHub::adopt(std::shared_ptr<SimConnection> connection) {
    connections_.push_back(std::move(connection));
}

void SimHub::forget(const SimConnection& connection) {
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
}

std::vector<std::shared_ptr<SimConnection>> SimHub::connections() const { return connections_; }

void SimHub::submit(hub::PreparedRun run, hub::Writer::Done done) {
    Item item;
    item.bytes = run.body.size() + (run.raw ? run.raw->size() : 0);
    item.run = std::move(run);
    item.done = std::move(done);
    run_->queue.push_back(std::move(item));
    if (std::exchange(run_->commit_due, true)) return;
    // A busy disk lets a crowd gather behind one commit.
    const auto wait = dice_.chance(100) ? dice_.between(0, 5'000) : dice_.between(0, 20);
    world_.events.in(Millis{wait}, [this, life = life_] {
        if (life == life_ && run_) act([this] { commit(); });
    });
}

void SimHub::write(std::function<Result<void>(hub::Ledger&)> job,
                   std::function<void(Result<void>)> done) {
    world_.events.in(Millis{dice_.between(0, 20)},
                     [this, life = life_, job = std::move(job), done = std::move(done)] {
                         if (life != life_ || !run_) return;
                         act([&] {
                             const auto before = run_->ledger.head();
                             auto result = job(run_->ledger);
                             if (!result) check_memory();
                             announce(before.seq);
                             done(std::move(result));
                         });
                     });
}

void SimHub::commit() {
    constexpr std::size_t kRecords = 512;
    constexpr std::size_t kBytes = 2 * 1024 * 1024;
    run_->commit_due = false;
    std::vector<hub::PreparedRun> group;
    std::vector<hub::Writer::Done> dones;
    std::size_t records = 0;
    std::size_t bytes = 0;
    while (!run_->queue.empty()) {
        auto& next = run_->queue.front();
        records += next.run.records.size();
        bytes += next.bytes;
        if (!group.empty() && (records > kRecords || bytes > kBytes)) break;
        group.push_back(std::move(next.run));
        dones.push_back(std::move(next.done));
        run_->queue.pop_front();
    }
    const auto before = run_->ledger.head();
    auto results = run_->ledger.ingest(group);
    world_.trace.note("commit", group.size());
    if (!results) check_memory();
    for (std::size_t i = 0; i < dones.size(); ++i) {
        // On the peers' own thread.
        Result<hub::IngestResult> result = std::unexpected(Error{});
        if (results)
            result = std::move((*results)[i]);
        else
            result = std::unexpected(results.error());
        world_.events.in(Millis{0},
                         [this, life = life_, done = dones[i], result = std::move(result)] {
                             if (life == life_ && run_) act([&] { done(result); });
                         });
    }
    if (!run_->queue.empty()) {
        run_->commit_due = true;
        world_.events.in(Millis{1}, [this, life = life_] {
            if (life == life_ && run_) act([this] { commit(); });
        });
    }
    announce(before.seq);
}

void SimHub::check_memory() {
    auto disk_log = store::HubLog::open(kDirectory, store::Access::kRead);
    if (!disk_log || !run_->ledger.read_again()) return;  // its disk does not even read
    const auto looked = store::guarded_job([&]() -> Result<void> {
        const auto& ledger = run_->ledger;
        if (disk_log->head() != ledger.head())
            Truth::broken("the ledger believes in another end of the log than the disk has");
        for (const auto& row : disk_log->replicas()) {
            const auto known = ledger.replica(row.replica);
            if (!known || known->acked_seq != row.acked_seq || known->acked_hash != row.acked_hash)
                Truth::broken("the ledger believes to have other records than the disk has");
        }
        disk_log->scan_entities([&](std::int64_t, const EntityId& entity) {
            if (!ledger.taken(entity)) Truth::broken("the ledger forgot an entity");
        });
        return {};
    });
    if (!looked) world_.say("the disk does not read: " + looked.error().message);
}

void SimHub::note_mark() {
    const auto& ledger = run_->ledger;
    mark_ = hub::HighWater{id, ledger.head(), ledger.last_received(), ledger.self().incarnation};
}

void SimHub::announce(HubSeq before) {
    const auto head = run_->ledger.head();
    if (head.seq == before) return;
    note_mark();
    follow_soon();
    world_.events.in(Millis{0}, [this, life = life_, head] {
        if (life != life_ || !run_) return;
        for (const auto& connection : connections()) act([&] { connection->feed(head.seq); });
    });
}

void SimHub::follow_soon() {
    if (std::exchange(run_->follow_due, true)) return;
    const auto wait = dice_.chance(50) ? dice_.between(0, 3'600'000) : dice_.between(0, 2'000);
    world_.events.in(Millis{wait}, [this, life = life_] {
        if (life != life_ || !run_) return;
        run_->follow_due = false;
        act([this] { catch_up(); });
    });
}

void SimHub::catch_up() {
    const auto before = run_->ledger.head();
    const auto done = run_->follower->catch_up();
    if (!done) world_.say("the projection waits: " + done.error().message);
    if (!done && done.error().code != ErrorCode::kStorage)
        Truth::broken("the projection cannot follow: " + done.error().message);
    announce(before.seq);
    if (!done) follow_soon();
    const HubSeq at = run_->follower->projection().at();
    if (run_->shelf) run_->shelf->projection_at(at);
    if (at == std::exchange(run_->told, at)) return;
    world_.events.in(Millis{0}, [this, life = life_, at] {
        if (life != life_ || !run_) return;
        for (const auto& connection : connections()) act([&] { connection->projected(at); });
    });
}

void SimHub::author(std::vector<sync::Op> ops) {
    const auto before = run_->ledger.head();
    const auto key = run_->ledger.author({}, std::move(ops));
    if (key) ++world_.out.hub_acts;
    announce(before.seq);
}

}  // namespace streetlog::sim
