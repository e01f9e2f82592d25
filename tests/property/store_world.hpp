#pragma once

#include <random>
#include <set>

#include "tests/property/relocation.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/office.hpp"

namespace streetlog::sync::testing {

/// One hub with three agents on real stores, in which histories happen: two agents are the authors
/// of some of the records and save them themselves, the third only reads. Records come to the hub
/// in runs and groups of any size, some twice; acks get lost; pages come in any size, some twice,
/// and the reader takes the runs of a page in any order. Now and then one loads a snapshot instead.
class StoreWorld {
  public:
    explicit StoreWorld(std::uint32_t seed);

    /// Lets it happen after those before. Returns it as it is in these stores.
    History play(const History& history, Receipts receipts);
    /// Everybody gets everything.
    void settle();
    /// Projections made again, pages pulled again from the start.
    void make_again();
    /// Another hub, as after the total loss of the first: all its records with their receipts,
    /// devices in another order. One more agent reads from it.
    void lose_the_hub();

    /// By name, who reads from the hub's database and from each agent's.
    [[nodiscard]] std::vector<std::pair<std::string, store::EntityReader*>> readers();
    [[nodiscard]] std::int64_t conflict_rows();

    /// What the stores did otherwise than they should.
    std::vector<std::string> differences;

  private:
    /// What a replica recorded, and its chain after each record.
    struct Recorded {
        std::vector<EncodedRecord> records;
        std::vector<Hash> chain;
        std::uint64_t taken = 0;  // by the hub at hand
    };

    bool coin(unsigned one_in) { return random_() % one_in == 0; }

    std::size_t at_most(std::size_t most) { return 1 + random_() % most; }

    store::AgentStore new_agent(const Replica& self, const std::string& name);
    void save(const History& history);
    void add_record(const Replica& replica, EncodedRecord record);
    /// Queues record `seq` of `replica` as part of the run at hand or of a new one.
    void queue(const RecordKey& key);
    hub::PreparedRun run_of(const Replica& replica, std::uint64_t first, std::uint64_t last);
    /// Ends the run at hand.
    void close_run();
    void commit(test::OfficeHub& hub);
    void check_result(const Replica& replica, const hub::IngestResult& result);
    void author(const HistoryRecord& record);
    bool pull_page(test::OfficeHub& hub, store::AgentStore& agent);
    void load_snapshot(test::OfficeHub& hub, store::AgentStore& agent);
    void expect_hash(const std::string& who, const Hash& got);

    std::mt19937 random_;
    test::TempDir folder_;
    test::ManualClock clock_;
    test::OfficeHub hub_;
    std::vector<store::AgentStore> agents_;  // the authors, then the reader
    std::map<Replica, Recorded> recorded_;
    std::map<RecordKey, Receipt> expected_;  // receipts the hub gives or is given
    std::set<RecordKey> carried_;            // those it is given
    std::set<RecordKey> refused_;            // records the hub sets aside at first
    std::uint64_t hub_records_ = 0;          // authored by the ledger
    std::uint32_t histories_ = 0;
    Hash hash_{};  // of everything, at the hub

    Replica run_replica_;  // the run at hand: consecutive records not yet in `group_`
    std::uint64_t run_first_ = 0, run_last_ = 0;
    std::vector<hub::PreparedRun> group_;
};

}  // namespace streetlog::sync::testing
