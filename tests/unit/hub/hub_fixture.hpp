#pragma once

#include <gtest/gtest.h>

#include "hub/ingest/ledger.hpp"
#include "schema/hud/fields.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::hub {

/// A device that makes records; what it makes is what a real one would push.
class Device {
  public:
    explicit Device(std::uint64_t seed) : random_(seed), replica_{random_.id<DeviceId>(), 1} {}

    /// A copy of `original`, as a cloned disk makes it; from here on it types other things.
    Device(const Device& original, std::uint64_t seed)
        : random_(seed),
          replica_(original.replica_),
          records_(original.records_),
          chain_(original.chain_) {}

    EntityId save_client() {
        const auto id = random_.id<EntityId>();
        save({{.entity = id,
               .kind = sync::OpKind::kCreate,
               .table = hud::tbl::kClient,
               .group = hud::grp::kClientName,
               .cells = {{hud::col::client::kFirstName, std::string{"Ann"}}}}});
        return id;
    }

    void save(std::vector<sync::Op> ops) {
        sync::Header header;
        header.kind = sync::EventKind::kIntake;
        save(header, std::move(ops));
    }

    void save(const sync::Header& draft, std::vector<sync::Op> ops) {
        sync::Record record{draft, std::move(ops)};
        record.header.replica = replica_;
        record.header.seq = records_.size() + 1;
        records_.push_back(sync::encode(record));
        const auto last = chain_.empty() ? sync::Hash{} : chain_.back();
        chain_.push_back(sync::chain_hash(last, sync::hash_of(sync::view_of(records_.back()))));
    }

    PreparedRun run(std::uint64_t first, std::uint64_t last) {
        std::vector<sync::EncodedRecord> part(
            records_.begin() + static_cast<std::ptrdiff_t>(first - 1),
            records_.begin() + static_cast<std::ptrdiff_t>(last));
        auto run =
            prepare_own(replica_, first, first == 1 ? sync::Hash{} : chain_[first - 2], part);
        run.authored_here = false;
        return run;
    }

    test::SeededRandom random_;
    sync::Replica replica_;
    std::vector<sync::EncodedRecord> records_;
    std::vector<sync::Hash> chain_;
};

/// A hub's log in a directory of its own, and a clock that stands still.
class HubTest : public testing::Test {
  protected:
    void SetUp() override {
        auto log = store::HubLog::open(dir_.path(), store::Access::kWrite);
        ASSERT_TRUE(log);
        log->put_setting("hub", std::string(32, 'a'));
        reopen();
    }

    void reopen() {
        ledger_.reset();
        auto ledger = Ledger::open(dir_.path(), clock_);
        ASSERT_TRUE(ledger) << ledger.error().message;
        ledger_.emplace(*std::move(ledger));
    }

    IngestResult take(PreparedRun run) {
        std::vector<PreparedRun> group;
        group.push_back(std::move(run));
        auto results = ledger_->ingest(group);
        EXPECT_TRUE(results);
        return results ? results->front() : IngestResult{};
    }

    /// Everything the device has that the hub has not.
    IngestResult push(Device& device, const std::optional<sync::SessionClock>& session = {}) {
        const auto row = ledger_->replica(device.replica_);
        auto run = device.run((row ? row->acked_seq : 0) + 1, device.records_.size());
        run.session = session;
        return take(std::move(run));
    }

    test::TempDir dir_;
    test::ManualClock clock_;
    std::optional<Ledger> ledger_;
    Device device_{1};
};

}  // namespace streetlog::hub
