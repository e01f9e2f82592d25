// What devices of a newer version write passes through this hub byte for byte, whether this version
// understands the record or has to hold it.
#include <capnp/any.h>
#include <gtest/gtest.h>

#include "hub/feed/page_reader.hpp"
#include "hub_fixture.hpp"
#include "sync/change/capnp_bytes.hpp"
#include "sync/store/log_records.hpp"
#include "tests/support/office.hpp"

namespace streetlog::hub {
namespace {

using test::need;

/// The same struct as a newer schema has it: a word and a text more.
sync::Bytes grown(sync::BytesView bytes) {
    const sync::Bytes aligned{bytes.begin(), bytes.end()};
    sync::SegmentReader reader{aligned};
    const auto old = reader.root<capnp::AnyStruct>();
    capnp::MallocMessageBuilder message;
    auto out = message.initRoot<capnp::AnyPointer>().initAsAnyStruct(
        static_cast<std::uint16_t>(old.getDataSection().size() / sizeof(capnp::word) + 1),
        static_cast<std::uint16_t>(old.getPointerSection().size() + 1));
    std::ranges::copy(old.getDataSection(), out.getDataSection().begin());
    out.getDataSection().back() = 0x5a;
    for (unsigned i = 0; i < old.getPointerSection().size(); ++i)
        out.getPointerSection()[i].set(old.getPointerSection()[i]);
    out.getPointerSection()[old.getPointerSection().size()].setAs<capnp::Text>("from the future");
    return sync::to_bytes(message);
}

class FutureTest : public HubTest {
  protected:
    /// The newest record of the device, with a part of it as a newer version writes it.
    void replace_last(const std::function<void(sync::EncodedRecord&)>& change) {
        auto& record = device_.records_.back();
        change(record);
        const auto before = device_.chain_.size() < 2 ? sync::Hash{} : *(device_.chain_.end() - 2);
        device_.chain_.back() = sync::chain_hash(before, sync::hash_of(sync::view_of(record)));
    }

    /// As the log has it.
    sync::EncodedRecord in_log(std::uint64_t seq) {
        const auto found = store::find_record(ledger_->log(), {device_.replica_, seq});
        return found ? sync::copy_of(found->view()) : sync::EncodedRecord{};
    }

    /// As another device gets it.
    std::vector<sync::EncodedRecord> in_pages() {
        PageReader pages{need(store::HubLog::open(dir_.path(), store::Access::kRead))};
        const sync::Replica reader{DeviceId{{0xee}}, 1};
        const auto page = need(pages.read(kScopeAll, {}, 1 << 20, reader));
        const auto wire =
            std::get<sync::Page>(need(sync::decode_message(sync::encode_message(page))));
        std::vector<sync::EncodedRecord> out;
        for (const auto& run : wire.runs) {
            if (run.receipt.replica != device_.replica_) continue;
            const auto raw = need(sync::unpack(run.encoding, run.raw_bytes, run.body));
            for (const auto& view : need(sync::decode_batch(raw)))
                out.push_back(sync::copy_of(view));
        }
        return out;
    }

    void expect_custody(const IngestResult& result, sync::StatusCode code) {
        EXPECT_EQ(result.acked_seq, device_.records_.size());
        if (code == sync::StatusCode::kNone) {
            EXPECT_TRUE(result.exceptions.empty());
        } else {
            ASSERT_EQ(result.exceptions.size(), 1U);
            EXPECT_EQ(result.exceptions.front().code, code);
            EXPECT_EQ(result.exceptions.front().status, sync::RecordStatus::kHeld);
        }
        EXPECT_EQ(in_log(device_.records_.size()), device_.records_.back());
    }
};

TEST_F(FutureTest, FieldsThisVersionDoesNotKnowPassThrough) {
    device_.save_client();
    replace_last([](sync::EncodedRecord& record) {
        record.header = grown(record.header);
        record.ops.front() = grown(record.ops.front());
    });
    expect_custody(push(device_), sync::StatusCode::kNone);
    EXPECT_EQ(in_pages(), device_.records_);
    const auto read = sync::decode(sync::view_of(in_pages().front()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->ops.size(), 1U);
}

TEST_F(FutureTest, KindsOfEventsThisVersionDoesNotKnowPassThrough) {
    sync::Header header;
    header.kind = static_cast<sync::EventKind>(77);
    header.source = static_cast<sync::TimeSource>(9);
    header.flags = 0x8000;
    device_.save(header,
                 {{.entity = device_.random_.id<EntityId>(),
                   .kind = sync::OpKind::kCreate,
                   .table = hud::tbl::kClient,
                   .group = hud::grp::kClientName,
                   .cells = {{hud::col::client::kFirstName, std::string{"Ann"}}}}});
    expect_custody(push(device_), sync::StatusCode::kNone);
    EXPECT_EQ(in_pages(), device_.records_);
    const auto read = sync::decode_header(in_pages().front().header);
    ASSERT_TRUE(read);
    EXPECT_EQ(static_cast<int>(read->kind), 77);
    EXPECT_EQ(read->flags, 0x8000);
}

TEST_F(FutureTest, ARecordWithAnOpOfTheFutureIsHeldWholeAndKeptAsItIs) {
    const auto with = [&](sync::OpKind kind, std::uint16_t table, std::uint16_t group) {
        return sync::Op{.entity = device_.random_.id<EntityId>(),
                        .kind = kind,
                        .table = table,
                        .group = group,
                        .cells = {{1, std::int64_t{1}}}};
    };
    for (const auto& op : {with(static_cast<sync::OpKind>(20), hud::tbl::kClient, 0),
                           with(sync::OpKind::kSetGroup, 60'000, 1),
                           with(sync::OpKind::kSetGroup, hud::tbl::kClient, 60'000)}) {
        device_.save({op});
        replace_last(
            [](sync::EncodedRecord& record) { record.ops.front() = grown(record.ops.front()); });
        expect_custody(push(device_), sync::StatusCode::kNewerSchema);
        const auto head = ledger_->head();
        device_.save_client();  // nothing is blocked by it
        EXPECT_TRUE(push(device_).exceptions.empty());
        EXPECT_EQ(ledger_->head().seq.value, head.seq.value + 1);
    }
    // Others get its place and its edges, not half of it.
    const auto pages = in_pages();
    ASSERT_EQ(pages.size(), device_.records_.size());
    for (std::size_t i = 0; i < pages.size(); ++i) {
        if (i % 2 == 0) {
            EXPECT_EQ(pages[i], sync::EncodedRecord{}) << i;
        } else {
            EXPECT_EQ(pages[i], device_.records_[i]) << i;
        }
    }
}

TEST_F(FutureTest, AReleasedOneReachesOthersAsItWasWritten) {
    ledger_->set_admit([](const PreparedRun&, const sync::RecordShape&) {
        return sync::StatusCode::kNewerSchema;
    });
    device_.save_client();
    replace_last(
        [](sync::EncodedRecord& record) { record.ops.front() = grown(record.ops.front()); });
    expect_custody(push(device_), sync::StatusCode::kNewerSchema);
    reopen();  // as a version that understands it
    EXPECT_EQ(need(ledger_->release_understood()), 1U);
    EXPECT_EQ(in_pages().back(), device_.records_.back());
}

}  // namespace
}  // namespace streetlog::hub
