#include "sync/net/channel.hpp"

#include <semaphore>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include "tests/support/net_fixture.hpp"
#include "tests/support/raw_ws.hpp"

namespace streetlog::net {
namespace {

using test::bytes_of;
using test::IoThreads;

class ChannelTest : public testing::Test {
  protected:
    void serve(test::Handler handler, ServerOptions options = {}) {
        auto server = test::listen(io_.executor(), std::move(options), std::move(handler), log_);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }

    [[nodiscard]] ConnectOptions to_server() const { return test::to_port(server_->port()); }

    [[nodiscard]] test::RawSocket connected(int receive_buffer = 0) const {
        return test::connect_upgraded(server_->port(), test::authority().device(), receive_buffer);
    }

    NullLogger log_;
    IoThreads io_;  // joins its threads before what they use goes
    std::unique_ptr<WsServer> server_;
};

asio::awaitable<std::vector<Bytes>> exchange(ConnectOptions options, std::vector<Bytes> messages) {
    auto channel = co_await connect(std::move(options));
    if (!channel) throw std::runtime_error(channel.error().message);
    std::vector<Bytes> answers;
    for (const Bytes& message : messages) {
        if (!(*channel)->send(message, Lane::kRecords)) break;
        auto answer = co_await (*channel)->receive();
        if (!answer) break;
        answers.push_back(std::move(*answer));
    }
    co_return answers;
}

asio::awaitable<Error> reason_of_end(ConnectOptions options, std::vector<Bytes> messages) {
    auto channel = co_await connect(std::move(options));
    if (!channel) co_return channel.error();
    for (Bytes& message : messages) {
        if (auto sent = (*channel)->send(std::move(message), Lane::kRecords); !sent)
            co_return sent.error();
    }
    for (;;) {
        auto message = co_await (*channel)->receive();
        if (!message) co_return message.error();
    }
}

TEST_F(ChannelTest, MessagesComeBackWholeFromAnEcho) {
    serve(test::echo);
    const std::vector<Bytes> messages{
        bytes_of("a"), {}, Bytes(100'000, Byte{7}), bytes_of("\0\xff")};
    EXPECT_EQ(io_.run(exchange(to_server(), messages)), messages);
    ConnectOptions by_name = to_server();
    by_name.host = "localhost";
    EXPECT_EQ(io_.run(exchange(by_name, messages)), messages);
}

TEST_F(ChannelTest, ControlOvertakesRecordsAndRecordsOvertakeBlobs) {
    serve([](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        for (const auto& [text, lane] : {std::pair{"b1", Lane::kBlobs},
                                         {"r1", Lane::kRecords},
                                         {"b2", Lane::kBlobs},
                                         {"c1", Lane::kControl},
                                         {"r2", Lane::kRecords},
                                         {"c2", Lane::kControl}}) {
            if (!channel->send(bytes_of(text), lane)) co_return;
        }
        co_await channel->receive();
    });
    const test::RawSocket client = connected();
    ASSERT_TRUE(client.ok());
    for (const char* expected : {"c1", "c2", "r1", "r2", "b1", "b2"}) {
        const auto frame = test::read_frame(client);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->payload, expected);
    }
}

TEST_F(ChannelTest, AMessageOfExactlyTheLimitPassesAndOneByteMoreEndsTheConnection) {
    ServerOptions small;
    small.receive_message_bytes = 5'000;
    const auto server_refused = std::make_shared<std::counting_semaphore<>>(0);
    serve(
        [server_refused](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
            auto message = co_await channel->receive();
            while (message) message = co_await channel->receive();
            if (message.error().code == ErrorCode::kTooLarge) server_refused->release();
        },
        small);
    const test::RawSocket client = connected();
    ASSERT_TRUE(client.write(test::client_frame(test::Opcode::kBinary, std::string(5'000, 'x'))));
    ASSERT_TRUE(client.write(test::client_frame(test::Opcode::kPing, "still there?")));
    const auto pong = test::read_frame(client);
    ASSERT_TRUE(pong);
    EXPECT_EQ(pong->opcode, test::Opcode::kPong);

    for (const std::size_t size :
         {5'001U, 200'000U}) {  // the larger one is refused while it is still being written
        const Error error = io_.run(reason_of_end(to_server(), {Bytes(size, Byte{1})}));
        EXPECT_EQ(error.code, ErrorCode::kTooLarge);
        EXPECT_EQ(error.message, "the other side refused a message as too large");
        EXPECT_TRUE(server_refused->try_acquire_for(std::chrono::seconds(10)));
    }

    ASSERT_TRUE(client.write(test::client_frame(test::Opcode::kBinary, std::string(5'001, 'x'))));
    const auto close = test::read_frame(client);
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1009);
}

TEST_F(ChannelTest, AFrameThatClaimsAHundredMegabytesIsRefusedAtItsHeader) {
    serve(test::echo);
    const test::RawSocket client = connected();
    ASSERT_TRUE(
        client.write(test::client_frame(test::Opcode::kBinary, "", test::Fin::kYes, 100'000'000)));
    const auto close = test::read_frame(client);
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1009);
}

TEST_F(ChannelTest, AMessageInTenThousandFragmentsOfOneByteArrivesWhole) {
    serve(test::echo);
    const test::RawSocket client = connected();
    std::string frames = test::client_frame(test::Opcode::kBinary, "0", test::Fin::kNo);
    std::string expected = "0";
    for (int i = 1; i < 10'000; ++i) {
        const std::string byte(1, static_cast<char>('0' + i % 10));
        expected += byte;
        frames += test::client_frame(
            test::Opcode::kContinuation, byte, i == 9'999 ? test::Fin::kYes : test::Fin::kNo);
    }
    ASSERT_TRUE(client.write(frames));
    const auto answer = test::read_frame(client);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->payload, expected);
}

TEST_F(ChannelTest, TextIsRefusedWith1003) {
    serve(test::echo);
    const test::RawSocket client = connected();
    ASSERT_TRUE(client.write(test::client_frame(test::Opcode::kText, "hello")));
    const auto close = test::read_frame(client);
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1003);
}

struct SlowReaderSeen {
    std::size_t queued_most = 0;
    std::string refusal;
    std::size_t queued_after_drain = 0;
};

TEST_F(ChannelTest, ASlowReaderFillsABoundedQueueAndGetsEveryAcceptedMessageInTheEnd) {
    ServerOptions options;
    options.send.records = {200'000, 1'000};
    std::promise<std::size_t> full;  // and how many messages were accepted by then
    std::promise<SlowReaderSeen> seen;
    serve(
        [&](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
            SlowReaderSeen out;
            std::size_t accepted = 0;
            auto sent = channel->send(Bytes(50'000), Lane::kRecords);
            while (sent) {  // the system's own buffers swallow some megabytes first
                ++accepted;
                out.queued_most = std::max(out.queued_most, channel->queued_bytes());
                co_await asio::post(asio::use_awaitable);
                sent = channel->send(Bytes(50'000), Lane::kRecords);
            }
            out.refusal = sent.error().message;
            full.set_value(accepted);
            co_await channel->drained(1);
            out.queued_after_drain = channel->queued_bytes();
            seen.set_value(out);
            co_await channel->receive();
        },
        options);
    test::RawSocket client = connected(4'096);
    auto is_full = full.get_future();
    const std::size_t accepted = IoThreads::get(is_full);
    // As many as were accepted and not one more: the server may notice later than the reader that
    // its queue is empty, and no further message comes then.
    for (std::size_t i = 0; i < accepted; ++i) {
        const auto frame = test::read_frame(client);
        ASSERT_TRUE(frame) << i << " of " << accepted;
        ASSERT_EQ(frame->payload.size(), 50'000U);
    }
    auto outcome = seen.get_future();
    const SlowReaderSeen result = IoThreads::get(outcome);
    EXPECT_EQ(result.refusal, "queue full");
    EXPECT_LE(result.queued_most, 200'000U);
    EXPECT_EQ(result.queued_after_drain, 0U);
}

TEST_F(ChannelTest, DrainedNeverSleepsThroughTheMomentThereIsRoom) {
    constexpr int kMessages = 3'000;
    ServerOptions options;
    options.send.records = {1'000, 4};
    serve(
        [](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
            for (int i = 0; i < kMessages;) {
                if (channel->send(Bytes(100), Lane::kRecords)) {
                    ++i;
                } else {
                    co_await channel->drained(channel->queued_bytes());
                }
            }
            co_await channel->receive();
        },
        options);
    const auto count = [](ConnectOptions to) -> asio::awaitable<int> {
        auto channel = co_await connect(std::move(to));
        int received = 0;
        while (received < kMessages && co_await (*channel)->receive()) ++received;
        co_return received;
    };
    EXPECT_EQ(io_.run(count(to_server())), kMessages);
}

TEST_F(ChannelTest, APeerThatDiesInTheMiddleOfAMessageEndsReceiveWithAnError) {
    const test::RawListener listener;
    std::thread server([&] {
        test::RawSocket socket = listener.accept();
        ASSERT_TRUE(socket.secure(test::authority().tls()));
        socket.write(test::upgrade_answer(socket.read_head()));
        socket.write(test::server_frame("whole"));
        socket.write(test::server_frame("only a par", 1'000));
    });
    const auto two_messages =
        [](std::uint16_t port) -> asio::awaitable<std::pair<std::size_t, Error>> {
        auto channel = co_await connect(test::to_port(port));
        if (!channel) co_return std::pair{std::size_t{0}, channel.error()};
        auto first = co_await (*channel)->receive();
        auto second = co_await (*channel)->receive();
        co_return std::pair{first ? first->size() : 0, second ? Error{} : second.error()};
    };
    const auto [first_size, error] = io_.run(two_messages(listener.port()));
    server.join();
    EXPECT_EQ(first_size, 5U);
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_TRUE(error.message.starts_with("the connection was lost")) << error.message;
}

TEST_F(ChannelTest, ASilentPeerIsGivenUpAfterTheIdleTime) {
    ServerOptions options;
    options.idle = Millis{200};
    std::promise<Error> seen;
    serve(
        [&seen](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
            auto message = co_await channel->receive();
            seen.set_value(message ? Error{} : message.error());
        },
        options);
    const test::RawSocket client = connected();
    const auto ping = test::read_frame(client);  // and no pong
    ASSERT_TRUE(ping);
    EXPECT_EQ(ping->opcode, test::Opcode::kPing);
    auto outcome = seen.get_future();
    const Error error = IoThreads::get(outcome);
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_EQ(error.message, "the other side has been silent for too long");
}

TEST_F(ChannelTest, AnIdlePeerThatAnswersPingsIsKeptThoughNobodyReceives) {
    ServerOptions options;
    options.idle = Millis{200};
    std::promise<bool> seen;
    serve(
        [&seen](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
            asio::steady_timer longer(co_await asio::this_coro::executor, Millis{700});
            co_await longer.async_wait(asio::use_awaitable);
            seen.set_value(channel->send(bytes_of("x"), Lane::kControl).has_value());
            co_await channel->receive();
        },
        options);
    const auto one_message = [](ConnectOptions to) -> asio::awaitable<bool> {
        auto channel = co_await connect(std::move(to));
        auto message = co_await (*channel)->receive();
        co_return message.has_value();
    };
    EXPECT_TRUE(io_.run(one_message(to_server())));
    auto outcome = seen.get_future();
    EXPECT_TRUE(IoThreads::get(outcome));
}

TEST_F(ChannelTest, TheControlLaneStillGoesOutAfterClose) {
    serve([](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        const bool queued = channel->send(bytes_of("record"), Lane::kRecords) &&
                            channel->send(bytes_of("bye"), Lane::kControl);
        channel->close(CloseReason::kPolicyViolation);
        if (queued && channel->send(bytes_of("late"), Lane::kControl))
            throw std::logic_error("sent after close");
        co_return;
    });
    const test::RawSocket client = connected();
    const auto bye = test::read_frame(client);
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->payload, "bye");
    const auto close = test::read_frame(client);
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1008);
}

TEST_F(ChannelTest, LettingGoOfTheLastPointerClosesTheConnection) {
    std::promise<Error> seen;
    serve([&seen](std::shared_ptr<Channel> channel) -> asio::awaitable<void> {
        auto message = co_await channel->receive();
        seen.set_value(message ? Error{} : message.error());
    });
    const auto connect_and_drop = [](ConnectOptions to) -> asio::awaitable<bool> {
        const auto channel = co_await connect(std::move(to));
        co_return channel.has_value();
    };
    EXPECT_TRUE(io_.run(connect_and_drop(to_server())));
    auto outcome = seen.get_future();
    EXPECT_EQ(IoThreads::get(outcome).message, "the other side closed the connection (1000)");
}

TEST_F(ChannelTest, BytesAreCountedBothWays) {
    serve(test::echo);
    const auto counts =
        [](ConnectOptions to) -> asio::awaitable<std::pair<std::uint64_t, std::uint64_t>> {
        auto channel = co_await connect(std::move(to));
        if (!(*channel)->send(Bytes(1'234), Lane::kRecords)) co_return std::pair{0, 0};
        co_await (*channel)->receive();
        co_await (*channel)->drained(1);
        co_return std::pair{(*channel)->sent_bytes(), (*channel)->received_bytes()};
    };
    EXPECT_EQ(io_.run(counts(to_server())),
              (std::pair<std::uint64_t, std::uint64_t>{1'234, 1'234}));
}

}  // namespace
}  // namespace streetlog::net
