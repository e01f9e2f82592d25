#pragma once

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include "schema/log.hpp"
#include "sync/net/beast_client.hpp"
#include "sync/net/beast_server.hpp"

namespace streetlog::test {

namespace asio = boost::asio;

/// An io_context with two threads, so that what needs a strand and lacks one shows under
/// ThreadSanitizer.
class IoThreads {
  public:
    IoThreads() : work_(asio::make_work_guard(context_)) {
        for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { context_.run(); });
    }

    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    ~IoThreads() {
        context_.stop();
        for (std::thread& thread : threads_) thread.join();
    }

    [[nodiscard]] asio::io_context::executor_type executor() { return context_.get_executor(); }

    /// Runs `coroutine` on a strand of its own and returns its result; throws when that takes over
    /// twenty seconds.
    template <class T>
    T run(asio::awaitable<T> coroutine) {
        auto future =
            asio::co_spawn(asio::make_strand(context_), std::move(coroutine), asio::use_future);
        return get(future);
    }

    template <class T>
    static T get(std::future<T>& future) {
        if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
            throw std::runtime_error("waited in vain");
        }
        return future.get();
    }

  private:
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

inline sync::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// Sends every message back until the connection ends.
inline asio::awaitable<void> echo(std::shared_ptr<net::Channel> channel) {
    for (;;) {
        auto message = co_await channel->receive();
        if (!message) co_return;
        if (!channel->send(std::move(*message), net::Lane::kRecords)) co_return;
    }
}

}  // namespace streetlog::test
