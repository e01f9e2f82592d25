#include "sync/net/signal_stop.hpp"

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

TEST(SignalStop, EitherSignalCallsStopOnceAndThenHasItsUsualEffect) {
    for (const int signal : {SIGINT, SIGTERM}) {
        asio::io_context context;
        int stops = 0;
        const SignalStop stop(context.get_executor(), [&stops] { ++stops; });
        ASSERT_EQ(std::raise(signal), 0);
        context.run();  // returns because nothing waits any more
        EXPECT_EQ(stops, 1);
        struct sigaction now{};
        ASSERT_EQ(sigaction(signal, nullptr, &now), 0);
        EXPECT_EQ(now.sa_handler, SIG_DFL);
    }
}

TEST(SignalStop, NothingIsCalledWithoutASignal) {
    asio::io_context context;
    int stops = 0;
    {
        const SignalStop stop(context.get_executor(), [&stops] { ++stops; });
    }
    context.run();
    EXPECT_EQ(stops, 0);
}

}  // namespace
}  // namespace streetlog::net
