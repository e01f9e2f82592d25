#include "agent/trust/device_trust.hpp"

#include <gtest/gtest.h>

#include "agent/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/trust.hpp"

namespace streetlog::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

class DeviceTrustTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(net::load_or_make_key(device_key_file(dir_.path()), random_));
        ASSERT_TRUE(net::replace_private(hub_root_file(dir_.path()), authority_.root().pem()));
    }

    DeviceTrust open() {
        auto trust = DeviceTrust::open(dir_.path());
        EXPECT_TRUE(trust) << trust.error().message;
        return *std::move(trust);
    }

    /// What the hub would grant for `key`.
    net::TrustAnswer granted(const sync::SigningKey& key, const DeviceId& device) {
        net::TrustAnswer out;
        out.device = to_string(device);
        const auto leaf = net::issue({.use = net::CertificateUse::kDevice,
                                      .name = to_string(device),
                                      .key = key.public_key(),
                                      .from = now_ - days{1},
                                      .until = now_ + days{90}},
                                     authority_.issuer(),
                                     random_);
        out.chain = net::to_pem(net::CertificateChain{leaf, authority_.issuer().certificate});
        return out;
    }

    test::TempDir dir_;
    test::SeededRandom random_{1};
    test::TestAuthority authority_;
    Instant now_ = authority_.now();
    DeviceId me_ = test::device_id(1);
};

TEST_F(DeviceTrustTest, AClockThatCannotBeIsReplacedByTheLastKnownTimeOfTheHub) {
    auto trust = open();
    const Instant seen = now_ + days{3};
    const Instant root_end = authority_.root().not_after();

    struct Case {
        const char* name;
        Instant own;
        Instant judged;
    };

    for (const Case& c : {Case{"1970", Instant{0}, seen},
                          Case{"before what the hub said", seen - Millis{1}, seen},
                          Case{"a little later", seen + Millis{1}, seen + Millis{1}},
                          Case{"years later", seen + days{700}, seen + days{700}},
                          Case{"after the end of the root", root_end + Millis{1}, seen}})
        EXPECT_EQ(trust.judging_time(c.own, seen), c.judged) << c.name;
    EXPECT_EQ(trust.judging_time(Instant{0}, Instant{0}), authority_.root().not_before());
    ASSERT_TRUE(trust.set_code("CODE", now_));
    EXPECT_EQ(open().judging_time(Instant{0}, Instant{0}).ms, now_.ms) << "said with the code";
}

TEST_F(DeviceTrustTest, ACodeIsKeptUntilItsCertificateIsThere) {
    {
        auto trust = open();
        EXPECT_FALSE(trust.enrolled());
        ASSERT_TRUE(trust.set_code("ABCD-EFGH", now_));
    }
    auto trust = open();
    EXPECT_EQ(trust.code(), "ABCD-EFGH");
    const auto question = trust.question(me_);
    EXPECT_EQ(question.kind, net::TrustQuestion::Kind::kEnrol);
    EXPECT_EQ(question.device, to_string(me_));
    EXPECT_EQ(net::read_request(question.request).value_or(sync::PublicKey{}),
              trust.key().public_key());
    ASSERT_TRUE(trust.take(me_, granted(trust.key(), me_)));
    auto again = open();
    EXPECT_TRUE(again.enrolled());
    EXPECT_EQ(again.code(), "");
    EXPECT_FALSE(fs::exists(code_file(dir_.path())));
    EXPECT_EQ(again.question(me_).kind, net::TrustQuestion::Kind::kRenew);
    EXPECT_FALSE(again.renewal_due(now_ + days{59}));
    EXPECT_TRUE(again.renewal_due(now_ + days{61}));
}

TEST_F(DeviceTrustTest, ACertificateForAnybodyElseIsNotTaken) {
    auto trust = open();
    const auto other_key = sync::SigningKey::make(random_);
    for (const auto& answer : {granted(other_key, me_), granted(trust.key(), test::device_id(2))})
        EXPECT_EQ(trust.take(me_, answer).error().code, ErrorCode::kNotPermitted);
    net::TrustAnswer nothing;
    EXPECT_EQ(trust.take(me_, nothing).error().code, ErrorCode::kMalformed);
    EXPECT_FALSE(open().enrolled());
}

TEST_F(DeviceTrustTest, ShowsItsCertificateOnceItHasOne) {
    auto trust = open();
    const auto hub = test::device_id(9);
    EXPECT_FALSE(trust.credentials(hub, now_).key);
    ASSERT_TRUE(trust.take(me_, granted(trust.key(), me_)));
    const auto shown = trust.credentials(hub, now_);
    ASSERT_TRUE(shown.key);
    EXPECT_EQ(shown.chain.size(), 2U);
    EXPECT_EQ(shown.hub, to_string(hub));
    EXPECT_EQ(shown.root_fingerprint, authority_.root().fingerprint());
}

}  // namespace
}  // namespace streetlog::agent
