#include "sync/net/signal_stop.hpp"

#include <csignal>

namespace streetlog::net {

SignalStop::SignalStop(const asio::any_io_executor& executor, std::function<void()> stop)
    : signals_(executor, SIGINT, SIGTERM) {
    signals_.async_wait(
        [this, stop = std::move(stop)](const boost::system::error_code& error, int) {
            if (error) return;  // destroyed first
            signals_.clear();
            stop();
        });
}

}  // namespace streetlog::net
