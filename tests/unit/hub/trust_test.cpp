// Whom the hub lets in: codes, certificates, states, and what a change of them does to a device
// that is connected.
#include <fstream>

#include <gtest/gtest.h>

#include "hub/trust/enrolment_code.hpp"
#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"
#include "tests/unit/hub/serve_fixture.hpp"

namespace streetlog::hub {
namespace {

using std::chrono::days;
using std::chrono::hours;
using sync::HelloVerdict;

class TrustTest : public ServeTest {
  protected:
    net::TrustQuestion enrolment(const boost::json::object& given, const sync::SigningKey& key) {
        net::TrustQuestion out;
        out.kind = net::TrustQuestion::Kind::kEnrol;
        out.device = given.at("device").as_string();
        out.code = given.at("code").as_string();
        out.request = net::make_request(key);
        return out;
    }

    /// Why the hub did not grant it; empty when it did.
    std::string refusal(const net::TrustQuestion& question,
                        const std::optional<net::Peer>& peer = {}) {
        const auto answer = hub_.ask(question, peer);
        return answer ? "" : answer.error().message;
    }

    std::string refusal(const boost::json::object& given, const sync::SigningKey& key) {
        return refusal(enrolment(given, key));
    }

    net::TrustQuestion renewal(const sync::SigningKey& key) {
        net::TrustQuestion out;
        out.request = net::make_request(key);
        return out;
    }

    net::Peer peer_of(const TestDevice& device, net::Validity validity = net::Validity::kCurrent) {
        const auto& leaf = device.credentials().chain.front();
        return {device.replica().device, leaf.public_key(), leaf.not_after(), validity};
    }

    sync::SigningKey key() { return sync::SigningKey::make(random_); }

    /// What a device comes to that tries to get in: the upgrade or nothing.
    bool gets_in(const net::DeviceCredentials& credentials) {
        return test::connect_upgraded(hub_.port(), credentials).ok();
    }

