#include "sync/identity/normal_name.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

NormalName whole(const NameParts& parts) { return normal_name(parts).value_or(NormalName{}); }

TEST(NormalName, HyphensBlanksAndAccentsMakeNoDifference) {
    const NormalName name =
        whole({.first = "Mar\u00eda-Jos\u00e9", .last = "Garc\u00eda L\u00f3pez"});
    EXPECT_EQ(name, (NormalName{"mariajose", "", "garcialopez", ""}));
    EXPECT_EQ(whole({.first = "MARIA JOSE", .last = "garcia-lopez"}), name);
}

TEST(NormalName, ASuffixIsFoundInItsFieldAndBehindTheLastName) {
    const NormalName junior{"martin", "l", "king", "jr"};
    EXPECT_EQ(whole({.first = "Martin", .middle = "L.", .last = "King", .suffix = "Jr."}), junior);
    EXPECT_EQ(whole({.first = "Martin", .middle = "L", .last = "King, Jr"}), junior);
    EXPECT_EQ(whole({.first = "Martin", .middle = "L", .last = "KING JUNIOR"}), junior);
    EXPECT_EQ(whole({.first = "Ann", .last = "King 3rd"}).suffix, "iii");
    EXPECT_EQ(whole({.first = "Ann", .last = "King II", .suffix = "Sr"}).suffix, "sr");
}

TEST(NormalName, WhatIsNoSuffixIsNotTakenForOne) {
    EXPECT_EQ(whole({.first = "Ann", .last = "King", .suffix = "MD"}).suffix, "");
    EXPECT_EQ(whole({.first = "Ann", .last = "Junior"}), (NormalName{"ann", "", "junior", ""}));
    EXPECT_EQ(whole({.first = "Ann", .last = "Senior Jr"}),
              (NormalName{"ann", "", "senior", "jr"}));
}

TEST(NormalName, AnInitialOrHalfANameIsNoFullName) {
    EXPECT_FALSE(normal_name({.first = "Ann"}));
    EXPECT_FALSE(normal_name({.last = "King"}));
    EXPECT_FALSE(normal_name({.first = "J.", .last = "King"}));
    EXPECT_FALSE(normal_name({.first = "Ann", .last = "K"}));
    EXPECT_FALSE(normal_name({.first = "\u0410\u043d\u043d\u0430", .last = "King"}));
    EXPECT_TRUE(normal_name({.first = "Bo", .last = "Ng"}));
}

TEST(NormalName, WhatStandsForANameIsNone) {
    for (const NameParts& parts : {NameParts{.first = "Unknown", .last = "Male"},
                                   NameParts{.first = "Ann", .last = "REFUSED"},
                                   NameParts{.first = "Client", .last = "123"},
                                   NameParts{.first = "Client 12", .last = "Street"},
                                   NameParts{.first = "No Name", .last = "Given"},
                                   NameParts{.first = "Baby Girl", .last = "Garcia"},
                                   NameParts{.first = "John", .last = "Doe"},
                                   NameParts{.first = "jane", .last = "DOE"},
                                   NameParts{.first = "xxx", .last = "King"}}) {
        EXPECT_FALSE(normal_name(parts)) << parts.first << ' ' << parts.last;
    }
    EXPECT_TRUE(normal_name({.first = "Peter", .last = "Doe"}));
    EXPECT_TRUE(normal_name({.first = "John", .last = "Doerr"}));
}

}  // namespace
}  // namespace streetlog::sync
