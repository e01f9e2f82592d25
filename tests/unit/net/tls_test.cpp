// Every wrong certificate (testing.md D5), and every wrong way to begin: refused before a word of
// HTTP. What a hub with devices of its own makes of good ones is in tests/unit/hub.
#include "sync/net/tls.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/support/net_fixture.hpp"
#include "tests/support/raw_ws.hpp"

namespace streetlog::net {
namespace {

using test::IoThreads;
using test::RawSocket;
using test::TestAuthority;

/// A TLS client that keeps none of our rules.
SSL* careless(int version, const DeviceCredentials* shown = nullptr) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    if (shown != nullptr) {
        SSL_CTX_use_certificate(context, shown->chain.front().native());
        SSL_CTX_use_PrivateKey(context, shown->key->native());
        SSL_CTX_add1_chain_cert(context, shown->chain.back().native());
    }
    SSL* out = SSL_new(context);
    SSL_CTX_free(context);
    return out;
}

class TlsTest : public testing::Test {
  protected:
    void listen(Admit admit = TestAuthority::welcome, ServerOptions options = {}) {
        WsServer::Handlers handlers;
        handlers.sync = [this](std::shared_ptr<Channel> channel,
                               Peer peer) -> asio::awaitable<void> {
            {
                const std::lock_guard lock{mutex_};
                peers_.push_back(peer);
            }
            came_.notify_all();
            co_await test::echo(std::move(channel));
        };
        handlers.trust = [this](std::string question,
                                std::optional<Peer> peer) -> asio::awaitable<std::string> {
            ++asked_;
            co_return question + (peer ? to_string(peer->device) : "nobody");
        };
        auto server = WsServer::listen(
            io_.executor(), std::move(options), ours_.tls(std::move(admit)), handlers, log_);
        ASSERT_TRUE(server) << server.error().message;
        server_ = *std::move(server);
    }

    /// Who was let in last; waits for the first.
    Peer last() {
        std::unique_lock lock{mutex_};
        came_.wait_for(lock, std::chrono::seconds{10}, [&] { return !peers_.empty(); });
        return peers_.empty() ? Peer{} : peers_.back();
    }

    std::size_t entered() {
        const std::lock_guard lock{mutex_};
        return peers_.size();
    }

    asio::awaitable<Error> outcome(ConnectOptions options) {
        auto channel = co_await connect(std::move(options));
        co_return channel ? Error{ErrorCode::kUsage, "let in", {}} : channel.error();
    }

    Error connect_as(DeviceCredentials credentials) {
        ConnectOptions options;
        options.host = "127.0.0.1";
        options.port = server_->port();
        options.credentials = std::move(credentials);
        return io_.run(outcome(std::move(options)));
    }

