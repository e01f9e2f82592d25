#include "hub/ingest/carried_intake.hpp"

#include <algorithm>

#include "sync/store/hub_carried.hpp"

namespace streetlog::hub {
namespace {

using sync::CarryOutcome;

template <class Job>
auto in_one(Ledger& ledger, Job&& job) -> decltype(job(std::declval<store::HubCarried&>())) {
    return store::guarded_job([&]() -> decltype(job(std::declval<store::HubCarried&>())) {
        store::Txn txn{ledger.log().db()};
        store::HubCarried carried{ledger.log().db()};
        auto out = job(carried);
        if (out) txn.commit();
        return out;
    });
}

/// What becomes of a bundle that cannot be taken; nothing when it is this hub that failed.
std::optional<CarryOutcome> outcome_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kNotFound:     // records before these have not come yet
        case ErrorCode::kUnavailable:  // the office does not let the device in
            return CarryOutcome::kWaits;
        case ErrorCode::kMalformed:
        case ErrorCode::kNotPermitted:
        case ErrorCode::kConflict:
        case ErrorCode::kUnsupported:
            return CarryOutcome::kRefused;
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<CarriedIntake::Answer> CarriedIntake::offered(Ledger& ledger,
                                                     const sync::CarryOffer& offer) {
    answers_.erase(offer.digest);  // of a session that ended before it had it
    return in_one(ledger, [&](store::HubCarried& carried) -> Result<Answer> {
        const auto here = carried.find(offer.digest);
        if (!here) carried.begin(offer, ledger.now());
        const auto have = here.value_or(store::CarriedAtHub{}).have;
        if (here && here->taken)
            return sync::CarryAnswer{offer.digest, have, CarryOutcome::kTaken, {}};
        if (here && here->have == here->bytes) return std::nullopt;
        return sync::CarryAnswer{offer.digest, have, CarryOutcome::kGoesOn, {}};
    });
}

Result<CarriedIntake::Answer> CarriedIntake::piece(Ledger& ledger, const sync::CarryPiece& piece) {
    return in_one(ledger, [&](store::HubCarried& carried) -> Result<Answer> {
        auto here = carried.find(piece.digest);
        // Another device that brings the same may have got further, or it had to make room.
        if (here && !here->taken && here->have == piece.offset &&
            piece.body.size() <= here->bytes - here->have) {
            carried.add(piece, ledger.now(), bytes_max_);
            here->have += piece.body.size();
        }
        if (!here)
            return sync::CarryAnswer{
                piece.digest, 0, CarryOutcome::kWaits, "the hub had to make room for others"};
        if (here->taken)
            return sync::CarryAnswer{piece.digest, here->have, CarryOutcome::kTaken, {}};
        if (here->have == here->bytes) return std::nullopt;
        return sync::CarryAnswer{piece.digest, here->have, CarryOutcome::kGoesOn, {}};
    });
}

Result<CarriedIntake::Answer> CarriedIntake::take(Ledger& ledger, const sync::Hash& digest) {
    if (!answers_.contains(digest) && std::ranges::find(line_, digest) == line_.end())
        line_.push_back(digest);
    if (!answers_.contains(digest)) STREETLOG_CHECK(take_some(ledger));
    const auto answer = answers_.find(digest);
    if (answer == answers_.end()) return std::nullopt;
    return answers_.extract(answer).mapped();
}

Result<void> CarriedIntake::take_some(Ledger& ledger) {
    const bool all = open_ && open_->next == open_->bundle.pushes.size();
    if (all) return settle(ledger, {line_.front(), 0, CarryOutcome::kTaken, {}});
    auto done = open_ ? take_next(ledger) : open_first(ledger);
    if (done) return done;
    const auto outcome = outcome_of(done.error().code);
    if (!outcome) return done;
    // What waits stays, for the carrier need not send it again; what never will be taken goes.
    return settle(ledger, {line_.front(), 0, *outcome, done.error().message});
}

Result<void> CarriedIntake::open_first(Ledger& ledger) {
    return store::guarded_job([&]() -> Result<void> {
        store::HubCarried carried{ledger.log().db()};
        const auto here = carried.find(line_.front());
        if (!here || here->have != here->bytes)
            return fail(ErrorCode::kUnavailable, "the hub had to make room for others");
        const auto bytes = carried.bytes_of(line_.front());
        if (sync::sha256(bytes) != line_.front())
            return fail(ErrorCode::kMalformed, "it was altered on its way");
        STREETLOG_TRY(auto bundle, open_bundle(ledger, bytes));
        open_ = Open{std::move(bundle)};
        return {};
    });
}

Result<void> CarriedIntake::take_next(Ledger& ledger) {
    BundleIntake said;  // to nobody here: the device hears of it in its own next session
    STREETLOG_CHECK(take_batch(ledger, open_->bundle, open_->next, said));
    ++open_->next;
    return {};
}

Result<void> CarriedIntake::settle(Ledger& ledger, sync::CarryAnswer answer) {
    const auto settled = in_one(ledger, [&](store::HubCarried& carried) -> Result<void> {
        if (answer.outcome == CarryOutcome::kTaken) carried.taken(answer.digest, ledger.now());
        if (answer.outcome == CarryOutcome::kRefused) carried.drop(answer.digest);
        return {};
    });
    open_.reset();
    line_.pop_front();
    if (settled) answers_.insert_or_assign(answer.digest, std::move(answer));
    return settled;
}

}  // namespace streetlog::hub
