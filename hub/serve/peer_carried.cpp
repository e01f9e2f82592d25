#include <utility>

#include "hub/serve/device_peer.hpp"

// The part of DevicePeer that takes what its device carries for others.
namespace streetlog::hub {

void DevicePeer::look_for(const sync::CarryOffer& offer) {
    carry([offer, intake = sides_.carried](Ledger& l) { return intake->offered(l, offer); },
          offer.digest);
}

void DevicePeer::keep_carried(sync::KeepCarried keep) {
    const auto digest = keep.piece.digest;
    carry([piece = std::move(keep.piece),
           intake = sides_.carried](Ledger& l) { return intake->piece(l, piece); },
          digest);
}

void DevicePeer::carry(std::function<Result<CarriedIntake::Answer>(Ledger&)> step,
                       const sync::Hash& digest) {
    const auto answer = std::make_shared<CarriedIntake::Answer>();
    port_.write(
        [step = std::move(step), answer](Ledger& ledger) -> Result<void> {
            STREETLOG_TRY(*answer, step(ledger));
            return {};
        },
        [this, answer, digest](const Result<void>& done) {
            if (done)
                on_carried(*answer, digest);
            else
                session_.on_commit_failed(sync::WireCode::kInternal, Millis{5'000});
            act();
        });
}

/// Goes on to the end even when the device is gone meanwhile: received is when it was whole.
void DevicePeer::on_carried(const CarriedIntake::Answer& answer, const sync::Hash& digest) {
    if (!answer)
        return carry(
            [digest, intake = sides_.carried](Ledger& l) { return intake->take(l, digest); },
            digest);
    if (answer->outcome != sync::CarryOutcome::kGoesOn)
        sides_.log.event(LogLevel::kInfo,
                         "carried_bundle",
                         {{"device", session_.replica().device},
                          {"outcome", static_cast<int>(answer->outcome)}});
    session_.on_carry_answer(*answer);
}

}  // namespace streetlog::hub
