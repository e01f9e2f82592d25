#include "sync/identity/ssn.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

TEST(Ssn, NineDigitsAreANumberWhateverStandsBetweenThem) {
    EXPECT_EQ(valid_ssn("512834097"), 512'834'097U);
    EXPECT_EQ(valid_ssn("512-83-4097"), 512'834'097U);
    EXPECT_EQ(valid_ssn(" 001 01 0001"), 1'010'001U);
}

TEST(Ssn, AnythingElseIsNone) {
    for (const char* text : {"",
                             "51283409",
                             "5128340977",
                             "xxxxx4097",
                             "51283409x",
                             "512/83/4097",
                             "5128340\xd9\xa1",
                             "-----------"}) {
        EXPECT_FALSE(valid_ssn(text)) << text;
    }
}

TEST(Ssn, WhatWasNeverGivenOutIsNone) {
    for (const char* text :
         {"000834097", "666834097", "900834097", "999834097", "512004097", "512830000"}) {
        EXPECT_FALSE(valid_ssn(text)) << text;
    }
    EXPECT_TRUE(valid_ssn("665834097"));
    EXPECT_TRUE(valid_ssn("667834097"));
    EXPECT_TRUE(valid_ssn("899834097"));
    EXPECT_TRUE(valid_ssn("512010001"));
}

TEST(Ssn, TypedPatternsAreNone) {
    for (const char* text : {"111111111",
                             "333333333",
                             "123456789",
                             "234567890",
                             "012345678",
                             "876543210",
                             "121212121",
                             "123123123"}) {
        EXPECT_FALSE(valid_ssn(text)) << text;
    }
    EXPECT_TRUE(valid_ssn("123456780"));
    EXPECT_TRUE(valid_ssn("111111112"));
}

TEST(Ssn, NumbersFromWalletsAndAdvertisementsAreNone) {
    for (const char* text : {"078-05-1120", "219-09-9999", "457-55-5462", "002281852", "549241889"})
        EXPECT_FALSE(valid_ssn(text)) << text;
    EXPECT_TRUE(valid_ssn("078-05-1121"));
}

}  // namespace
}  // namespace streetlog::sync
