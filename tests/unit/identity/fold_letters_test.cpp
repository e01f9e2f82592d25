#include "sync/identity/fold_letters.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

using Words = std::vector<std::string>;

TEST(FoldLetters, ComposedAndDecomposedFormsFoldAlike) {
    EXPECT_EQ(fold_words("N\u00fa\u00f1ez"), Words{"nunez"});
    EXPECT_EQ(fold_words("Nu\u0301n\u0303ez"), Words{"nunez"});
    EXPECT_EQ(fold_words("NGUY\u1ec4N"), Words{"nguyen"});
    EXPECT_EQ(fold_words("nguye\u0302\u0303n"), Words{"nguyen"});
}

TEST(FoldLetters, LettersWithoutADecompositionHaveTheirUsualForm) {
    EXPECT_EQ(fold_words("Wei\u00df"), Words{"weiss"});
    EXPECT_EQ(fold_words("WEI\u1e9e"), Words{"weiss"});
    EXPECT_EQ(fold_words("S\u00f8rensen \u00d8"), (Words{"sorensen", "o"}));
    EXPECT_EQ(fold_words("\u00c6ther \u0153uvre \u00de\u00f3r"),
              (Words{"aether", "oeuvre", "thor"}));
    EXPECT_EQ(fold_words("\u0141ukasz \u0110or\u0111e"), (Words{"lukasz", "dorde"}));
    EXPECT_EQ(fold_words("I\u015f\u0131k \u0130pek"), (Words{"isik", "ipek"}));
    EXPECT_EQ(fold_words("\u01c5eko \u0218tefan"), (Words{"dzeko", "stefan"}));
}

TEST(FoldLetters, SignsEndAWordButApostrophesAndFullStopsDoNot) {
    EXPECT_EQ(fold_words("  O'Brien\u2013de la  Cruz "), (Words{"obrien", "de", "la", "cruz"}));
    EXPECT_EQ(fold_words("Kawena\u2018ula"), Words{"kawenaula"});
    EXPECT_EQ(fold_words("Smith,J.R./2nd"), (Words{"smith", "jr", "2nd"}));
    EXPECT_EQ(fold_words("a\u00a0b\u3000c\u200bd"), (Words{"a", "b", "cd"}));
}

TEST(FoldLetters, OtherScriptsAndBrokenBytesAreSkipped) {
    EXPECT_TRUE(fold_words("\u0418\u0432\u0430\u043d \u4e2d\u6587").empty());
    EXPECT_EQ(fold_words("an\xc3"), Words{"an"});
    EXPECT_EQ(fold_words("a\xff\xc3(\x80n"), (Words{"a", "n"}));
    EXPECT_EQ(fold_words(std::string_view{"a\0b", 3}), (Words{"a", "b"}));
    EXPECT_TRUE(fold_words("").empty());
}

}  // namespace
}  // namespace streetlog::sync