    std::string state_of(const std::string& name) {
        const auto shown = hub_.admin("device show", {{"DEVICE", name}});
        return shown ? std::string{shown->at("state").as_string()} : shown.error().message;
    }
};

TEST_F(TrustTest, ACodeHas80RandomBitsAndIsReadAsPeopleTypeIt) {
    const auto code = make_code(random_);
    EXPECT_EQ(code.selector.size(), 8U);
    EXPECT_EQ(code.secret.size(), 16U);  // of 32 letters each
    EXPECT_NE(code.secret, make_code(random_).secret);
    const auto text = format_code(code);
    EXPECT_EQ(text.size(), 29U);
    EXPECT_EQ(parse_code(text), code);
    std::string typed = "  ";
    for (const char c : text)
        typed += c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(parse_code(typed), code);
    EXPECT_EQ(parse_code("O0oIL1i1-234567890123-4567").value_or(CodeParts{}).selector, "00011111");
    for (const char* bad : {"", "ABCD", "U2345678901234567890123456"})
        EXPECT_FALSE(parse_code(bad)) << bad;
    EXPECT_FALSE(parse_code(std::string(1'000, 'A')));
}

TEST_F(TrustTest, TheCodeIsNowhereInTheHubsFiles) {
    const auto given = enrolled("tablet");
    const auto parts = parse_code(std::string{given.at("code").as_string()});
    ASSERT_TRUE(parts);
    for (const char* name : {"hub.db", "hub.db-wal"}) {
        std::ifstream file{dir_.path() / name, std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        EXPECT_EQ(bytes.find(parts->secret), std::string::npos) << name;
    }
    ASSERT_EQ(refusal(given, key()), "");
}

TEST_F(TrustTest, ACodeIsGoodOnceForOneKeyAndOneDay) {
    const auto given = enrolled("tablet");
    const auto mine = key();
    EXPECT_EQ(refusal(given, mine), "");
    EXPECT_EQ(refusal(given, mine), "") << "the first answer may have been lost";
    EXPECT_EQ(refusal(given, key()), "the enrolment code was used already");

    const auto late = enrolled("slow");
    hub_.clock().advance(hours{24} + Millis{1});
    EXPECT_EQ(refusal(late, key()), "the enrolment code has ended");
    const auto again = hub_.admin("device code", {{"DEVICE", "slow"}});
    ASSERT_TRUE(again);
    EXPECT_EQ(refusal(late, key()), "there is no such enrolment code");
    EXPECT_EQ(refusal(*again, key()), "");
}

TEST_F(TrustTest, FiveWrongTriesBurnACode) {
    const auto given = enrolled("tablet");
    auto wrong = given;
    std::string code{given.at("code").as_string()};
    code.back() = code.back() == '7' ? '8' : '7';
    wrong["code"] = code;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(refusal(wrong, key()), "the enrolment code is wrong");
    EXPECT_EQ(refusal(given, key()), "the enrolment code was burnt by wrong tries");
    EXPECT_EQ(hub_.admin("device show", {{"DEVICE", "tablet"}})->at("code_wrong_tries"), 5);
    const auto again = hub_.admin("device code", {{"DEVICE", "tablet"}});
    ASSERT_TRUE(again);
    EXPECT_EQ(refusal(*again, key()), "");
}

TEST_F(TrustTest, ACodeOfAnotherDeviceOrOfNobodyIsRefused) {
    const auto given = enrolled("tablet");
    auto other = enrolled("other");
    other["code"] = given.at("code");
    EXPECT_EQ(refusal(other, key()), "the enrolment code is another device's");
    auto unknown = given;
    unknown["code"] = "0000-0000-0000-0000-0000-0000";
    EXPECT_EQ(refusal(unknown, key()), "there is no such enrolment code");
    unknown["code"] = "letmein";
    EXPECT_EQ(refusal(unknown, key()).substr(0, 25), "that is no enrolment code");
    auto broken = enrolment(given, key());
    broken.request = "no request";
    EXPECT_EQ(refusal(broken), "not a certificate request signed by an Ed25519 key");
    EXPECT_EQ(refusal(given, key()), "");
}

TEST_F(TrustTest, ADeviceThatEnrolledTakesNoOtherKeyUnlessTheOfficeSaysSo) {
    TestDevice device = enrol("tablet");
    const auto code = hub_.admin("device code", {{"DEVICE", "tablet"}});
    ASSERT_TRUE(code);
    EXPECT_EQ(refusal(*code, key()), "the device of this code has enrolled with another key");
    EXPECT_EQ(refusal(*code, *device.credentials().key), "");
    const auto anew = hub_.admin("device code", {{"DEVICE", "tablet"}, {"new_key", true}});
    ASSERT_TRUE(anew);
    EXPECT_FALSE(gets_in(device.credentials())) << "the old key is worth nothing now";
    EXPECT_EQ(refusal(*anew, key()), "");
}

TEST_F(TrustTest, EveryWrongDeviceIsRefusedBeforeItCanSayAWord) {
    TestDevice revoked = enrol("revoked");
    TestDevice suspended = enrol("suspended");
    TestDevice rekeyed = enrol("rekeyed");
    ASSERT_TRUE(hub_.admin("device revoke", {{"DEVICE", "revoked"}}));
    ASSERT_TRUE(hub_.admin("device suspend", {{"DEVICE", "suspended"}}));
    const auto authority = Authority::open(hub_.directory());
    ASSERT_TRUE(authority);
    const auto issued = [&](const DeviceId& id, const sync::SigningKey& own) {
        auto out = hub_.known();
        out.key = own;
        out.chain = authority->issue(id, own.public_key(), hub_.clock().now(), random_);
        return out;
    };

    struct Case {
        const char* name;
        net::DeviceCredentials shown;
    };

    const Case cases[] = {
        {"revoked", revoked.credentials()},
        {"suspended", suspended.credentials()},
        {"of a device that was never added", issued(random_.id<DeviceId>(), key())},
        {"of a device that was added and has not enrolled",
         issued(*parse_id<DeviceId>(enrolled("fresh").at("device").as_string()), key())},
        {"under this device's id, with another key", issued(honest_->replica().device, key())},
        {"none", hub_.known()},
    };
    for (const Case& c : cases) EXPECT_FALSE(gets_in(c.shown)) << c.name;
    EXPECT_TRUE(gets_in(rekeyed.credentials()));
    ASSERT_TRUE(hub_.admin("device resume", {{"DEVICE", "suspended"}}));
    EXPECT_TRUE(gets_in(suspended.credentials()));
    EXPECT_EQ(hub_.admin("device resume", {{"DEVICE", "revoked"}}).error().code,
              ErrorCode::kConflict);
    EXPECT_EQ(state_of("revoked"), "revoked");
    EXPECT_EQ(hub_.admin("device code", {{"DEVICE", "revoked"}}).error().code,
              ErrorCode::kConflict);
    EXPECT_EQ(hub_.admin("device revoke", {{"DEVICE", "nobody"}}).error().code,
              ErrorCode::kNotFound);
}

TEST_F(TrustTest, ALapsedCertificateHandsOverAndGetsNothingUntilTheOfficeApproves) {
    TestDevice device = enrol("long away");
    hand_over(*peer_, *honest_);
    hub_.clock().advance(days{91});
    Peer peer{hub_.port(), device.credentials()};  // it does not know how late it is
    const auto challenge = peer.next_as<sync::Challenge>();
    ASSERT_TRUE(challenge);
    ASSERT_TRUE(peer.send(device.hello(*challenge)));
    const auto ack = peer.next_as<sync::HelloAck>();
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->verdict, HelloVerdict::kCustodyOnly);
    EXPECT_TRUE(ack->scopes.empty());
    hand_over(peer, device);
    ASSERT_TRUE(peer.send(sync::Pull{kScopeAll, {}, 1 << 20}));
    expect_end(peer, sync::WireCode::kProtocolViolation);

    const auto lapsed = peer_of(device, net::Validity::kLapsed);
    const auto question = renewal(*device.credentials().key);
    EXPECT_EQ(refusal(question, lapsed),
              "the certificate has lapsed; the office has to approve the device again");
    ASSERT_TRUE(hub_.admin("device approve", {{"DEVICE", "long away"}}));
    const auto granted = hub_.ask(question, lapsed);
    ASSERT_TRUE(granted) << granted.error().message;
    device.credentials().chain = net::read_chain(granted->chain).value();
    Peer again{hub_.port(), device.credentials()};
    enter(again, device);

    hub_.clock().advance(days{31});
    EXPECT_NE(refusal(question, lapsed), "") << "an approval does not last";
}

TEST_F(TrustTest, ADeviceRenewsItsOwnCertificateAndNobodyElses) {
    TestDevice device = enrol("tablet");
    const auto question = renewal(*device.credentials().key);
    hub_.clock().advance(days{61});
    const auto granted = hub_.ask(question, peer_of(device));
    ASSERT_TRUE(granted) << granted.error().message;
    const auto leaf = net::Certificate::from_pem(granted->chain);
    ASSERT_TRUE(leaf);
    EXPECT_EQ(leaf->name(), to_string(device.replica().device));
    EXPECT_GT(leaf->not_after() - device.credentials().chain.front().not_after(), days{60});
    EXPECT_NE(refusal(question), "") << "without a certificate";
    EXPECT_NE(refusal(renewal(key()), peer_of(device)), "") << "for another key";
    ASSERT_TRUE(hub_.admin("device suspend", {{"DEVICE", "tablet"}}));
    EXPECT_NE(refusal(question, peer_of(device)), "") << "while it is suspended";
}

TEST_F(TrustTest, ADeviceThatIsShutOutWhileItIsConnectedIsOutAtOnce) {
    for (const char* act : {"device suspend", "device revoke"}) {
        SCOPED_TRACE(act);
        TestDevice device = enrol(act);
        Peer peer{hub_.port(), device.credentials()};
        enter(peer, device);
        hand_over(peer, device);
        const auto begun = std::chrono::steady_clock::now();
        ASSERT_TRUE(hub_.command(act, {{"DEVICE", act}}));
        expect_end(peer, sync::WireCode::kRevoked);
        EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{5});
        EXPECT_FALSE(gets_in(device.credentials()));
    }
    expect_all_is_well(2);  // the two acts
}

TEST_F(TrustTest, EveryActOnADeviceIsARecordThatSupersedesTheOneBefore) {
    TestDevice device = enrol("tablet");
    const auto before = hub_.head();
    for (const char* act : {"device suspend", "device resume", "device approve", "device revoke"})
        ASSERT_TRUE(hub_.admin(act, {{"DEVICE", "tablet"}})) << act;
    EXPECT_EQ(hub_.head(), before + 4);
    ASSERT_TRUE(hub_.admin("device revoke", {{"DEVICE", "tablet"}}));
    EXPECT_EQ(hub_.head(), before + 4) << "nothing new to say";
    ASSERT_TRUE(hub_.follow());
    auto projection = HubProjection::open(hub_.directory(), *parse_id<DeviceId>(hub_.known().hub));
    ASSERT_TRUE(projection);
    const auto view =
        projection->read().group({device.replica().device.bytes},
                                 {hud::tbl::kHubDevice, hud::grp::kHubDeviceRegistration},
                                 store::View::kMerged);
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_FALSE(view->conflict);
    EXPECT_TRUE(view->others.empty());
}

class AuthorityTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(Authority::make(dir_.path(), hub_, now_, random_, [&](std::string_view pem) {
            root_key_ = pem;
            return Result<void>{};
        }));
    }

    test::TempDir dir_;
    test::SeededRandom random_{4};
    Instant now_ = net::SystemClock{}.now();
    DeviceId hub_ = random_.id<DeviceId>();
    std::string root_key_;
};

TEST_F(AuthorityTest, TheRootsKeyIsNotInTheHubsDirectory) {
    ASSERT_FALSE(root_key_.empty());
    for (const auto& entry : std::filesystem::directory_iterator{dir_.path()}) {
        std::ifstream file{entry.path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        EXPECT_EQ(text.find(root_key_.substr(30, 40)), std::string::npos) << entry.path();
        EXPECT_EQ(entry.status().permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
}

TEST_F(AuthorityTest, NothingIsMadeWhenTheRootsKeyCannotBeKept) {
    test::TempDir other;
    const auto made = Authority::make(other.path(), hub_, now_, random_, [](std::string_view) {
        return Result<void>{fail(ErrorCode::kStorage, "no room")};
    });
    EXPECT_EQ(made.error().code, ErrorCode::kStorage);
    EXPECT_EQ(Authority::open(other.path()).error().code, ErrorCode::kNotFound);
}

TEST_F(AuthorityTest, TheHubsCertificateIsRenewedInItsLastThirdAndNotBefore) {
    auto authority = Authority::open(dir_.path());
    ASSERT_TRUE(authority);
    const auto first = authority->hub().fingerprint();
    EXPECT_FALSE(*authority->renew_hub(now_ + days{59}, random_));
    EXPECT_TRUE(*authority->renew_hub(now_ + days{61}, random_));
    EXPECT_FALSE(*authority->renew_hub(now_ + days{61}, random_));
    EXPECT_NE(authority->hub().fingerprint(), first);
    EXPECT_EQ(Authority::open(dir_.path())->hub().fingerprint(), authority->hub().fingerprint());
    const auto shown = authority->credentials();
    for (const auto when : {now_ - hours{1}, now_ + days{61}, now_ + days{150}}) {
        const auto judged =
            net::judge(shown.chain[0], shown.chain, shown.root, net::CertificateUse::kHub, when);
        ASSERT_TRUE(judged) << judged.error().message << " for a clock that is slow";
        EXPECT_EQ(*judged, net::Validity::kCurrent);
    }
}

TEST_F(AuthorityTest, ANewIssuerTakesOverAndWhatTheOldOneSignedStaysGood) {
    auto old = Authority::open(dir_.path());
    ASSERT_TRUE(old);
    const auto key = sync::SigningKey::make(random_);
    const auto before = old->issue(hub_, key.public_key(), now_ + days{340}, random_);
    EXPECT_LT(before.front().not_after() - now_, days{367});
    const auto root_key = sync::SigningKey::from_pem(root_key_);
    ASSERT_TRUE(root_key);
    EXPECT_EQ(old->new_issuer(sync::SigningKey::make(random_), now_, random_).error().code,
              ErrorCode::kInvalidInput);
    const auto later = now_ + days{350};
    auto issuer = old->new_issuer(*root_key, later, random_);
    ASSERT_TRUE(issuer);
    auto taking = Authority::open(dir_.path());
    ASSERT_TRUE(taking);
    ASSERT_TRUE(taking->take_issuer(*issuer, later, random_));
    auto fresh = Authority::open(dir_.path());
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->root().fingerprint(), old->root().fingerprint());
    EXPECT_GT(fresh->issuer().not_after() - now_, days{700});
    const auto judged = net::judge(
        before.front(), before, fresh->root(), net::CertificateUse::kDevice, now_ + days{355});
    ASSERT_TRUE(judged);
    EXPECT_EQ(*judged, net::Validity::kCurrent);
}

TEST_F(AuthorityTest, AnIssuerOfAnotherRootIsNotTaken) {
    auto authority = Authority::open(dir_.path());
    ASSERT_TRUE(authority);
    const auto before = authority->issuer().fingerprint();
    const auto key = sync::SigningKey::make(random_);
    const auto root = net::issue_root({.use = net::CertificateUse::kRoot,
                                       .name = "Another root",
                                       .key = {},
                                       .from = now_ - days{1},
                                       .until = now_ + days{99}},
                                      key,
                                      random_);
    const auto issuer_key = sync::SigningKey::make(random_);
    const net::Signer strange{net::issue({.use = net::CertificateUse::kIssuer,
                                          .name = "Issuer",
                                          .key = issuer_key.public_key(),
                                          .from = now_ - days{1},
                                          .until = now_ + days{99}},
                                         {root, key},
                                         random_),
                              issuer_key};
    EXPECT_EQ(authority->take_issuer(strange, now_, random_).error().code,
              ErrorCode::kNotPermitted);
    EXPECT_EQ(authority->take_issuer({strange.certificate, key}, now_, random_).error().code,
              ErrorCode::kInvalidInput);
    const auto after = Authority::open(dir_.path());
    ASSERT_TRUE(after);
    EXPECT_EQ(after->issuer().fingerprint(), before);
}

TEST_F(AuthorityTest, FilesThatDoNotBelongTogetherAreNamed) {
    ASSERT_TRUE(
        net::replace_private(hub_key_file(dir_.path()), sync::SigningKey::make(random_).pem()));
    const auto opened = Authority::open(dir_.path());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
    EXPECT_EQ(opened.error().message, "hub.crt is not of hub.key");
}

}  // namespace
}  // namespace streetlog::hub
