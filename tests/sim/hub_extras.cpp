#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "hub/ingest/bundle_intake.hpp"
#include "hub/trust/device_acts.hpp"
#include "schema/hud/fields.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

/// Snapshots, devices that come late, files, and a program that is brought up to date.
namespace streetlog::sim {
namespace {

const std::filesystem::path kDirectory = "/hub";

}  // namespace

std::optional<DeviceId> SimHub::enrol_another() {
    std::optional<DeviceId> out;
    act([&] {
        const auto before = run_->ledger.head();
        hub::DeviceActs devices{run_->ledger, random_};
        const auto made =
            devices.run("device add", {{"name", fmt::format("Tablet {}", enrolled.size() + 1)}});
        if (made && !dying()) out = parse_id<DeviceId>(std::string{made->at("device").as_string()});
        announce(before.seq);
    });
    if (out) enrolled.push_back(*out);
    return out;
}

std::optional<std::vector<sync::PushAck>> SimHub::read_in(const sync::Bundle& bundle) {
    std::optional<std::vector<sync::PushAck>> out;
    act([&] {
        const auto before = run_->ledger.head();
        auto taken = hub::take_bundle(run_->ledger, bundle);
        // Of two copies only one goes on under the number: the other comes again with another.
        if (!taken && taken.error().code == ErrorCode::kConflict &&
            !world_.copied.contains(bundle.author.device))
            Truth::broken("a file is taken for one of another device: " + taken.error().message);
        if (!taken && taken.error().code == ErrorCode::kStorage) check_memory();
        ++world_.out.shapes[taken ? "files read in" : "files not read in"];
        if (taken && !dying()) {
            world_.out.shapes["records that came as files first"] += taken->fresh;
            world_.out.shapes["records that came as files again"] += taken->records - taken->fresh;
            for (const auto& ack : taken->acks) world_.truth.hub_said(bundle.author, ack);
            out = std::move(taken->acks);
        }
        announce(before.seq);
    });
    return out;
}

bool SimHub::unknown_to_it(const sync::RecordShape& shape) const {
    return old_version_ && std::ranges::any_of(shape.ops, [](const sync::OpShape& op) {
               return op.table == hud::tbl::kCaseNote;
           });
}

void SimHub::upgrade() {
    if (!std::exchange(old_version_, false)) return;
    world_.say("the hub is brought up to date");
    killed();
}

void SimHub::back_up() {
    if (!running() || busy_) return;
    auto image = disk.image();
    // What can be made again is in no backup.
    std::erase_if(image, [](const auto& file) { return file.first.contains("/projection.db"); });
    backup_ = std::move(image);
    ++world_.out.shapes["backups"];
}

void SimHub::lose_disk(Dice& dice) {
    if (!running() || busy_ || !backup_) return;
    world_.say("the hub's disk is lost");
    ++world_.out.shapes["hubs restored"];
    for (const auto& agent : world_.agents) agent->tell_receipts();
    disk.kill();
    die(Millis{dice.between(1'000, 10 * 3'600'000)});
    disk.put_back(*backup_);
    const bool new_machine = dice.chance(500);
    if (new_machine) {
        mark_.reset();
        disk.restart();
        const auto salted = store::guarded_job([&]() -> Result<void> {
            STREETLOG_TRY(auto log, store::HubLog::open(kDirectory, store::Access::kWrite));
            log.put_setting(hub::kUnseenRestoreSetting, std::to_string(1 + dice.below(0x10000)));
            return {};
        });
        if (!salted) Truth::broken("a backup cannot be used: " + salted.error().message);
        disk.kill();
    }
    fell_back_ = true;
}

/// At its next start.
void SimHub::note_loss() {
    std::map<sync::Replica, std::uint64_t> has;
    for (const auto& row : run_->ledger.log().replicas()) has[row.replica] = row.acked_seq;
    world_.truth.hub_lost(has);
}

void SimHub::open_shelf(Program& program) {
    program.shelf = std::make_unique<hub::SnapshotShelf>(
        hub::SnapshotSource{.directory = "/hub",
                            .hub = program.ledger.self().device,
                            .scope = hub::kScopeAll,
                            .shelf = world_.shelf.path()},
        hub::SnapshotRules{.records_min = records_min_},
        world_.log,
        [this, life = life_] {
            if (life != life_ || !run_) return;
            for (const auto& connection : connections()) act([&] { connection->snapshot(); });
        },
        hub::SnapshotShelf::Work::kCaller);
}

/// As the thread that makes them does, sooner or later.
void SimHub::shelf_soon() {
    if (!run_ || !run_->shelf || std::exchange(run_->shelf_due, true)) return;
    const auto wait = dice_.chance(100) ? dice_.between(0, 3'600'000) : dice_.between(0, 30'000);
    world_.events.in(Millis{wait}, [this, life = life_] {
        if (life != life_ || !run_) return;
        run_->shelf_due = false;
        act([this] {
            if (!run_->shelf->make_due()) return;
            world_.trace.note("snapshot");
            ++world_.out.shapes["snapshots made"];
        });
    });
}

}  // namespace streetlog::sim
