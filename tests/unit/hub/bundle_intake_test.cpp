#include "hub/ingest/bundle_intake.hpp"

#include <gtest/gtest.h>

#include "hub_fixture.hpp"
#include "sync/session/batch.hpp"

namespace streetlog::hub {
namespace {

class BundleIntakeTest : public HubTest {
  protected:
    /// Records `first` to `last` of a device, `each` in a batch.
    static sync::Bundle bundle_of(Device& device,
                                  std::uint64_t first,
                                  std::uint64_t last,
                                  std::uint64_t each = 2) {
        sync::Bundle out{{}, device.replica_, {}, {}};
        for (std::uint64_t from = first; from <= last; from += each) {
            const std::uint64_t to = std::min(last, from + each - 1);
            sync::PushRun run;
            run.first_seq = from;
            run.prev_hash = from == 1 ? sync::Hash{} : device.chain_[from - 2];
            run.head_hash = device.chain_[to - 1];
            run.records.assign(device.records_.begin() + static_cast<std::ptrdiff_t>(from - 1),
                               device.records_.begin() + static_cast<std::ptrdiff_t>(to));
            auto push = sync::push_of(std::move(run));
            EXPECT_TRUE(push);
            out.pushes.push_back(*std::move(push));
        }
        return out;
    }

    std::uint64_t at_hub() {
        const auto row = ledger_->replica(device_.replica_);
        return row ? row->acked_seq : 0;
    }
};

TEST_F(BundleIntakeTest, IsTakenInOnceHoweverOftenItComes) {
    for (int i = 0; i < 5; ++i) device_.save_client();
    const auto bundle = bundle_of(device_, 1, 5);
    clock_.advance(Millis{1'000});
    const Instant received = clock_.now();
    const auto taken = take_bundle(*ledger_, bundle);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->records, 5U);
    EXPECT_EQ(taken->fresh, 5U);
    EXPECT_EQ(taken->set_aside, 0U);
    ASSERT_EQ(taken->acks.size(), 3U);
    EXPECT_EQ(taken->acks.back().acked_seq, 5U);
    EXPECT_EQ(taken->acks.front().receipts.front().received, received);

    clock_.advance(Millis{60'000});
    const auto head = ledger_->head();
    const auto again = take_bundle(*ledger_, bundle);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->fresh, 0U);
    EXPECT_EQ(ledger_->head(), head);
    // The receipts are the first ones.
    EXPECT_EQ(again->acks.front().receipts.front().received, received);
    EXPECT_EQ(again->acks.back().acked_seq, 5U);
}

TEST_F(BundleIntakeTest, WhatIsPartlyKnownIsTakenFromThereOn) {
    for (int i = 0; i < 6; ++i) device_.save_client();
    take(device_.run(1, 3));
    const auto taken = take_bundle(*ledger_, bundle_of(device_, 2, 6, 4));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->fresh, 3U);
    EXPECT_EQ(at_hub(), 6U);
}

TEST_F(BundleIntakeTest, AHoleIsNamed) {
    for (int i = 0; i < 6; ++i) device_.save_client();
    take(device_.run(1, 1));
    const auto taken = take_bundle(*ledger_, bundle_of(device_, 4, 6));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(taken.error().message, "records 2 to 3 of this device are not here yet");
    EXPECT_EQ(at_hub(), 1U);
}

TEST_F(BundleIntakeTest, OtherRecordsUnderKnownNumbersAreRefused) {
    device_.save_client();
    Device copy{device_, 7};
    for (int i = 0; i < 2; ++i) device_.save_client();
    for (int i = 0; i < 2; ++i) copy.save_client();
    push(device_);
    const auto taken = take_bundle(*ledger_, bundle_of(copy, 2, 3));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
}

TEST_F(BundleIntakeTest, ABatchNobodyCanReadIsKeptAndBlocksNothing) {
    for (int i = 0; i < 4; ++i) device_.save_client();
    auto bundle = bundle_of(device_, 1, 4);
    bundle.pushes.front().encoding = sync::Encoding::kPlain;
    bundle.pushes.front().body = {1, 2, 3};
    bundle.pushes.front().raw_bytes = 3;
    const auto taken = take_bundle(*ledger_, bundle);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->fresh, 4U);
    EXPECT_EQ(taken->set_aside, 2U);
    EXPECT_EQ(taken->acks.front().exceptions.front().code, sync::StatusCode::kMalformed);
    EXPECT_EQ(at_hub(), 4U);
}

TEST_F(BundleIntakeTest, ABatchOverTheLimitsIsRefused) {
    device_.save_client();
    auto bundle = bundle_of(device_, 1, 1);
    bundle.pushes.front().count = sync::kBatchRecordsMax + 1;
    EXPECT_EQ(take_bundle(*ledger_, bundle).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace streetlog::hub
