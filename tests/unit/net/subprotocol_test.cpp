#include "sync/net/subprotocol.hpp"

#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

TEST(Subprotocol, ARangeSurvivesFormatting) {
    EXPECT_EQ(format_subprotocol({1, 1}), "hmis-sync#1-1");
    EXPECT_EQ(parse_subprotocol("hmis-sync#2-17"), (VersionRange{2, 17}));
}

TEST(Subprotocol, AnythingElseIsNoOffer) {
    for (const char* bad : {"",
                            "hmis-sync",
                            "hmis-sync#1",
                            "hmis-sync#-1",
                            "hmis-sync#1-",
                            "hmis-sync#0-1",
                            "hmis-sync#2-1",
                            "hmis-sync#1-99999999999",
                            "hmis-sync#1-1 ",
                            "hmis-sync#+1-1",
                            "HMIS-SYNC#1-1",
                            "hmis-sync#1-1-1"}) {
        EXPECT_FALSE(parse_subprotocol(bad)) << bad;
    }
}

TEST(Subprotocol, TheFirstOfferThatOverlapsIsChosenAsWritten) {
    EXPECT_EQ(choose_subprotocol("hmis-sync#1-1", {1, 1}), "hmis-sync#1-1");
    EXPECT_EQ(choose_subprotocol("chat, hmis-sync#4-9 ,hmis-sync#1-3,hmis-sync#2-2", {2, 3}),
              "hmis-sync#1-3");
    EXPECT_EQ(choose_subprotocol("hmis-sync#3-9", {1, 3}), "hmis-sync#3-9");
    EXPECT_FALSE(choose_subprotocol("hmis-sync#4-9", {1, 3}));
    EXPECT_FALSE(choose_subprotocol("", {1, 3}));
    EXPECT_FALSE(choose_subprotocol(",,", {1, 3}));
}

}  // namespace
}  // namespace streetlog::net
