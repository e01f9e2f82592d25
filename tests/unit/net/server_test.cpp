#include <array>
#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "sync/net/beast_server.hpp"
#include "tests/support/net_fixture.hpp"
#include "tests/support/raw_ws.hpp"

namespace streetlog::net {
namespace {

using test::IoThreads;
using test::RawSocket;

class ServerTest : public testing::Test {
  protected:
    Result<std::unique_ptr<WsServer>> listen(ServerOptions options) {
        return test::listen(io_.executor(), std::move(options), test::echo, log_);
    }

    std::string answer_to(const std::string& request, ServerOptions options = {}) {
        auto server = listen(std::move(options));
        if (!server) return server.error().message;
        const RawSocket client = secure(**server);
        if (!client.write(request)) return "cannot write";
        return client.read_to_end().value_or("not closed");
    }

    static RawSocket secure(const WsServer& server) {
        return test::connect_secure(server.port(), test::authority().device());
    }

    static ConnectOptions to(const WsServer& server, VersionRange versions) {
        auto out = test::to_port(server.port());
        out.versions = versions;
        return out;
    }

    NullLogger log_;
    IoThreads io_;
};

asio::awaitable<Error> connect_error(ConnectOptions options) {
    auto channel = co_await connect(std::move(options));
    co_return channel ? Error{} : channel.error();
}

TEST_F(ServerTest, AnUpgradeWithoutACommonVersionIsRefusedReadably) {
    for (const char* offer :
         {"", "hmis-sync#2-3", "chat", "hmis-sync#0-1", "hmis-sync#1", "hmis-sync#2-1"}) {
        const std::string answer = answer_to(test::upgrade_request(offer));
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"))
            << offer << ": " << answer;
        EXPECT_NE(answer.find("this hub speaks hmis-sync versions 1 to 1"), std::string::npos)
            << answer;
    }
    EXPECT_TRUE(answer_to("GET /sync HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 426"));
}

TEST_F(ServerTest, AnotherPathOrAWebPageIsNotUpgraded) {
    EXPECT_TRUE(
        answer_to(test::upgrade_request("hmis-sync#1-1", "/other")).starts_with("HTTP/1.1 404"));
    const std::string from_page =
        test::upgrade_request("hmis-sync#1-1", "/sync", "Origin: http://example.org\r\n");
    EXPECT_TRUE(answer_to(from_page).starts_with("HTTP/1.1 403"));
}

TEST_F(ServerTest, TheClientSaysThatNoVersionIsCommon) {
    const auto server = listen({});
    ASSERT_TRUE(server);
    const Error error = io_.run(connect_error(to(**server, {2, 3})));
    EXPECT_EQ(error.code, ErrorCode::kUnsupported);
    EXPECT_EQ(error.message, "the hub does not speak hmis-sync#2-3");
}

TEST_F(ServerTest, AWiderOfferIsAccepted) {
    const auto server = listen({.versions = {1, 4}});
    ASSERT_TRUE(server);
    const Error error = io_.run(connect_error(to(**server, {3, 9})));
    EXPECT_EQ(error.message, "");
}

TEST_F(ServerTest, AConnectionThatDoesNotFinishItsRequestIsDropped) {
    const auto server = listen({.handshake = Millis{200}});
    ASSERT_TRUE(server);
    const RawSocket silent = RawSocket::connect((*server)->port());
    const RawSocket halfway = secure(**server);
    ASSERT_TRUE(halfway.write("GET /sync HTTP/1.1\r\nHost: x\r\n"));
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_EQ(halfway.read_to_end(), "");
}

TEST_F(ServerTest, DripFedHeadersDoNotExtendTheHandshake) {
    const auto server = listen({.handshake = Millis{300}});
    ASSERT_TRUE(server);
    const RawSocket client = secure(**server);
    const auto start = std::chrono::steady_clock::now();
    while (client.write("X") &&
           std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
        std::this_thread::sleep_for(Millis{20});  // the pace of the drip; nothing is waited for
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(ServerTest, AHeaderOverTheLimitIsDropped) {
    const std::string huge = "X-Filler: " + std::string(20'000, 'x') + "\r\n";
    EXPECT_EQ(answer_to(test::upgrade_request("hmis-sync#1-1", "/sync", huge)), "");
}

TEST_F(ServerTest, AboveTheConnectionLimitANewConnectionIsClosed) {
    const auto server = listen({.connections = 1});
    ASSERT_TRUE(server);
    const RawSocket first = test::connect_upgraded((*server)->port(), test::authority().device());
    ASSERT_TRUE(first.ok());
    const RawSocket second = RawSocket::connect((*server)->port());
    EXPECT_EQ(second.read_to_end(), "");
    ASSERT_TRUE(first.write(test::client_frame(test::Opcode::kBinary, "still served")));
    const auto answer = test::read_frame(first);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->payload, "still served");
}

TEST_F(ServerTest, AboveTheConnectionLimitWhoSaysNothingMakesRoom) {
    const auto server = listen({.connections = 2});
    ASSERT_TRUE(server);
    const RawSocket served = test::connect_upgraded((*server)->port(), test::authority().device());
    ASSERT_TRUE(served.ok());
    const RawSocket silent = RawSocket::connect((*server)->port());
    const RawSocket late = test::connect_upgraded((*server)->port(), test::authority().device());
    EXPECT_TRUE(late.ok());
    EXPECT_EQ(silent.read_to_end(), "");
    ASSERT_TRUE(served.write(test::client_frame(test::Opcode::kBinary, "still served")));
    EXPECT_TRUE(test::read_frame(served));
}

TEST_F(ServerTest, APortInUseIsAConflictThatNamesIt) {
    const auto server = listen({});
    ASSERT_TRUE(server);
    const auto second = listen({.port = (*server)->port()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_EQ(second.error().message,
              "127.0.0.1:" + std::to_string((*server)->port()) + " is already in use");
}

TEST_F(ServerTest, OnlyAddressesAreServedAndDialled) {
    for (const char* address : {"example.org", "", "127.0.0.1.example.org"}) {
        ServerOptions options;
        options.address = address;
        const auto server = listen(options);
        ASSERT_FALSE(server) << address;
        EXPECT_EQ(server.error().code, ErrorCode::kInvalidInput) << address;
        auto there = test::to_port(1);
        there.host = address;
        EXPECT_EQ(io_.run(connect_error(there)).code, ErrorCode::kInvalidInput) << address;
    }
}

TEST_F(ServerTest, NobodyListeningIsUnavailable) {
    std::uint16_t port = 0;
    {
        const test::RawListener listener;
        port = listener.port();
    }
    EXPECT_EQ(io_.run(connect_error(test::to_port(port))).code, ErrorCode::kUnavailable);
}

using asio::ip::tcp;

asio::awaitable<void> pump(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
    std::array<char, 4096> bytes{};
    constexpr auto wait = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        const auto [ended, n] = co_await from->async_read_some(asio::buffer(bytes), wait);
        if (ended) break;
        const auto [broken, m] = co_await asio::async_write(*to, asio::buffer(bytes, n), wait);
        if (broken) break;
    }
    boost::system::error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
}

/// A tunnel to `port` that lets go of the first connections without a word.
asio::awaitable<void> tunnel(std::shared_ptr<tcp::acceptor> acceptor,
                             std::uint16_t port,
                             std::shared_ptr<int> let_go) {
    const auto executor = acceptor->get_executor();
    for (;;) {
        auto [error, socket] = co_await acceptor->async_accept(asio::as_tuple(asio::use_awaitable));
        if (error) co_return;
        if ((*let_go)-- > 0) continue;
        const auto near = std::make_shared<tcp::socket>(std::move(socket));
        const auto far = std::make_shared<tcp::socket>(executor);
        co_await far->async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
        asio::co_spawn(executor, pump(near, far), asio::detached);
        asio::co_spawn(executor, pump(far, near), asio::detached);
    }
}

class LetGoTest : public ServerTest {
  protected:
    /// The port of a tunnel to a server that is there.
    ConnectOptions through(int let_go) {
        server_ = listen({}).value();
        const auto strand = asio::make_strand(io_.executor());
        const tcp::endpoint any{asio::ip::address_v4::loopback(), 0};
        acceptor_ = std::make_shared<tcp::acceptor>(strand, any);
        left_ = std::make_shared<int>(let_go);
        asio::co_spawn(strand, tunnel(acceptor_, server_->port(), left_), asio::detached);
        return test::to_port(acceptor_->local_endpoint().port());
    }

    std::unique_ptr<WsServer> server_;
    std::shared_ptr<tcp::acceptor> acceptor_;
    std::shared_ptr<int> left_;
};

TEST_F(LetGoTest, ADeviceThatIsLetGoWithoutAWordTriesAgain) {
    EXPECT_EQ(io_.run(connect_error(through(2))).message, "");
}

TEST_F(LetGoTest, SoDoesOneThatAsksForItsFirstCertificate) {
    TrustQuestion question;
    question.device = "d";
    const auto ask = [](ConnectOptions options, TrustQuestion asked) -> asio::awaitable<Error> {
        const auto trusted = co_await ask_trust(std::move(options), std::move(asked));
        co_return trusted ? Error{} : trusted.error();
    };
    // The test's server says what it was asked, which is no answer: but it was reached.
    EXPECT_NE(io_.run(ask(through(1), question)).code, ErrorCode::kUnavailable);
}

TEST_F(LetGoTest, AndSaysWhatHappenedWhenThatDoesNotHelp) {
    const Error error = io_.run(connect_error(through(100)));
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_NE(error.message.find("ended there before an answer came"), std::string::npos)
        << error.message;
}

TEST_F(ServerTest, AServerThatNeverShakesHandsTimesOut) {
    const test::RawListener listener;  // the system accepts; nobody reads
    auto there = test::to_port(listener.port());
    there.timeout = Millis{200};
    const Error error = io_.run(connect_error(there));
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace streetlog::net
