#pragma once

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/compress.hpp"
#include "sync/identity/partition.hpp"
#include "sync/store/agent_store.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::store::test {

namespace col = hud::col;
namespace grp = hud::grp;
namespace tbl = hud::tbl;

template <class IdType = EntityId>
IdType id_from(std::uint8_t kind, std::uint32_t n) {
    IdType id;
    id.bytes[0] = kind;
    for (std::size_t i = 0; i < 4; ++i) id.bytes[15 - i] = static_cast<Byte>(n >> (8 * i));
    return id;
}

inline EntityId client_id(std::uint32_t n) { return id_from(0xc1, n); }

inline Bytes bytes_of(const EntityId& id) { return {id.bytes.begin(), id.bytes.end()}; }

inline const sync::Replica kSelf{id_from<DeviceId>(0xde, 1), 1};
inline const sync::Replica kOther{id_from<DeviceId>(0xde, 2), 1};
inline const sync::Replica kHub{id_from<DeviceId>(0xdb, 9), 7};
inline const EntityId kProject = id_from(0xb0, 1);

inline AgentSettings settings_of(const sync::Replica& self) {
    AgentSettings s;
    s.self = self;
    s.hub = kHub.device;
    s.hub_address = "hub.example:8443";
    s.device_name = "Tablet 1";
    s.project = kProject;
    s.coc = "CA-600";
    return s;
}

inline sync::Op create_client(EntityId id, std::string first, std::string last) {
    sync::Op op{id, sync::OpKind::kCreate, tbl::kClient, grp::kClientName, {}, {}, {}};
    op.cells = {{col::client::kFirstName, std::move(first)},
                {col::client::kLastName, std::move(last)},
                {col::client::kNameDataQuality, std::int64_t{1}}};
    return op;
}

inline sync::Op set_ssn(EntityId id, std::string ssn, std::vector<sync::Dot> supersedes = {}) {
    sync::Op op{id, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientSsn, {}, {}, {}};
    op.cells = {{col::client::kSSN, std::move(ssn)},
                {col::client::kSSNDataQuality, std::int64_t{1}}};
    op.supersedes = std::move(supersedes);
    return op;
}

inline sync::Op set_dob(EntityId id, std::string date) {
    sync::Op op{id, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientDob, {}, {}, {}};
    op.cells = {{col::client::kDOB, std::move(date)},
                {col::client::kDOBDataQuality, std::int64_t{1}}};
    return op;
}

inline sync::Op enroll(EntityId id, EntityId client, std::string entry) {
    sync::Op op{id, sync::OpKind::kCreate, tbl::kEnrollment, grp::kEnrollmentEntry, {}, {}, {}};
    op.cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                {col::enrollment::kProjectID, bytes_of(kProject)},
                {col::enrollment::kEntryDate, std::move(entry)}};
    return op;
}

inline sync::Op contact(EntityId id, EntityId enrollment, std::string date) {
    sync::Op op{
        id, sync::OpKind::kCreate, tbl::kCurrentLivingSituation, grp::kContactContact, {}, {}, {}};
    op.cells = {{col::current_living_situation::kEnrollmentID, bytes_of(enrollment)},
                {col::current_living_situation::kInformationDate, std::move(date)},
                {col::current_living_situation::kCurrentLivingSituation, std::int64_t{116}}};
    return op;
}

inline SaveRequest save_of(std::vector<sync::Op> ops, std::int64_t at_ms = 1'000) {
    SaveRequest request;
    request.header.recorded = {at_ms};
    request.header.occurred = {at_ms - 500};
    request.header.kind = sync::EventKind::kContact;
    request.ops = std::move(ops);
    return request;
}

/// A hub that gives records numbers and receipts, and nothing else.
class FakeHub {
  public:
    /// The next record of `author`, received now.
    sync::EncodedRecord write(const sync::Replica& author, std::vector<sync::Op> ops) {
        sync::Record record;
        record.header.replica = author;
        record.header.seq = ++seqs_[author];
        record.header.hlc = {static_cast<std::uint64_t>(2'000 + next_) << 16};
        record.header.recorded = {2'000 + static_cast<std::int64_t>(next_)};
        record.ops = std::move(ops);
        return sync::encode(record);
    }

    sync::RunReceipt receipt(const sync::Replica& author, std::uint64_t first, std::uint64_t n) {
        sync::RunReceipt out;
        out.replica = author;
        out.first_seq = first;
        out.last_seq = first + n - 1;
        out.received = {1'000'000 + static_cast<std::int64_t>(next_)};
        out.first_hub_seq = {next_};
        for (std::uint64_t i = 0; i < n; ++i)
            out.times.push_back({{(3'000 + next_ + i) << 16}, {{3'000}, {9'000'000}}});
        next_ += n;
        return out;
    }

    sync::PageRun run(const sync::Replica& author,
                      const std::vector<sync::EncodedRecord>& records) {
        sync::PageRun out;
        out.receipt = receipt(author, taken_[author] + 1, records.size());
        taken_[author] += records.size();
        out.hub_seq = out.receipt.first_hub_seq;
        std::vector<sync::EncodedView> views;
        for (const auto& record : records) views.push_back(sync::view_of(record));
        auto packed = sync::pack(sync::encode_batch(views));
        out.encoding = packed.encoding;
        out.raw_bytes = packed.raw_bytes;
        out.body = std::move(packed.body);
        return out;
    }

    /// A run of the reader's own records: the receipt alone.
    static sync::PageRun stub(const sync::RunReceipt& receipt) {
        sync::PageRun out;
        out.receipt = receipt;
        out.hub_seq = receipt.first_hub_seq;
        out.encoding = sync::Encoding::kNone;
        return out;
    }

    sync::Page page(std::vector<sync::PageRun> runs) const {
        sync::Page out;
        out.scope = 1;
        out.runs = std::move(runs);
        out.next.seq = {next_ - 1};
        out.next.hash.fill(static_cast<Byte>(next_));
        return out;
    }

  private:
    std::map<sync::Replica, std::uint64_t> seqs_, taken_;
    std::uint64_t next_ = 1;
};

/// The canonical hash of everything the store holds.
inline Hash dumped(AgentStore& store) {
    const auto hash = store.dump_hash();
    EXPECT_TRUE(hash);
    return hash.value_or(Hash{});
}

class AgentStoreTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path file(const char* name = "agent.db") const {
        return dir_.path() / name;
    }

    AgentStore create(const char* name = "agent.db", const sync::Replica& self = kSelf) {
        auto store = AgentStore::create(file(name), settings_of(self));
        EXPECT_TRUE(store) << store.error().message;
        return *std::move(store);
    }

    streetlog::test::TempDir dir_;
};

}  // namespace streetlog::store::test
