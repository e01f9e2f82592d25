#include "agent/sync/runner.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "sync/net/beast_client.hpp"

namespace streetlog::agent {
namespace {

constexpr std::uint32_t kBundle = 1;

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

SyncRunner::SyncRunner(store::AgentStore& store,
                       sync::ClockWitness& witness,
                       Clock& clock,
                       Random& random,
                       Logger& log,
                       RunnerOptions options)
    : store_(store),
      witness_(witness),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      backoff_(random) {}

net::asio::awaitable<Result<void>> SyncRunner::once() {
    for (;;) {
        auto outcome = co_await session(Until::kCaughtUp);
        if (!goes_on_at_once()) co_return outcome;
    }
}

/// The last session set something right for the next. Not for ever: else a fault on either side
/// would keep both busy.
bool SyncRunner::goes_on_at_once() const {
    constexpr std::uint32_t kInARow = 6;
    return again_ > 0 && again_ <= kInARow && !stopping_;
}

net::asio::awaitable<void> SyncRunner::keep() {
    while (!stopping_) {
        const auto outcome = co_await session(Until::kStopped);
        if (stopping_) break;
        if (std::exchange(anew_, false) || goes_on_at_once()) continue;
        state_.phase = SyncState::Phase::kWaiting;
        const auto now = net::asio::steady_timer::clock_type::now();
        if (next_try_ <= now) {
            const bool told = retry_after_ && retry_after_->count() > 0;
            next_try_ = now + (told ? *retry_after_ : backoff_.next());
        }
        if (!outcome) {
            state_.problem = outcome.error().message;
            log_.event(LogLevel::kInfo,
                       "sync_waits",
                       {{"code", outcome.error().code},
                        {"for", std::chrono::duration_cast<Millis>(next_try_ - now)}});
        }
        co_await pause();
    }
    state_.phase = SyncState::Phase::kStopped;
}

void SyncRunner::nudge() {
    if (live_ != nullptr) {
        live_->on_saved();
        act_now();
    } else if (sleeping_) {
        sleeping_->cancel();
    }
}

void SyncRunner::begin_anew() {
    if (live_ != nullptr) {
        anew_ = true;
        live_->stop();
        act_now();
        channel_->close(net::CloseReason::kNormal);
    } else if (sleeping_) {
        sleeping_->cancel();
    }
}

void SyncRunner::on_timer() {
    if (live_ == nullptr) return;
    live_->on_timer();
    act_now();
}

void SyncRunner::act_now() {
    if (!act() && channel_) channel_->close(net::CloseReason::kNormal);
}

bool SyncRunner::act() {
    const bool knew = live_->let_in().has_value();
    const bool going_on = live_->act();
    if (!knew && live_->let_in()) {
        state_.phase = SyncState::Phase::kLive;
        state_.problem.clear();
        state_.needs_a_person = false;
        state_.last_contact = live_->let_in()->hub_time;
        state_.custody_only = live_->let_in()->verdict == sync::HelloVerdict::kCustodyOnly;
        ++state_.sessions;
        backoff_.reset();
        next_try_ = {};
    }
    if (live_->needs_a_person()) state_.needs_a_person = true;
    if (live_->retry_after()) retry_after_ = live_->retry_after();
    state_.in_step = going_on && live_->in_step();
    return going_on;
}

void SyncRunner::stop() {
    stopping_ = true;
    if (live_ != nullptr) live_->stop();
    if (channel_) channel_->close(net::CloseReason::kNormal);
    if (sleeping_) sleeping_->cancel();
}

net::asio::awaitable<void> SyncRunner::pause() {
    sleeping_ = std::make_unique<net::asio::steady_timer>(co_await net::asio::this_coro::executor,
                                                          next_try_);
    co_await sleeping_->async_wait(net::asio::as_tuple(net::asio::use_awaitable));
    sleeping_.reset();
}

net::asio::awaitable<Result<std::shared_ptr<net::Channel>>> SyncRunner::connect() {
    auto credentials = co_await options_.credentials();
    if (!credentials) co_return std::unexpected(std::move(credentials).error());
    net::ConnectOptions connect;
    connect.host = options_.host;
    connect.port = options_.port;
    key_ = credentials->key;
    connect.credentials = *std::move(credentials);
    co_return co_await net::connect(std::move(connect));
}

net::asio::awaitable<void> SyncRunner::others() {
    co_await net::asio::post(co_await net::asio::this_coro::executor, net::asio::use_awaitable);
}

net::asio::awaitable<Result<void>> SyncRunner::finish_work() {
    while (store_.bootstrap_due()) {
        if (auto stepped = store_.bootstrap_step(); !stepped)
            co_return std::unexpected(std::move(stepped).error());
        co_await others();
    }
    co_return Result<void>{};
}

net::asio::awaitable<Result<void>> SyncRunner::session(Until until) {
    state_.phase = SyncState::Phase::kConnecting;
    state_.in_step = false;
    ++state_.attempts;
    retry_after_.reset();
    if (auto worked = co_await finish_work(); !worked) co_return worked;
    auto connected = co_await connect();
    if (!connected) {
        // It stays like that until somebody acts; looking now and then does no harm.
        state_.needs_a_person = connected.error().code == ErrorCode::kNotPermitted;
        co_return std::unexpected(connected.error());
    }
    channel_ = *std::move(connected);
    const auto channel = channel_;

    sync::AgentSessionConfig config;
    config.bundle = kBundle;
    config.app_version = options_.app_version;
    config.reads = options_.reads;
    config.features |= sync::kFeatureIndex;
    if (store_.loads_snapshots()) config.features |= sync::kFeatureSnapshots;
    config.key = key_;
    if (const auto& key = store_.settings().hub_key; key != sync::PublicKey{}) config.hub_key = key;
    const DeviceSession::SendTo send = [&channel](sync::Send&& out) {
        return channel->send(std::move(out.bytes), lane_of(out.lane));
    };
    DeviceSession session{
        {store_, witness_, clock_, log_}, config, send, DeviceSession::Work::kInSteps};
    live_ = &session;
    bool reached = false;
    while (!session.done() && !reached) {
        if (session.work_due()) {
            if (!session.work()) break;
            co_await others();
            if (channel->waiting() == 0) {
                if (!act()) break;
                reached = until == Until::kCaughtUp && state_.in_step;
                continue;
            }
        }
        auto message = co_await channel->receive();
        if (!message) {
            session.on_closed(message.error());
        } else {
            session.on_message(*message);
            // What came while the last step was being stored is taken in one: one transaction.
            while (!session.done() && channel->waiting() > 0) {
                message = co_await channel->receive();
                if (!message) break;
                session.on_message(*message);
            }
        }
        if (!act()) break;
        reached = until == Until::kCaughtUp && state_.in_step;
    }
    if (reached) {
        session.stop();
        static_cast<void>(session.act());
    }
    live_ = nullptr;
    again_ = session.again_at_once() ? again_ + 1 : 0;
    state_.in_step = false;
    channel_.reset();
    channel->close(net::CloseReason::kNormal);
    if (auto worked = co_await finish_work(); !worked) co_return worked;
    if (auto settled = session.settle(); !settled) co_return settled;
    if (reached) co_return Result<void>{};
    if (!session.outcome()) co_return session.outcome();
    co_return fail(ErrorCode::kUnavailable, "the hub closed the connection");
}

}  // namespace streetlog::agent
