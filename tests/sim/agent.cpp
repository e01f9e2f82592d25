#include "tests/sim/agent.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/store/understands.hpp"
#include "tests/sim/hub.hpp"

namespace streetlog::sim {
namespace {

/// How often a program shows its witness the clocks (agent/app/serve.cpp).
constexpr Millis kWatch{20'000};

bool without_notes(const sync::Op& op) {
    return store::catalogue_understands(op) && op.table != hud::tbl::kCaseNote;
}

bool without_numbers(const sync::Op& op) {
    return store::catalogue_understands(op) && op.group != hud::grp::kClientSsn;
}

}  // namespace

SimAgent::SimAgent(World& world, int number, DeviceId device)
    : clock(world.events.now(), world.dice.split(fmt::format("clock {}", number))),
      disk(world.vfs.disk(fmt::format("tablet{}", number))),
      signing([&] {
          SimRandom random{world.dice.split(fmt::format("key {}", number))};
          return sync::SigningKey::make(random);
      }()),
      world_(world),
      name_(fmt::format("tablet{}", number)),
      file_(fmt::format("/tablet{}/agent.db", number)),
      replica_{device, 1},
      dice_(world.dice.split(name_)),
      random_(dice_.split("random")),
      backoff_(random_),
      watched_(world.now()) {}

SimAgent::~SimAgent() {
    disk.crash();
    lose_program();
}

void SimAgent::enrol() {
    store::AgentSettings settings;
    settings.self = replica_;
    settings.hub = world_.hub->id;
    settings.hub_key = world_.hub->signing.public_key();
    settings.device_name = name_;
    settings.project = world_.projects.front();
    auto made = store::AgentStore::create(file_, settings);
    if (!made) Truth::broken("cannot enrol: " + made.error().message);
    take_certificate();
}

/// Until the hub has written it down.
void SimAgent::take_certificate() {
    if (world_.hub->enrol(replica_.device, signing.public_key())) return;
    world_.events.in(Millis{60'000}, [this] { take_certificate(); });
}

void SimAgent::watch() {
    if (witness_ && !clock.suspended())
        for (; watched_ + kWatch < world_.now(); watched_ = watched_ + kWatch)
            witness_->observe(clock.at(watched_));
    watched_ = world_.now();
    if (witness_ && witness_->anchor_is_news() && !busy_) act([this] { (void)keep_clock(); });
}

Result<void> SimAgent::keep_clock() {
    if (!witness_->anchor_is_news()) return {};
    STREETLOG_CHECK(store_->set_anchor(*witness_->anchor()));
    witness_->anchor_stored();
    return {};
}

store::Understands SimAgent::understands() const {
    if (!runs_old_) return store::catalogue_understands;
    return replica_.device.bytes[0] % 2 == 0 ? without_notes : without_numbers;
}

void SimAgent::start() {
    if (store_ || retired_) return;
    disk.restart();
    ++life_;
    ++world_.out.restarts;
    working_ = false;
    if (clock.suspended()) clock.resume();
    runs_old_ = old_version;
    auto opened = store::AgentStore::open(file_, understands());
    if (!opened) {
        world_.say(fmt::format("{} does not start: {}", name_, opened.error().message));
        if (opened.error().code != ErrorCode::kStorage)
            Truth::broken(name_ + " cannot be used: " + opened.error().message);
        disk.kill();
        world_.events.in(Millis{dice_.between(1'000, 600'000)}, [this] { start(); });
        return;
    }
    store_ = *std::move(opened);
    watched_ = world_.now();
    // What was seen and did not come to the disk was not seen.
    const auto anchor = store_->anchor();
    if (set_after_ && anchor == set_after_) wall_lied_ = true;
    set_after_.reset();
    witness_.emplace(anchor);
    witness_->observe(clock.read());
    act([this] { check_own_log(); });
    lost_place_ = lost_place_ || loses_place_;
    if (std::exchange(loses_place_, false))
        act([this] {
            if (store_->read_anew(hub::kScopeAll)) ++world_.out.shapes["places lost"];
        });
    work_soon();
    sync_when(Millis{dice_.between(0, 5'000)});
}

void SimAgent::check_own_log() {
    const auto head = store_->log().head();
    if (!head) return;
    const auto told = world_.truth.last_of(replica_);
    if (head->last_seq < told)
        Truth::broken(fmt::format(
            "{} had told its worker of {} saved records and has {}", name_, told, head->last_seq));
    // A Save that was cut off may have come through; its worker looks, and sees it there.
    for (std::uint64_t seq = told + 1; seq <= head->last_seq; ++seq) adopt(seq);
    pending_.reset();
    const auto* last = world_.truth.find({replica_, head->last_seq});
    if (last != nullptr && last->chain != head->head_hash)
        Truth::broken(name_ + " has other records than it saved");
    if (head->acked_seq > world_.truth.promised(replica_))
        Truth::broken(name_ + " believes the hub has what the hub never said it had");
}

/// Takes over what the store has under `seq` as the truth.
void SimAgent::adopt(std::uint64_t seq) {
    const auto run = store_->log().read_run(seq, 1, 1);
    if (!run || run->records.size() != 1) {
        if (disk.crashed() || (!run && run.error().code == ErrorCode::kStorage)) return;
        Truth::broken(fmt::format("{} cannot read its record {}", name_, seq));
    }
    if (!pending_) Truth::broken(fmt::format("{} has a record nobody saved: {}", name_, seq));
    TrueRecord record = *pending_;
    record.bytes = run->records.front();
    world_.truth.saved({replica_, seq}, std::move(record));
    ++world_.out.records;
}

void SimAgent::check_memory() {
    const auto head = store_->log().head();
    auto db = store::Db::open(
        file_, store::Access::kRead, store::Durability::kFull, store::kAgentApplication);
    if (!head || !db) return;  // its disk does not even read
    const auto looked = store::guarded_job([&]() -> Result<void> {
        auto me = db->prepare("SELECT next_seq, head_hash, acked FROM me");
        if (!me.step()) Truth::broken(name_ + " is no device any more");
        const bool same = static_cast<std::uint64_t>(me.integer(0)) == head->last_seq + 1 &&
                          std::ranges::equal(me.blob(1), head->head_hash) &&
                          static_cast<std::uint64_t>(me.integer(2)) == head->acked_seq;
        me.reset();
        if (!same) Truth::broken(name_ + " believes in another log than its disk has");
        return {};
    });
    if (!looked) world_.say(name_ + " does not read: " + looked.error().message);
}

void SimAgent::act(const std::function<void()>& what) {
    if (!running()) return;
    const bool outermost = !std::exchange(busy_, true);
    try {
        what();
    } catch (const store::StorageFailure& failure) {
        // Reads outside a job; the program ends.
        world_.say(fmt::format("{} ends: {}", name_, failure.what()));
        if (!disk.crashed()) disk.kill();
    }
    if (!outermost) return;
    busy_ = false;
    if (disk.crashed()) die(Millis{dice_.between(2'000, 3'600'000)});
}

void SimAgent::lose_program() {
    session_.reset();
    if (connection_) {
        const auto connection = std::exchange(connection_, nullptr);
        if (!world_.calm || world_.hub) connection->close_from_device();
    }
    witness_.reset();
    store_.reset();
}

void SimAgent::die(Millis down) {
    world_.say(name_ + " is down");
    world_.trace.note(name_, life_);
    disk.forgive();
    disk.set_full(false);
    lose_program();
    world_.events.in(world_.calm ? Millis{1'000} : down, [this] { start(); });
}

void SimAgent::power_cut() {
    if (!store_) return;
    watch();
    if (!store_) return;
    disk.crash();
    clock.reboot();
    die(Millis{dice_.between(10'000, 12 * 3'600'000)});
}

void SimAgent::killed() {
    if (!store_) return;
    watch();
    if (!store_) return;
    disk.kill();
    die(Millis{dice_.between(1'000, 600'000)});
}

void SimAgent::reboot() {
    if (!store_) return;
    watch();
    if (!store_) return;
    disk.kill();
    clock.reboot();
    die(Millis{dice_.between(30'000, 3'600'000)});
}

void SimAgent::reboot_at(Instant wall) {
    if (!store_) return;
    wall_lied_ = true;
    watch();
    if (!store_) return;
    disk.kill();
    clock.reboot();
    clock.set_wall(wall);
    die(Millis{dice_.between(30'000, 3'600'000)});
}

void SimAgent::close_app() {
    if (!store_) return;
    watch();
    if (!store_) return;
    if (session_) {
        session_->stop();
        (void)session_->act();
        act([this] { end_session(); });
    }
    if (!store_) return;
    disk.kill();
    lose_program();
    disk.restart();
    world_.events.in(Millis{dice_.between(60'000, 18 * 3'600'000)}, [this] { start(); });
}

void SimAgent::suspend() {
    if (!awake()) return;
    watch();
    if (running()) clock.suspend();
}

void SimAgent::resume() {
    if (!clock.suspended()) return;
    clock.resume();
    watched_ = world_.now();
    if (witness_) witness_->observe(clock.read());
    if (running() && !session_) sync_when(Millis{dice_.between(0, 10'000)});
}

void SimAgent::set_wall(Instant to) {
    watch();
    if (!running() || clock.suspended())
        wall_lied_ = true;
    else if (const auto anchor = store_->anchor(); anchor && !anchor->wall_set)
        set_after_ = anchor;
    clock.set_wall(to);
}

}  // namespace streetlog::sim