    TestAuthority ours_{1};
    TestAuthority others_{2};
    test::SeededRandom others_random_{3};
    NullLogger log_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<Peer> peers_;
    std::atomic<int> asked_{0};
    IoThreads io_;
    std::unique_ptr<WsServer> server_;
};

TEST_F(TlsTest, ADeviceOfTheDeploymentIsLetInAndKnown) {
    listen();
    const auto device = ours_.device(test::device_id(7));
    EXPECT_EQ(connect_as(device).message, "let in");
    EXPECT_EQ(last().device, test::device_id(7));
    EXPECT_EQ(last().key, device.key->public_key());
    EXPECT_EQ(last().validity, Validity::kCurrent);
}

TEST_F(TlsTest, ALapsedCertificateIsLetInAsLapsed) {
    listen();
    const auto device = ours_.device(test::device_id(7), {-test::days{100}, -test::days{10}});
    EXPECT_EQ(connect_as(device).message, "let in");
    EXPECT_EQ(last().validity, Validity::kLapsed);
}

TEST_F(TlsTest, EveryWrongCertificateOfADeviceIsRefusedAndToldSo) {
    listen();
    auto self_signed = ours_.device();
    self_signed.chain = {issue_root({.use = CertificateUse::kRoot,
                                     .name = to_string(test::device_id(1)),
                                     .key = {},
                                     .from = ours_.now() - test::days{1},
                                     .until = ours_.now() + test::days{1}},
                                    *self_signed.key,
                                    others_random_)};
    auto other_authority = others_.device();
    other_authority.root = ours_.root();
    other_authority.root_fingerprint = ours_.root().fingerprint();
    auto under_another_issuer = ours_.device();
    under_another_issuer.chain = others_.device().chain;
    under_another_issuer.key = others_.device().key;
    auto without_issuer = ours_.device();
    without_issuer.chain.pop_back();
    auto as_issuer = ours_.stranger();
    as_issuer.chain = {ours_.issuer().certificate};
    as_issuer.key = ours_.issuer().key;

    struct Case {
        const char* name;
        DeviceCredentials shown;
    };

    const Case cases[] = {
        {"of another authority", other_authority},
        {"of another authority and lapsed",
         [&] {
             auto out = others_.device(test::device_id(1), {-test::days{9}, -test::days{1}});
             out.root = ours_.root();
             out.root_fingerprint = ours_.root().fingerprint();
             return out;
         }()},
        {"self-signed", self_signed},
        {"not valid yet", ours_.device(test::device_id(1), {test::days{1}, test::days{90}})},
        {"made for a hub", ours_.device(test::device_id(1), {}, CertificateUse::kHub)},
        {"whose subject is no device",
         [&] {
             auto out = ours_.stranger();
             auto hub = ours_.hub("tablet", {}, CertificateUse::kDevice);
             out.chain = hub.chain;
             out.key = hub.key;
             return out;
         }()},
        {"without its issuer", without_issuer},
        {"the issuer's own", as_issuer},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        const Error error = connect_as(c.shown);
        EXPECT_EQ(error.code, ErrorCode::kNotPermitted) << error.message;
        EXPECT_EQ(error.message, "the hub does not know this device's certificate");
        EXPECT_FALSE(error.hint.empty());
    }
    EXPECT_EQ(entered(), 0U);
    EXPECT_EQ(connect_as(ours_.device()).message, "let in");
}

TEST_F(TlsTest, WhomTheHubDoesNotWantIsToldWhy) {
    struct Case {
        Admission admission;
        const char* message;
    };

    for (const Case& c :
         {Case{Admission::kUnknown, "the hub does not know this device's certificate"},
          Case{Admission::kSuspended, "the office has suspended this device"},
          Case{Admission::kRevoked, "the office has revoked this device"}}) {
        listen([&](const Peer&) { return c.admission; });
        const Error error = connect_as(ours_.device());
        EXPECT_EQ(error.code, ErrorCode::kNotPermitted);
        EXPECT_EQ(error.message, c.message);
    }
    // A hub that cannot look the device up says nothing about the device: it comes again.
    listen([](const Peer&) -> Admission { throw std::runtime_error{"the disk is gone"}; });
    EXPECT_EQ(connect_as(ours_.device()).code, ErrorCode::kUnavailable);
    EXPECT_EQ(entered(), 0U);
}

TEST_F(TlsTest, ADeviceSpeaksToNobodyButItsHub) {
    const auto dial = [&](HubCredentials shown) {
        const test::RawListener listener;
        bool shaken = false;
        std::string heard;
        std::thread hub([&] {
            RawSocket socket = listener.accept();
            shaken = socket.secure(ours_.tls(std::move(shown)));
            if (shaken) heard = socket.read_to_end().value_or("");
        });
        ConnectOptions options;
        options.host = "127.0.0.1";
        options.port = listener.port();
        options.credentials = ours_.device();
        options.timeout = Millis{3'000};
        const Error error = io_.run(outcome(options));
        hub.join();
        EXPECT_EQ(heard, "");
        return error;
    };
    const std::string name = TestAuthority::kHubName;
    auto foreign = others_.hub();
    auto foreign_with_our_root = others_.hub();
    foreign_with_our_root.chain.push_back(ours_.root());

    struct Case {
        const char* name;
        HubCredentials shown;
    };

    const Case cases[] = {
        {"another authority's hub", foreign},
        {"another authority's hub that shows our root", foreign_with_our_root},
        {"another hub of ours", ours_.hub("db000000000000000000000000000002")},
        {"a hub whose certificate ended", ours_.hub(name, {-test::days{9}, -test::days{1}})},
        {"a hub of the future", ours_.hub(name, {test::days{1}, test::days{9}})},
        {"a device that plays the hub", ours_.hub(name, {}, CertificateUse::kDevice)},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        const Error error = dial(c.shown);
        EXPECT_EQ(error.code, ErrorCode::kNotPermitted) << error.message;
        EXPECT_NE(error.message.find("is not this device's hub"), std::string::npos)
            << error.message;
    }
}

TEST_F(TlsTest, OlderVersionsNoCertificateAndPlainTextAreRefused) {
    listen();
    const auto device = ours_.device();
    RawSocket old = RawSocket::connect(server_->port());
    EXPECT_FALSE(old.secure(careless(TLS1_2_VERSION, &device)));

    RawSocket nobody = RawSocket::connect(server_->port());
    // In TLS 1.3 the client is through first; what it then reads is the refusal.
    if (nobody.secure(careless(TLS1_3_VERSION))) {
        nobody.write(test::upgrade_request("hmis-sync#1-1"));
        EXPECT_EQ(nobody.read_to_end(), "");
        const auto error = refusal_of(nobody.tls_error());
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, ErrorCode::kNotPermitted);
    }

    const RawSocket plain = RawSocket::connect(server_->port());
    ASSERT_TRUE(plain.write(test::upgrade_request("hmis-sync#1-1")));
    const auto answer = plain.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->find("HTTP"), std::string::npos);

    RawSocket unknown = RawSocket::connect(server_->port());
    EXPECT_FALSE(unknown.secure(device, "h2"));
    EXPECT_EQ(entered(), 0U);
    EXPECT_EQ(asked_, 0);
}

