#include "hub/serve/connection.hpp"

#include <chrono>

#include <boost/asio/post.hpp>

namespace streetlog::hub {
namespace {

/// A Hello is a few hundred bytes: enough for the slowest link.
constexpr std::chrono::seconds kHelloWithin{15};

net::Lane lane_of(sync::SendLane lane) {
    switch (lane) {
        case sync::SendLane::kControl:
            return net::Lane::kControl;
        case sync::SendLane::kRecords:
            return net::Lane::kRecords;
        case sync::SendLane::kBlobs:
            return net::Lane::kBlobs;
    }
    return net::Lane::kBlobs;
}

}  // namespace

Connection::Connection(Shared& shared,
                       std::shared_ptr<net::Channel> channel,
                       const net::Peer& who,
                       const net::asio::any_io_executor& executor)
    : shared_(shared),
      channel_(std::move(channel)),
      who_(who),
      executor_(executor),
      hello_due_(executor),
      peer_(shared.sides, *this, who) {}

net::asio::awaitable<void> Connection::run() {
    const auto self = shared_from_this();
    peer_.start();
    expect_hello();
    while (!peer_.done()) {
        auto message = co_await channel_->receive();
        if (!message) break;
        peer_.on_message(*message);
    }
    hello_due_.cancel();
    peer_.on_closed();
    channel_->close(net::CloseReason::kNormal);
}

void Connection::expect_hello() {
    hello_due_.expires_after(kHelloWithin);
    hello_due_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled && self->peer_.awaits_hello())
            self->channel_->close(net::CloseReason::kPolicyViolation);
    });
}

void Connection::feed(HubSeq head) {
    net::asio::post(executor_, [self = shared_from_this(), head] { self->peer_.on_feed(head); });
}

void Connection::projected(HubSeq at) {
    net::asio::post(executor_, [self = shared_from_this(), at] { self->peer_.on_projected(at); });
}

void Connection::snapshot() {
    net::asio::post(executor_, [self = shared_from_this()] { self->peer_.on_snapshot(); });
}

void Connection::close(sync::WireCode code, std::string detail) {
    net::asio::post(executor_,
                    [self = shared_from_this(), code, detail = std::move(detail)]() mutable {
                        self->peer_.refuse(code, Millis{5'000}, std::move(detail));
                    });
}

void Connection::send(sync::Send&& message) {
    // Credit bounds what a session may send, so a full lane means a peer that does not read: end
    // it.
    if (!channel_->send(std::move(message.bytes), lane_of(message.lane)))
        channel_->close(net::CloseReason::kTryAgainLater);
}

void Connection::close() { channel_->close(net::CloseReason::kNormal); }

void Connection::submit(PreparedRun run, Writer::Done done) {
    auto back = [self = shared_from_this(),
                 done = std::move(done)](Result<IngestResult> result) mutable {
        net::asio::post(self->executor_,
                        [self, done = std::move(done), result = std::move(result)]() mutable {
                            done(std::move(result));
                        });
    };
    shared_.writer.submit(std::move(run), std::move(back));
}

void Connection::write(std::function<Result<void>(Ledger&)> job,
                       std::function<void(Result<void>)> done) {
    shared_.writer.post(
        [self = shared_from_this(), job = std::move(job), done = std::move(done)](Ledger& ledger) {
            net::asio::post(self->executor_, [self, done, result = job(ledger)] { done(result); });
        });
}

bool Connection::pressed() const { return shared_.writer.pressed(); }

}  // namespace streetlog::hub
