#pragma once

#include <memory>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streetlog::hub {

/// Has `post` take a job to another thread, and comes back with what that gives to the function it
/// is handed, on the caller's executor.
template <class Answer, class Post>
boost::asio::awaitable<Answer> elsewhere(Post post) {
    namespace asio = boost::asio;
    const auto executor = co_await asio::this_coro::executor;
    auto start = [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        post([executor, shared](Answer answer) {
            asio::post(executor, [shared, answer = std::move(answer)]() mutable {
                (*shared)(std::move(answer));
            });
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(
        start, asio::use_awaitable);
}

}  // namespace streetlog::hub
