#include <utility>

#include "sync/session/bundle.hpp"
#include "sync/session/hub_session.hpp"

// The part of HubSession that takes bundles which a device carries for another one.
namespace streetlog::sync {

void HubSession::on_carry_offer(const CarryOffer& m) {
    if ((config_.features & kFeatureCarry) == 0)
        return close(WireCode::kProtocolViolation, "CarryOffer to a hub that takes none");
    if (carried_due_ || m.digest == Hash{} || m.bytes == 0)
        return close(WireCode::kProtocolViolation, "CarryOffer out of turn, or of nothing");
    carried_ = m;
    carried_have_ = 0;
    carried_due_ = true;
    if (m.bytes > kBundleBytesMax)
        return on_carry_answer(
            {m.digest, 0, CarryOutcome::kRefused, "it is too large for a bundle"});
    actions_.emplace_back(LookForCarried{m});
}

/// One piece at a time, so that what a device may make the hub hold is one message.
void HubSession::on_carry_piece(CarryPiece m) {
    if (carried_due_ || carried_.bytes == 0 || m.digest != carried_.digest ||
        m.offset != carried_have_)
        return close(WireCode::kProtocolViolation, "CarryPiece that was not asked for");
    if (m.body.empty() || m.body.size() > kCarryPieceBytesMax ||
        m.body.size() > carried_.bytes - m.offset)
        return close(WireCode::kProtocolViolation, "CarryPiece over its limits");
    carried_due_ = true;
    actions_.emplace_back(KeepCarried{std::move(m)});
}

void HubSession::on_carry_answer(CarryAnswer answer) {
    if (state_ != State::kLive || !carried_due_ || answer.digest != carried_.digest) return;
    carried_due_ = false;
    carried_have_ = answer.have;
    if (answer.outcome != CarryOutcome::kGoesOn) carried_ = {};
    small_left_ += 2;  // it answers a message that was counted
    send(answer, SendLane::kControl);
}

}  // namespace streetlog::sync
