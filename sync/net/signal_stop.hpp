#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/signal_set.hpp>

namespace streetlog::net {

namespace asio = boost::asio;

/// Calls `stop` once, on the executor, at the first SIGINT or SIGTERM. After that the signals have
/// their usual effect, so a second one ends a program that does not come to its end. Destroyed on
/// the executor, or after it has stopped running.
class SignalStop {
  public:
    SignalStop(const asio::any_io_executor& executor, std::function<void()> stop);

  private:
    asio::signal_set signals_;
};

}  // namespace streetlog::net
