#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streetlog::net {

namespace asio = boost::asio;

/// What a coroutine awaits until a condition may have changed:
///     while (!condition) co_await wake.wait();
/// No wake-up is lost as long as the condition is read and changed on the one strand of `executor`,
/// because nothing else runs there between the test and the wait. A timer that never expires
/// carries it: Asio 1.26's channels lose items when a receive loses to a timer.
class Wake {
  public:
    explicit Wake(const asio::any_io_executor& executor)
        : timer_(executor, asio::steady_timer::time_point::max()) {}

    /// Returns after notify_all(). When the coroutine is cancelled meanwhile it returns too, and
    /// the next co_await throws operation_aborted, so a waiting loop ends.
    [[nodiscard]] asio::awaitable<void> wait() {
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    void notify_all() { timer_.cancel(); }

  private:
    asio::steady_timer timer_;
};

}  // namespace streetlog::net
