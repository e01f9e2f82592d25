#include "sync/net/waiting_room.hpp"

#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

TEST(WaitingRoom, TheAddressWithMostLosesItsOldest) {
    WaitingRoom room;
    EXPECT_EQ(room.next_to_go(), std::nullopt);
    room.enter(1, "honest");
    room.enter(2, "flood");
    room.enter(3, "flood");
    room.enter(4, "flood");
    EXPECT_EQ(room.next_to_go(), 2U);
    room.leave(2);
    EXPECT_EQ(room.next_to_go(), 3U);
}

TEST(WaitingRoom, WhoHasShakenHandsIsNotAskedToGo) {
    WaitingRoom room;
    room.enter(1, "a");
    room.enter(2, "a");
    room.leave(1);
    room.leave(1);
    EXPECT_EQ(room.next_to_go(), 2U);
    room.leave(2);
    EXPECT_EQ(room.next_to_go(), std::nullopt);
}

}  // namespace
}  // namespace streetlog::net
