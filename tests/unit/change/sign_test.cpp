#include "sync/change/sign.hpp"

#include <gtest/gtest.h>

#include "tests/support/clocks.hpp"

namespace streetlog::sync {
namespace {

class SignTest : public testing::Test {
  protected:
    test::SeededRandom random_{7};
    SigningKey key_ = SigningKey::make(random_);
    Bytes data_ = {1, 2, 3};
    Signature signature_ = key_.sign("a/1", data_);
};

TEST_F(SignTest, ItsOwnSignatureIsGood) {
    EXPECT_TRUE(verify(key_.public_key(), "a/1", data_, signature_));
}

TEST_F(SignTest, AnyChangedBitIsNoticed) {
    for (std::size_t bit = 0; bit < 8 * signature_.size(); ++bit) {
        auto changed = signature_;
        changed[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        EXPECT_FALSE(verify(key_.public_key(), "a/1", data_, changed)) << bit;
    }
    EXPECT_FALSE(verify(key_.public_key(), "a/2", data_, signature_));
    EXPECT_FALSE(verify(key_.public_key(), "a/1", Bytes{1, 2, 4}, signature_));
    EXPECT_FALSE(verify(SigningKey::make(random_).public_key(), "a/1", data_, signature_));
}

TEST_F(SignTest, NoSignatureIsNone) {
    EXPECT_FALSE(verify(key_.public_key(), "a/1", data_, {}));
    EXPECT_FALSE(verify(key_.public_key(), "a/1", data_, Signature{}));
    EXPECT_FALSE(verify(PublicKey{}, "a/1", data_, signature_));
}

TEST_F(SignTest, PemBringsTheSameKeyBack) {
    const auto again = SigningKey::from_pem(key_.pem());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->sign("a/1", data_), signature_);
}

TEST_F(SignTest, OtherTextIsRefused) {
    EXPECT_FALSE(SigningKey::from_pem("").has_value());
    EXPECT_FALSE(SigningKey::from_pem(key_.pem().substr(0, 60)).has_value());
}

}  // namespace
}  // namespace streetlog::sync
