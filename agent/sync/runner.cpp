#include "agent/sync/runner.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "sync/net/beast_client.hpp"

namespace streetlog::agent {
namespace {

constexpr std::uint32_t kBundle = 1;
/// Own records stamped with their receipts in one step; a Save never waits longer than such a step.
constexpr std::size_t kStampStep = 2'000;

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
    co_return co_await session(Until::kCaughtUp);
}

net::asio::awaitable<void> SyncRunner::keep() {
    while (!stopping_) {
        const auto outcome = co_await session(Until::kStopped);
        if (stopping_) break;
        if (std::exchange(anew_, false)) continue;
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
    live_->on_timer(witness_.witness(clock_.read()));
    act_now();
}

void SyncRunner::act_now() {
    Result<void> outcome;
    if (channel_ && !act(*live_, *channel_, outcome)) channel_->close(net::CloseReason::kNormal);
    note_step(*live_);
}

void SyncRunner::stop() {
    stopping_ = true;
    if (live_ != nullptr) live_->stop();
    if (channel_) channel_->close(net::CloseReason::kNormal);
    if (sleeping_) sleeping_->cancel();
}

void SyncRunner::note_step(const sync::AgentSession& session) {
    state_.in_step = compared_ && session.all_acked() && session.caught_up();
}

net::asio::awaitable<void> SyncRunner::pause() {
    sleeping_ = std::make_unique<net::asio::steady_timer>(co_await net::asio::this_coro::executor,
                                                          next_try_);
    co_await sleeping_->async_wait(net::asio::as_tuple(net::asio::use_awaitable));
    sleeping_.reset();
}

net::asio::awaitable<Result<void>> SyncRunner::session(Until until) {
    state_.phase = SyncState::Phase::kConnecting;
    state_.in_step = false;
    compared_ = false;
    ++state_.attempts;
    retry_after_.reset();
    net::ConnectOptions connect;
    connect.host = options_.host;
    connect.port = options_.port;
    auto connected = co_await net::connect(connect);
    if (!connected) co_return std::unexpected(connected.error());
    channel_ = *std::move(connected);
    const auto channel = channel_;

    sync::AgentSessionConfig config;
    config.secret = options_.secret;
    config.bundle = kBundle;
    config.app_version = options_.app_version;
    config.scopes = options_.scopes;
    sync::AgentSession session{store_.log(), config};
    live_ = &session;
    Result<void> outcome = fail(ErrorCode::kUnavailable, "the hub closed the connection");
    while (!session.done()) {
        auto message = co_await channel->receive();
        if (!message) {
            session.on_closed();
            outcome = std::unexpected(message.error());
        } else {
            session.on_message(*message, witness_.witness(clock_.read()));
            // What came while the last step was being stored is taken in one: one transaction.
            while (!session.done() && channel->waiting() > 0) {
                message = co_await channel->receive();
                if (!message) break;
                session.on_message(*message, witness_.witness(clock_.read()));
            }
        }
        if (!act(session, *channel, outcome)) break;
        note_step(session);
        if (until == Until::kCaughtUp && state_.in_step) {
            outcome = {};
            session.stop();
            static_cast<void>(act(session, *channel, outcome));
            outcome = {};
            break;
        }
    }
    live_ = nullptr;
    state_.in_step = false;
    channel_.reset();
    channel->close(net::CloseReason::kNormal);
    while (!store_.fully_stamped()) {
        auto stamped = store_.stamp_receipts(kStampStep);
        if (!stamped) co_return std::unexpected(stamped.error());
    }
    store_.checkpoint();
    co_return outcome;
}

bool SyncRunner::act(sync::AgentSession& session, net::Channel& channel, Result<void>& outcome) {
    const auto give_up = [&](const Error& error) {
        outcome = std::unexpected(error);
        return false;
    };
    for (auto actions = session.take_actions(); !actions.empty();
         actions = session.take_actions()) {
        for (auto& action : actions) {
            if (auto* send = std::get_if<sync::Send>(&action)) {
                if (auto sent = channel.send(std::move(send->bytes), lane_of(send->lane)); !sent)
                    return give_up(sent.error());
            } else if (const auto* ready = std::get_if<sync::SessionReady>(&action)) {
                state_.phase = SyncState::Phase::kLive;
                state_.problem.clear();
                state_.needs_a_person = false;
                state_.last_contact = ready->ack.hub_time;
                ++state_.sessions;
                backoff_.reset();
                next_try_ = {};
            } else if (const auto* ack = std::get_if<sync::StoreAck>(&action)) {
                if (auto stored = store_.store_ack(ack->ack); !stored)
                    return give_up(stored.error());
            } else if (auto* page = std::get_if<sync::ApplyPage>(&action)) {
                if (auto applied = store_.apply_page(page->page, clock_.now()); !applied)
                    return give_up(applied.error());
                session.on_page_stored(page->page.scope);
            } else if (const auto* anchor = std::get_if<sync::SetAnchor>(&action)) {
                compared_ = true;
                if (witness_.learn(anchor->probes, clock_.read())) {
                    if (auto kept = store_.set_anchor(*witness_.anchor()); !kept)
                        return give_up(kept.error());
                }
            } else if (const auto* retry = std::get_if<sync::Retry>(&action)) {
                retry_after_ = retry->after;
                return give_up({ErrorCode::kUnavailable, retry->reason, {}});
            } else if (auto* fatal = std::get_if<sync::Fatal>(&action)) {
                state_.needs_a_person = true;
                return give_up(fatal->error);
            } else if (const auto* notice = std::get_if<sync::Notice>(&action)) {
                log_.event(
                    LogLevel::kWarning, "sync_notice", {{"code", static_cast<int>(notice->code)}});
            }
        }
    }
    return true;
}

}  // namespace streetlog::agent
