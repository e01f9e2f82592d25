#include "sync/net/certificate.hpp"

#include <gtest/gtest.h>

#include "sync/net/trust_frame.hpp"
#include "tests/support/trust.hpp"

namespace streetlog::net {
namespace {

class CertificateTest : public testing::Test {
  protected:
    test::TestAuthority authority_;
};

TEST_F(CertificateTest, SaysWhatItWasMadeWith) {
    const auto device = authority_.device(test::device_id(5));
    const auto& leaf = device.chain.front();
    EXPECT_EQ(leaf.name(), to_string(test::device_id(5)));
    EXPECT_EQ(leaf.public_key(), device.key->public_key());
    EXPECT_EQ(leaf.not_after() - leaf.not_before(), test::days{91});
    EXPECT_EQ(leaf.not_after() - renewal_due(leaf), test::days{30});
    const auto again = Certificate::from_pem(leaf.pem());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->fingerprint(), leaf.fingerprint());
    EXPECT_NE(authority_.device(test::device_id(5)).chain.front().fingerprint(),
              leaf.fingerprint());
}

TEST_F(CertificateTest, AChainComesBackInItsOrderAndAnythingElseIsMalformed) {
    const auto device = authority_.device();
    const auto pem = to_pem(device.chain);
    const auto chain = read_chain(pem);
    ASSERT_TRUE(chain);
    ASSERT_EQ(chain->size(), 2U);
    EXPECT_EQ(chain->front().fingerprint(), device.chain.front().fingerprint());
    EXPECT_EQ(chain->back().fingerprint(), authority_.issuer().certificate.fingerprint());
    for (std::string bad : {std::string{}, std::string{"no certificate"}, device.key->pem()})
        EXPECT_EQ(read_chain(bad).error().code, ErrorCode::kMalformed);
    auto broken = pem;
    broken[pem.size() - 60] = '!';
    EXPECT_FALSE(read_chain(broken));
}

TEST_F(CertificateTest, ARequestNamesItsKeyAndProvesIt) {
    const auto key = authority_.key();
    const auto request = make_request(key);
    EXPECT_EQ(read_request(request).value_or(sync::PublicKey{}), key.public_key());
    auto forged = request;
    forged[request.size() / 2] = forged[request.size() / 2] == 'A' ? 'B' : 'A';
    EXPECT_EQ(read_request(forged).error().code, ErrorCode::kMalformed);
    EXPECT_FALSE(read_request("nothing"));
}

TEST_F(CertificateTest, IsJudgedByTheTimeItIsGiven) {
    const auto device = authority_.device();
    const auto judged = [&](Millis later) {
        const auto result = judge(device.chain.front(),
                                  device.chain,
                                  authority_.root(),
                                  CertificateUse::kDevice,
                                  authority_.now() + later);
        return !result ? "refused" : *result == Validity::kCurrent ? "current" : "lapsed";
    };
    EXPECT_STREQ(judged(Millis{0}), "current");
    EXPECT_STREQ(judged(test::days{89}), "current");
    EXPECT_STREQ(judged(test::days{91}), "lapsed");
    EXPECT_STREQ(judged(test::days{500}), "lapsed") << "its issuer has ended, too";
    EXPECT_STREQ(judged(-test::days{2}), "refused");
}

TEST_F(CertificateTest, QuestionsAndAnswersComeBackAsTheyWere) {
    TrustQuestion enrol;
    enrol.kind = TrustQuestion::Kind::kEnrol;
    enrol.device = "d";
    enrol.code = "CODE";
    enrol.request = "PEM\nof two lines\n";
    EXPECT_EQ(parse_question(format_question(enrol)).value_or(TrustQuestion{}), enrol);
    TrustQuestion renew;
    renew.request = "PEM\n";
    EXPECT_EQ(parse_question(format_question(renew)).value_or(enrol), renew);
    const TrustAnswer answer{"d", "h", "Tablet 1", "chain\nof\n"};
    EXPECT_EQ(parse_answer(format_answer(answer)).value_or(TrustAnswer{}), answer);
    const auto error =
        parse_answer(format_answer(fail(ErrorCode::kNotPermitted, "two\nlines", "a hint")));
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().code, ErrorCode::kNotPermitted);
    EXPECT_EQ(error.error().message, "two lines");
    EXPECT_EQ(error.error().hint, "a hint");
}

TEST_F(CertificateTest, OtherQuestionsAndAnswersAreMalformed) {
    for (const char* bad : {"", "enrol", "enrol\n", "enrol\nd\n", "enrol\nd\ncode", "give\nme\n"})
        EXPECT_EQ(parse_question(bad).error().code, ErrorCode::kMalformed) << bad;
    for (const char* bad : {"",
                            "granted\n",
                            "granted\na\nb\n",
                            "refused\n6\nwhy\n",
                            "refused\nx\nwhy\nhint\n",
                            "refused\n99\nwhy\nhint\n",
                            "maybe\na\nb\nc\n"})
        EXPECT_EQ(parse_answer(bad).error().code, ErrorCode::kMalformed) << bad;
}

}  // namespace
}  // namespace streetlog::net
