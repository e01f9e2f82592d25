#include <utility>

#include "sync/session/agent_session.hpp"

// The part of AgentSession that hands over bundles of other devices: one at a time, one piece under
// way, on the lowest lane. Whatever is wrong with one of them stands in the way of nothing else.
namespace streetlog::sync {
namespace {

/// Answers in a row by which the hub has no more than before; then it is left to another session.
constexpr int kStandstillsMax = 3;

}  // namespace

bool AgentSession::carried() const {
    return state_ == State::kLive && may_push_ && (!hub_takes_carried() || !carrying_);
}

/// Offers the next bundle that the hub has not answered for.
void AgentSession::carry_on() {
    if (state_ != State::kLive || !may_push_ || carrying_ || !hub_takes_carried()) return;
    auto next = log_.next_carried({});
    while (next && *next && answered_.contains((*next)->digest))
        next = log_.next_carried((*next)->digest);
    if (!next) return fatal(WireCode::kInternal, std::move(next).error());
    if (!*next) return;
    carrying_ = Carrying{**next};
    send(CarryOffer{carrying_->bundle.digest, carrying_->bundle.bytes}, SendLane::kBlobs);
}

void AgentSession::on_carry_answer(CarryAnswer m) {
    if (!carrying_ || m.digest != carrying_->bundle.digest)
        return violation("CarryAnswer to nothing that was offered");
    Carrying& c = *carrying_;
    if (c.under_way > 0) carry_pace_.observe(c.under_way, *now_ms_ - std::min(c.sent_ms, *now_ms_));
    if (m.outcome != CarryOutcome::kGoesOn) return settle_carried(std::move(m));
    if (m.have >= c.bundle.bytes) return violation("CarryAnswer that wants more than there is");
    // Less than before: the hub had to make room. More: another device brings the same.
    c.standstills = m.have > c.have || c.under_way == 0 ? 0 : c.standstills + 1;
    c.have = m.have;
    if (c.standstills >= kStandstillsMax) {
        m.outcome = CarryOutcome::kWaits;
        m.detail = "the hub does not keep what it is sent";
        return settle_carried(std::move(m));
    }
    send_carried();
}

void AgentSession::send_carried() {
    Carrying& c = *carrying_;
    auto body =
        log_.read_carried(c.bundle.digest, c.have, carry_pace_.bytes(config_.carry_bytes_max));
    if (!body)
        return settle_carried({c.bundle.digest,
                               c.have,
                               CarryOutcome::kRefused,
                               "it cannot be read from this device's disk"});
    c.under_way = body->size();
    c.sent_ms = now_ms_.value_or(0);
    send(CarryPiece{c.bundle.digest, c.have, *std::move(body)}, SendLane::kBlobs);
}

void AgentSession::settle_carried(CarryAnswer answer) {
    answered_.insert(answer.digest);
    carrying_.reset();
    actions_.emplace_back(SettleCarried{std::move(answer)});
    carry_on();
}

}  // namespace streetlog::sync
