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

SimAgent::SimAgent(World& world, int number, const SimAgent& original, const SimDisk::Image& image)
    : SimAgent(world, number, original.replica_.device) {
    signing = original.signing;
    replica_ = original.replica_;
    saved_ = original.saved_;
    wall_lied_ = original.wall_lied_;
    SimDisk::Image own;
    for (const auto& [path, bytes] : image) own[file_ + path.substr(original.file_.size())] = bytes;
    disk.put_back(own);
    disk.restart();
}

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
    if (store_->settings().self != replica_) return renamed();
    if (head->last_seq < saved_.seq)
        Truth::broken(fmt::format("{} had told its worker of {} saved records and has {}",
                                  name_,
                                  saved_.seq,
                                  head->last_seq));
    // A Save that was cut off may have come through; its worker looks, and sees it there.
    while (saved_.seq < head->last_seq && !disk.crashed()) adopt(saved_.seq + 1);
    pending_.reset();
    if (saved_.seq == head->last_seq && saved_.chain != head->head_hash)
        Truth::broken(name_ + " has other records than it saved");
    if (head->acked_seq > world_.truth.promised(replica_))
        Truth::broken(name_ + " believes the hub has what the hub never said it had");
}

/// Empty when its disk does not read.
sync::EncodedRecord SimAgent::own_record(std::uint64_t seq) {
    auto run = store_->log().read_run(seq, 1, 1);
    if (run && !run->records.empty()) return std::move(run->records.front());
    if (!disk.crashed() && (run || run.error().code != ErrorCode::kStorage))
        Truth::broken(fmt::format("{} cannot read its record {}: {}",
                                  name_,
                                  seq,
                                  run ? "there is none" : run.error().message));
    if (!disk.crashed()) disk.kill();
    return {};
}

/// Takes over what the store has under `seq`, the next one, as the truth.
void SimAgent::adopt(std::uint64_t seq) {
    TrueRecord record;
    record.bytes = own_record(seq);
    if (record.bytes.header.empty()) return;
    const auto chain = sync::chain_hash(saved_.chain, sync::hash_of(sync::view_of(record.bytes)));
    const sync::RecordKey key{replica_, seq};
    // What a copy of it saved comes back from the hub.
    if (world_.truth.find(key, chain) == nullptr) {
        if (!pending_) Truth::broken(fmt::format("{} has a record nobody saved: {}", name_, seq));
        auto bytes = std::move(record.bytes);
        record = *pending_;
        record.bytes = std::move(bytes);
        record.before = saved_.chain;
        world_.truth.saved(key, std::move(record));
        ++world_.out.records;
    }
    saved_ = {seq, chain};
}

void SimAgent::keep_up() {
    if (store_->settings().self != replica_) renamed();
    const auto head = store_->log().head();
    while (head && running() && saved_.seq < head->last_seq) adopt(saved_.seq + 1);
}

namespace {

/// All of it but what a fork gives it anew.
sync::EncodedRecord content_of(const sync::EncodedRecord& bytes) {
    auto record = sync::decode(sync::view_of(bytes));
    if (!record) return bytes;
    record->header.replica = {};
    record->header.seq = 1;
    record->header.fork_of.reset();
    for (auto& op : record->ops) op.supersedes.clear();
    return sync::encode(*record);
}

}  // namespace

/// A copy of it exists, and it goes on under a number of its own, with every record that is not of
/// both.
void SimAgent::renamed() {
    std::map<std::uint64_t, const TrueRecord*> mine;
    sync::Hash chain = saved_.chain;
    for (auto seq = saved_.seq; seq > 0; --seq) {
        mine[seq] = world_.truth.find({replica_, seq}, chain);
        chain = mine[seq]->before;
    }
    const auto head = store_->log().head();
    if (!head) return;
    const auto old = std::exchange(replica_, store_->settings().self);
    const auto had = std::exchange(saved_, {});
    std::uint64_t next = had.seq + 1 - std::min(had.seq, head->last_seq);
    for (std::uint64_t seq = 1; seq <= head->last_seq; ++seq, ++next) {
        const auto bytes = own_record(seq);
        const auto record = sync::decode(sync::view_of(bytes));
        if (bytes.header.empty()) return;
        const auto from = record ? record->header.fork_of : std::nullopt;
        if (seq == 1 && from) next = from->seq;
        const auto* before = mine.contains(next) ? mine[next] : pending_ ? &*pending_ : nullptr;
        if (!from || *from != sync::ForkOf{old.incarnation, next} || before == nullptr ||
            (before->save > 0 && content_of(before->bytes) != content_of(bytes)))
            Truth::broken(
                fmt::format("{} has under its new number as record {} what was not its record {}",
                            name_,
                            seq,
                            next));
        TrueRecord anew = *before;
        anew.bytes = bytes;
        anew.before = saved_.chain;
        saved_ = {seq, world_.truth.saved({replica_, seq}, std::move(anew))};
    }
    if (head->last_seq > 0 && next <= had.seq)
        Truth::broken(fmt::format("{} lost its records from {} on", name_, next));
    pending_.reset();
    ++world_.out.shapes["devices with another number"];
    world_.out.shapes["records stamped anew"] += head->last_seq;
    world_.say(fmt::format("{} goes on as {}, with {} of {} records",
                           name_,
                           fmt::format("{}.{}", to_string(replica_.device), replica_.incarnation),
                           head->last_seq,
                           had.seq));
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
    if (running()) keep_up();
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
    work_soon();  // what it was at when it fell asleep
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
