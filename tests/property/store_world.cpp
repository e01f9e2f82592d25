#include "tests/property/store_world.hpp"

#include <algorithm>

#include "sync/store/log_records.hpp"

namespace streetlog::sync::testing {
namespace {

using test::need;

constexpr std::size_t kReader = kAuthors;  // place among the agents
constexpr std::size_t kPageBytesMax = 32 * 1024;

store::AgentSettings settings_of(const Replica& self) {
    store::AgentSettings out;
    out.self = self;
    out.hub = kHubDevice;
    return out;
}

Replica reader_replica(Byte n) {
    Replica out{{}, 1};
    out.device.bytes[0] = 0xee;
    out.device.bytes[15] = n;
    return out;
}

}  // namespace

StoreWorld::StoreWorld(std::uint32_t seed) : random_(seed), hub_(clock_, kHubDevice) {
    for (std::size_t i = 0; i < kAuthors; ++i)
        agents_.push_back(new_agent(author_replica(i), "author" + std::to_string(i)));
    agents_.push_back(new_agent(reader_replica(1), "reader"));
    hub_.ledger.set_admit([this](const hub::PreparedRun&, const RecordShape& shape) {
        return refused_.contains(shape.header.key()) ? StatusCode::kUnauthorised
                                                     : StatusCode::kNone;
    });
}

store::AgentStore StoreWorld::new_agent(const Replica& self, const std::string& name) {
    return need(store::AgentStore::create(folder_.path() / (name + ".db"), settings_of(self)));
}

History StoreWorld::play(const History& history, Receipts receipts) {
    Site site;
    site.number = histories_++;
    site.start = clock_.now() + Millis{kHistoryMs};
    for (std::size_t i = 0; i < kAuthors; ++i)
        site.author_records[i] = recorded_[author_replica(i)].records.size();
    site.receipts = receipts;
    site.hub = hub_.ledger.self();
    site.hub_records = hub_records_;
    site.head = hub_.ledger.head().seq;
    History moved = relocated(history, site);
    clock_.advance(Millis{kHistoryMs});

    const auto order = feeding_order(moved);
    const bool issued = receipts == Receipts::kIssued;
    for (const HistoryRecord& record : moved.records) {
        const RecordKey key = record.record.header.key();
        if (record.hidden || record.released) refused_.insert(key);
        if (!issued) carried_.insert(key);
        const bool by_ledger = issued && key.replica.device == kHubDevice;
        if (!by_ledger) expected_.emplace(key, record.receipt);
    }
    save(moved);
    for (const std::size_t i : order) {
        const HistoryRecord& record = moved.records[i];
        const RecordKey key = record.record.header.key();
        if (issued && record.receipt.place.received > clock_.now()) {
            commit(hub_);
            clock_.advance(record.receipt.place.received - clock_.now());
        }
        if (issued && key.replica.device == kHubDevice)
            author(record);
        else
            queue(key);
        if (coin(8)) commit(hub_);
        if (coin(16)) pull_page(hub_, agents_[random_() % agents_.size()]);
    }
    commit(hub_);
    return moved;
}

/// Everything the devices of a history record; the authors' through their stores.
void StoreWorld::save(const History& history) {
    std::array<std::vector<store::SaveRequest>, kAuthors> saves;
    std::map<RecordKey, const HistoryRecord*> in_order;
    for (const HistoryRecord& record : history.records)
        in_order.emplace(record.record.header.key(), &record);
    for (const auto& [key, record] : in_order) {
        const auto author = std::ranges::find(
            agents_, key.replica, [](const auto& agent) { return agent.settings().self; });
        if (author != agents_.end()) {
            store::SaveRequest request;
            request.header.recorded = record->record.header.recorded;
            request.header.clock = record->record.header.clock;
            request.ops = record->record.ops;
            saves[static_cast<std::size_t>(author - agents_.begin())].push_back(request);
        } else if (carried_.contains(key) || key.replica.device != kHubDevice) {
            add_record(key.replica, encode(record->record));
        }
    }
    for (std::size_t i = 0; i < kAuthors; ++i) {
        if (saves[i].empty()) continue;
        const auto saved = need(agents_[i].save_many(saves[i]));
        auto run = need(agents_[i].log().read_run(
            saved.front().seq, static_cast<std::uint32_t>(saved.size()), kBatchRawBytesMax));
        if (run.records.size() != saved.size()) throw std::runtime_error("a run was cut");
        for (EncodedRecord& bytes : run.records) add_record(author_replica(i), std::move(bytes));
        if (recorded_[author_replica(i)].chain.back() != run.head_hash)
            differences.emplace_back("the chain of an agent's log");
    }
}

void StoreWorld::add_record(const Replica& replica, EncodedRecord record) {
    Recorded& all = recorded_[replica];
    const Hash last = all.chain.empty() ? Hash{} : all.chain.back();
    all.chain.push_back(chain_hash(last, hash_of(view_of(record))));
    all.records.push_back(std::move(record));
}

hub::PreparedRun StoreWorld::run_of(const Replica& replica,
                                    std::uint64_t first,
                                    std::uint64_t last) {
    const Recorded& all = recorded_.at(replica);
    PushRun run;
    run.first_seq = first;
    if (first > 1) run.prev_hash = all.chain[first - 2];
    std::vector<std::optional<Receipt>> receipts;
    for (std::uint64_t seq = first; seq <= last; ++seq) {
        run.records.push_back(all.records[seq - 1]);
        const RecordKey key{replica, seq};
        receipts.push_back(carried_.contains(key) ? std::optional{expected_.at(key)}
                                                  : std::nullopt);
    }
    return test::prepared_run(replica, run, receipts);
}

void StoreWorld::queue(const RecordKey& key) {
    if (run_last_ != 0 && (key.replica != run_replica_ || key.seq != run_last_ + 1 || coin(4)))
        close_run();
    if (run_last_ == 0) {
        run_replica_ = key.replica;
        // Some begin with records the hub has.
        const auto back = coin(4) ? std::min<std::uint64_t>(at_most(3), key.seq - 1) : 0;
        run_first_ = key.seq - back;
    }
    run_last_ = key.seq;
}

void StoreWorld::close_run() {
    if (run_last_ == 0) return;
    group_.push_back(run_of(run_replica_, run_first_, run_last_));
    run_last_ = 0;
}

void StoreWorld::commit(test::OfficeHub& hub) {
    close_run();
    if (group_.empty()) return;
    std::vector<Replica> replicas;
    for (const auto& run : group_) replicas.push_back(run.replica);
    const auto results = need(hub.ledger.ingest(group_));
    for (std::size_t i = 0; i < results.size(); ++i) {
        check_result(replicas[i], results[i]);
        if (&hub != &hub_ || coin(3)) continue;  // the ack is lost
        for (std::size_t a = 0; a < kAuthors; ++a)
            if (replicas[i] == author_replica(a))
                need(agents_[a].store_ack(test::ack_of(replicas[i], results[i])));
    }
    group_.clear();
}

void StoreWorld::check_result(const Replica& replica, const hub::IngestResult& result) {
    if (result.outcome != hub::IngestResult::Outcome::kStored)
        differences.emplace_back("the hub refused a run");
    for (const auto& given : result.receipts) {
        for (std::size_t i = 0; i < given.receipt.times.size(); ++i) {
            const RecordKey key{replica, given.first_seq + i};
            if (given.receipt.of(i) != expected_.at(key))
                differences.push_back("the receipt of " + to_string(key));
            const bool set_aside =
                std::ranges::find(result.exceptions, key.seq, &hub::IngestResult::Exception::seq) !=
                result.exceptions.end();
            if (set_aside != refused_.contains(key))
                differences.push_back("the status of " + to_string(key));
        }
    }
}

void StoreWorld::author(const HistoryRecord& record) {
    commit(hub_);
    const RecordKey key = need(hub_.ledger.author({}, record.record.ops));
    ++hub_records_;
    if (key != record.record.header.key()) differences.emplace_back("the key of a hub's record");
}

void StoreWorld::load_snapshot(test::OfficeHub& hub, store::AgentStore& agent) {
    const auto file = hub.snapshot();
    hub.bootstrap(agent, *file, static_cast<std::uint32_t>(at_most(64 * 1024)));
}

/// False when there is no more.
bool StoreWorld::pull_page(test::OfficeHub& hub, store::AgentStore& agent) {
    if (coin(100)) load_snapshot(hub, agent);
    auto page = hub.page_for(agent, at_most(kPageBytesMax));
    const bool reads_only = agent.settings().self.device.bytes[0] == 0xee;
    if (reads_only) std::ranges::shuffle(page.runs, random_);
    need(agent.apply_page(page, clock_.now()));
    if (coin(4)) need(agent.apply_page(page, clock_.now()));
    if (coin(4)) need(agent.stamp_receipts(at_most(20)));
    return !page.caught_up;
}

void StoreWorld::expect_hash(const std::string& who, const Hash& got) {
    if (got != hash_) differences.push_back("the dump of " + who);
}

void StoreWorld::settle() {
    for (store::AgentStore& agent : agents_) {
        while (pull_page(hub_, agent)) {
        }
        if (agent.oldest_unsent() != 0) differences.emplace_back("a receipt never came");
    }
    hash_ = hub_.dump_hash();
    agents_.push_back(new_agent(reader_replica(3), "newcomer"));
    load_snapshot(hub_, agents_.back());
    for (std::size_t i = 0; i < agents_.size(); ++i)
        expect_hash("agent " + std::to_string(i), need(agents_[i].dump_hash()));
}

void StoreWorld::make_again() {
    need(hub_.projection.rebuild(hub_.log));
    expect_hash("the hub, made again", hub_.dump_hash());
    for (std::size_t i = 0; i < agents_.size(); ++i) {
        need(agents_[i].rebuild_state());
        expect_hash("agent " + std::to_string(i) + ", made again", need(agents_[i].dump_hash()));
    }
    const std::size_t chosen = random_() % agents_.size();
    store::AgentStore& agent = agents_[chosen];
    const std::string who = "agent " + std::to_string(chosen);
    need(agent.read_anew(hub::kScopeAll));
    for (std::size_t pages = at_most(8); pages > 0 && pull_page(hub_, agent); --pages) {
    }
    need(agent.rebuild_state());
    expect_hash(who + ", half pulled again and made again", need(agent.dump_hash()));
    load_snapshot(hub_, agent);
    expect_hash(who + ", from a snapshot", need(agent.dump_hash()));
    need(agent.rebuild_state());
    expect_hash(who + ", from a snapshot and made again", need(agent.dump_hash()));
    while (pull_page(hub_, agent)) {
    }
    expect_hash(who + ", pulled again", need(agent.dump_hash()));
    need(agent.rebuild_state());
    expect_hash(who + ", pulled again and made again", need(agent.dump_hash()));
}

void StoreWorld::lose_the_hub() {
    // The hub's own acts come back from devices that had pulled them.
    std::map<Replica, std::uint64_t> waiting;
    hub_.log.runs_after({}, [&](store::LogRun&& run) {
        const bool by_ledger = run.replica == hub_.ledger.self();
        auto records = store::records_of(run);
        for (std::uint32_t i = 0; i < run.count; ++i) {
            const RecordKey key{run.replica, run.first_seq + i};
            if (by_ledger) {
                expected_.emplace(key, run.receipt.of(i));
                add_record(key.replica, copy_of(records.views[i]));
            }
            carried_.insert(key);
        }
        waiting[run.replica] = 0;
        return true;
    });
    test::OfficeHub other{clock_, kHubDevice};
    other.ledger.set_admit([this](const hub::PreparedRun&, const RecordShape& shape) {
        return refused_.contains(shape.header.key()) ? StatusCode::kUnauthorised
                                                     : StatusCode::kNone;
    });
    auto late = new_agent(reader_replica(2), "late");
    while (!waiting.empty()) {
        auto next = std::next(waiting.begin(), static_cast<long>(random_() % waiting.size()));
        const auto last = recorded_.at(next->first).records.size();
        for (std::size_t i = at_most(6); i > 0 && next->second < last; --i)
            queue({next->first, ++next->second});
        if (next->second == last) waiting.erase(next);
        if (coin(4)) commit(other);
        if (coin(32)) pull_page(other, late);
    }
    commit(other);
    expect_hash("a hub that got everything back", other.dump_hash());
    while (pull_page(other, late)) {
    }
    expect_hash("an agent of that hub", need(late.dump_hash()));
}

std::vector<std::pair<std::string, store::EntityReader*>> StoreWorld::readers() {
    std::vector<std::pair<std::string, store::EntityReader*>> out;
    out.emplace_back("hub", &hub_.projection.read());
    for (std::size_t i = 0; i < agents_.size(); ++i)
        out.emplace_back(i >= kReader ? "reader" : "author " + std::to_string(i),
                         &agents_[i].read());
    return out;
}

std::int64_t StoreWorld::conflict_rows() {
    auto count = hub_.projection.db().prepare("SELECT count(*) FROM conflict");
    const auto out = count.step() ? count.integer(0) : 0;
    count.reset();
    return out;
}

}  // namespace streetlog::sync::testing