TEST_F(TlsTest, NothingIsResumedAndNothingSentEarly) {
    listen();
    const auto device = ours_.device();
    SSL* first = careless(TLS1_3_VERSION, &device);
    RawSocket socket = RawSocket::connect(server_->port());
    ASSERT_TRUE(socket.secure(first));
    ASSERT_TRUE(socket.write(test::upgrade_request("hmis-sync#1-1")));
    ASSERT_TRUE(socket.read_head().starts_with("HTTP/1.1 101"));
    EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(first)), 0) << "a ticket came";
    EXPECT_EQ(SSL_SESSION_get_max_early_data(SSL_get_session(first)), 0U);
}

TEST_F(TlsTest, AHelloThatIsWithheldOrDrippedIsCutOff) {
    ServerOptions options;
    options.handshake =
        Millis{2'000};  // an honest one has to be through by then, on a busy machine
    listen(TestAuthority::welcome, options);
    const auto begun = std::chrono::steady_clock::now();
    const RawSocket silent = RawSocket::connect(server_->port());
    const RawSocket dripping = RawSocket::connect(server_->port());
    // The head of a TLS record that claims 16 KiB, and then a byte now and then.
    ASSERT_TRUE(dripping.write(std::string_view{"\x16\x03\x01\x40\x00", 5}));
    while (dripping.write("x") &&
           std::chrono::steady_clock::now() - begun < std::chrono::seconds{60})
        std::this_thread::sleep_for(Millis{20});  // the pace of the drip; nothing is waited for
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{30});
    EXPECT_EQ(connect_as(ours_.device()).message, "let in");
}

TEST_F(TlsTest, WhoSaysNothingDoesNotKeepDevicesOut) {
    ServerOptions options;
    options.connections = 10;
    listen(TestAuthority::welcome, options);
    std::vector<RawSocket> silent;
    for (int i = 0; i < 50; ++i) silent.push_back(RawSocket::connect(server_->port()));
    EXPECT_EQ(connect_as(ours_.device()).message, "let in");
    EXPECT_EQ(silent.front().read_to_end(), "") << "the oldest one went";
}

TEST_F(TlsTest, ACertificateOfTheHubIsRenewedWithoutADrop) {
    listen();
    const RawSocket before = test::connect_upgraded(server_->port(), ours_.device());
    ASSERT_TRUE(before.ok());
    const auto renewed = ours_.hub();
    server_->renew(renewed);
    const auto shown = [&] {
        SSL* tls = careless(TLS1_3_VERSION);
        RawSocket socket = RawSocket::connect(server_->port());
        if (!socket.secure(tls)) return sync::Hash{};
        X509* certificate = SSL_get0_peer_certificate(tls);
        return Certificate{certificate}.fingerprint();
    };
    EXPECT_EQ(shown(), renewed.chain.front().fingerprint());
    ASSERT_TRUE(before.write(test::client_frame(test::Opcode::kBinary, "still there")));
    const auto answer = test::read_frame(before);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->payload, "still there");
    EXPECT_EQ(connect_as(ours_.device()).message, "let in");
}

TEST_F(TlsTest, AQuestionOfTrustIsAnsweredToAnybodyAndBounded) {
    listen();
    const auto ask = [&](const DeviceCredentials& who, std::string_view bytes) {
        RawSocket socket = RawSocket::connect(server_->port());
        if (!socket.secure(who, kTrustProtocol)) return std::string{"no handshake"};
        socket.write(bytes);
        return socket.read_to_end().value_or("not closed");
    };
    EXPECT_EQ(ask(ours_.stranger(), with_length("who am I? ")), with_length("who am I? nobody"));
    EXPECT_EQ(ask(ours_.device(test::device_id(3)), with_length("who am I? ")),
              with_length("who am I? " + to_string(test::device_id(3))));
    EXPECT_EQ(asked_, 2);
    std::string huge = with_length("");
    huge[2] = 1;  // 64 KiB
    EXPECT_EQ(ask(ours_.stranger(), huge), "");
    EXPECT_EQ(ask(others_.device(), with_length("x")), "no handshake");
    EXPECT_EQ(asked_, 2);
    EXPECT_EQ(entered(), 0U);
}

TEST_F(TlsTest, AFirstContactIsPinnedByTheFingerprintOfTheRoot) {
    listen();
    auto knows_fingerprint = ours_.stranger();
    knows_fingerprint.root.reset();
    knows_fingerprint.hub.clear();
    RawSocket good = RawSocket::connect(server_->port());
    EXPECT_TRUE(good.secure(knows_fingerprint, kTrustProtocol));
    knows_fingerprint.root_fingerprint = others_.root().fingerprint();
    RawSocket bad = RawSocket::connect(server_->port());
    EXPECT_FALSE(bad.secure(knows_fingerprint, kTrustProtocol));
}

}  // namespace
}  // namespace streetlog::net
