#include <atomic>
#include <chrono>
#include <latch>

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include "tests/support/net_fixture.hpp"
#include "tests/support/raw_ws.hpp"

namespace streetlog::net {
namespace {

using test::IoThreads;
using test::RawSocket;
using SteadyClock = std::chrono::steady_clock;

constexpr int kConnections = 50;

class StopTest : public testing::Test {
  protected:
    void serve(test::Handler handler) {
        auto server = test::listen(io_.executor(), {}, std::move(handler), log_);
        ASSERT_TRUE(server);
        server_ = std::move(*server);
    }

    [[nodiscard]] RawSocket connected() const {
        return test::connect_upgraded(server_->port(), test::authority().device());
    }

    NullLogger log_;
    std::latch begun_{kConnections};
    std::atomic<int> ended_{0};
    IoThreads io_;
    std::unique_ptr<WsServer> server_;
};

TEST_F(StopTest, FiftyPeersThatAnswerTheCloseAreGoneBeforeTheDeadline) {
    serve([this](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        begun_.count_down();
        co_await channel->receive();
        ++ended_;
    });
    const auto reason_of_end = [](std::uint16_t port) -> asio::awaitable<std::string> {
        auto channel = co_await connect(test::to_port(port));
        if (!channel) co_return channel.error().message;
        auto message = co_await (*channel)->receive();
        co_return message ? "a message" : message.error().message;
    };
    std::vector<std::future<std::string>> peers;
    for (int i = 0; i < kConnections; ++i) {
        peers.push_back(asio::co_spawn(
            asio::make_strand(io_.executor()), reason_of_end(server_->port()), asio::use_future));
    }
    begun_.wait();
    EXPECT_EQ(io_.run(server_->stop(Millis{10'000})), 0U);
    EXPECT_EQ(ended_, kConnections);
    for (auto& peer : peers)
        EXPECT_EQ(IoThreads::get(peer), "the other side closed the connection (1001)");
    EXPECT_FALSE(RawSocket::connect(server_->port()).ok());
}

TEST_F(StopTest, FiftyPeersThatIgnoreTheCloseAreCutAtTheDeadline) {
    serve([this](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        begun_.count_down();
        co_await channel->receive();
        ++ended_;
    });
    std::vector<RawSocket> peers;
    for (int i = 0; i < kConnections; ++i) {
        peers.push_back(connected());
        ASSERT_TRUE(peers.back().ok());
    }
    begun_.wait();
    const auto start = SteadyClock::now();
    EXPECT_EQ(io_.run(server_->stop(Millis{300})), std::size_t{kConnections});
    EXPECT_LT(SteadyClock::now() - start, std::chrono::seconds(4));
    EXPECT_EQ(ended_, kConnections);
    for (const RawSocket& peer : peers) {
        auto frame = test::read_frame(peer);
        // Where connecting takes long the server has asked meanwhile whether they are still there.
        while (frame && frame->opcode == test::Opcode::kPing) frame = test::read_frame(peer);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->close_code(), 1001);
        EXPECT_TRUE(peer.read_to_end());
    }
}

TEST_F(StopTest, AHandlerThatWaitsForSomethingElseIsCancelledAtTheDeadline) {
    serve([this](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        struct CountEnd {
            std::atomic<int>& count;

            ~CountEnd() { ++count; }
        } at_end{ended_};

        begun_.count_down();
        asio::steady_timer never(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    std::vector<RawSocket> peers;
    for (int i = 0; i < kConnections; ++i) peers.push_back(connected());
    begun_.wait();
    EXPECT_EQ(io_.run(server_->stop(Millis{100})), std::size_t{kConnections});
    EXPECT_EQ(ended_, kConnections);
}

TEST_F(StopTest, AConnectionInItsHandshakeDoesNotHoldUpTheStop) {
    serve(test::echo);
    const RawSocket peer = test::connect_secure(server_->port(), test::authority().device());
    ASSERT_TRUE(peer.write("GET /sync HTTP/1.1\r\n"));
    EXPECT_TRUE(connected().ok());  // accepted after `peer`, so that one is being read
    const auto start = SteadyClock::now();
    EXPECT_EQ(io_.run(server_->stop(Millis{10'000})), 0U);
    EXPECT_LT(SteadyClock::now() - start, std::chrono::seconds(4));
    EXPECT_EQ(peer.read_to_end(), "");
}

TEST_F(StopTest, AHandlerThatThrowsClosesItsConnectionWith1011AndNoOther) {
    serve([](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        auto message = co_await channel->receive();
        if (message && *message == test::bytes_of("throw")) throw std::runtime_error("as asked");
        if (message && !channel->send(std::move(*message), Lane::kRecords)) co_return;
        co_await channel->drained(1);
    });
    const RawSocket bad = connected();
    const RawSocket good = connected();
    ASSERT_TRUE(bad.write(test::client_frame(test::Opcode::kBinary, "throw")));
    const auto close = test::read_frame(bad);
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1011);
    ASSERT_TRUE(good.write(test::client_frame(test::Opcode::kBinary, "x")));
    const auto answer = test::read_frame(good);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->payload, "x");
}

TEST_F(StopTest, DestroyingTheServerCutsItsConnections) {
    serve(test::echo);
    const RawSocket peer = connected();
    ASSERT_TRUE(peer.ok());
    server_.reset();
    EXPECT_TRUE(peer.read_to_end());
}

}  // namespace
}  // namespace streetlog::net
