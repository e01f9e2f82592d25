#include "sync/net/send_queue.hpp"

#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

constexpr SendLimits kSmall{
    .message_bytes = 100, .control = {50, 10}, .records = {80, 3}, .blobs = {80, 3}};

TEST(SendQueue, ALaneIsBoundedByBytesAndTheOthersAreNotTouchedByIt) {
    SendQueue queue(kSmall);
    EXPECT_TRUE(queue.push(Bytes(40), Lane::kRecords));
    EXPECT_TRUE(queue.push(Bytes(40), Lane::kRecords));
    const auto refused = queue.push(Bytes(1), Lane::kRecords);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(refused.error().message, "queue full");
    EXPECT_TRUE(queue.push(Bytes(40), Lane::kControl));
    EXPECT_TRUE(queue.push(Bytes(40), Lane::kBlobs));
    EXPECT_EQ(queue.bytes(), 160U);
}

TEST(SendQueue, ALaneIsBoundedByMessagesSoThatEmptyOnesCannotPileUp) {
    SendQueue queue(kSmall);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.push({}, Lane::kBlobs));
    EXPECT_FALSE(queue.push({}, Lane::kBlobs));
}

TEST(SendQueue, AnEmptyLaneTakesAnyMessageWithinTheMessageLimit) {
    SendQueue queue(kSmall);
    EXPECT_TRUE(queue.push(Bytes(100), Lane::kControl));
    EXPECT_FALSE(queue.push(Bytes(1), Lane::kControl));
    const auto too_large = queue.push(Bytes(101), Lane::kRecords);
    ASSERT_FALSE(too_large);
    EXPECT_EQ(too_large.error().code, ErrorCode::kTooLarge);
}

TEST(SendQueue, AMessageCountsUntilItIsWritten) {
    SendQueue queue(kSmall);
    ASSERT_TRUE(queue.push(Bytes(80), Lane::kRecords));
    ASSERT_NE(queue.begin(), nullptr);
    EXPECT_TRUE(queue.idle());
    EXPECT_EQ(queue.bytes(), 80U);
    EXPECT_FALSE(queue.push(Bytes(1), Lane::kRecords));
    queue.finish();
    EXPECT_EQ(queue.bytes(), 0U);
    EXPECT_TRUE(queue.push(Bytes(80), Lane::kRecords));
}

TEST(SendQueue, KeepingOnlyControlFreesTheRestButNotWhatIsBeingWritten) {
    SendQueue queue(kSmall);
    ASSERT_TRUE(queue.push(Bytes(30), Lane::kRecords));
    ASSERT_NE(queue.begin(), nullptr);
    ASSERT_TRUE(queue.push(Bytes(31), Lane::kRecords));
    ASSERT_TRUE(queue.push(Bytes(32), Lane::kBlobs));
    ASSERT_TRUE(queue.push(Bytes(33), Lane::kControl));
    queue.keep_only_control();
    EXPECT_EQ(queue.bytes(), 63U);
    queue.finish();
    const Bytes* next = queue.begin();
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(next->size(), 33U);
    queue.finish();
    EXPECT_EQ(queue.begin(), nullptr);
    EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace streetlog::net
