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
#include "tests/support/trust.hpp"

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

using Handler = std::function<asio::awaitable<void>(std::shared_ptr<net::Channel>)>;

/// One deployment for all tests that are not about trust.
inline TestAuthority& authority() {
    static TestAuthority one;
    return one;
}

inline Result<std::unique_ptr<net::WsServer>> listen(const asio::any_io_executor& executor,
                                                     net::ServerOptions options,
                                                     Handler handler,
                                                     Logger& log) {
    net::WsServer::Handlers handlers;
    handlers.sync = [handler = std::move(handler)](std::shared_ptr<net::Channel> channel,
                                                   net::Peer) {
        return handler(std::move(channel));
    };
    handlers.trust = [](std::string question,
                        std::optional<net::Peer>) -> asio::awaitable<std::string> {
        co_return question;
    };
    return net::WsServer::listen(
        executor, std::move(options), authority().tls(), std::move(handlers), log);
}

/// How a device of that deployment reaches it.
inline net::ConnectOptions to_port(std::uint16_t port) {
    net::ConnectOptions out;
    out.host = "127.0.0.1";
    out.port = port;
    out.credentials = authority().device();
    return out;
}

/// Sends every message back until the connection ends.
inline asio::awaitable<void> echo(std::shared_ptr<net::Channel> channel) {
    for (;;) {
        auto message = co_await channel->receive();
        if (!message) co_return;
        if (!channel->send(std::move(*message), net::Lane::kRecords)) co_return;
    }
}

}  // namespace streetlog::test
