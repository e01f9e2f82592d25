#include "agent/sync/device_session.hpp"

#include <algorithm>
#include <utility>

namespace streetlog::agent {
namespace {

/// Own records stamped with their receipts in one step; a Save never waits longer than such a step.
constexpr std::size_t kStampStep = 2'000;

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

}  // namespace

DeviceSession::DeviceSession(const Sides& sides,
                             const sync::AgentSessionConfig& config,
                             SendTo send,
                             Work work)
    : sides_(sides), send_(std::move(send)), work_(work), session_(sides.store.log(), config) {}

void DeviceSession::on_message(sync::BytesView message) {
    session_.on_message(message, sides_.witness.witness(sides_.clock.read()));
}

void DeviceSession::on_closed(const Error& why) {
    session_.on_closed();
    outcome_ = std::unexpected(why);
}

void DeviceSession::on_saved() { session_.on_saved(); }

void DeviceSession::on_timer() { session_.on_timer(sides_.witness.witness(sides_.clock.read())); }

void DeviceSession::stop() { session_.stop(); }

bool DeviceSession::in_step() const {
    return compared_ && session_.all_acked() && session_.caught_up() && session_.carried();
}

bool DeviceSession::act() {
    if (work_ == Work::kAtOnce && !act_once()) return false;
    while (work_ == Work::kAtOnce && work_due())
        if (!work() || !act_once()) return false;
    return work_ == Work::kAtOnce || act_once();
}

bool DeviceSession::act_once() {
    if (sides_.witness.anchor_is_news()) {
        if (auto kept = sides_.store.set_anchor(*sides_.witness.anchor()); !kept)
            return end(std::move(kept).error());
        sides_.witness.anchor_stored();
    }
    for (auto actions = session_.take_actions(); !actions.empty();
         actions = session_.take_actions()) {
        for (auto& action : actions)
            if (!carry_out(action)) return false;
    }
    return true;
}

bool DeviceSession::work_due() const {
    // What is loaded may become live only while nothing else moves the cursor.
    return sides_.store.bootstrap_due() &&
           (session_.in_snapshot() || session_.done() || !sides_.store.bootstrap());
}

bool DeviceSession::work() {
    if (!work_due()) return true;
    auto stepped = sides_.store.bootstrap_step();
    if (!stepped) return end(std::move(stepped).error());
    if (*stepped) session_.on_snapshot_live(**stepped);
    return true;
}

Result<void> DeviceSession::settle() {
    while (sides_.store.bootstrap_due()) STREETLOG_CHECK(sides_.store.bootstrap_step());
    while (!sides_.store.fully_stamped()) STREETLOG_CHECK(sides_.store.stamp_receipts(kStampStep));
    sides_.store.checkpoint();
    return {};
}

bool DeviceSession::end(Error error) {
    outcome_ = std::unexpected(std::move(error));
    return false;
}

/// Receipts that were there first, should the hub have given later ones since. As many as a message
/// takes; the others in later sessions, when the hub goes by these.
bool DeviceSession::tell_earlier() {
    auto earlier = sides_.store.earlier_receipts(sync::kEarlierMax);
    if (!earlier) return end(std::move(earlier).error());
    session_.on_earlier(*std::move(earlier));
    return true;
}

bool DeviceSession::carry_out(sync::AgentAction& action) {
    const auto stored = [this](Result<void> result) {
        return result ? true : end(std::move(result).error());
    };
    return std::visit(
        Overloaded{
            [&](sync::Send& send) { return stored(send_(std::move(send))); },
            [&](const sync::SessionReady& ready) {
                let_in_ = ready.ack;
                return true;
            },
            [&](const sync::StoreAck& ack) { return stored(sides_.store.store_ack(ack.ack)); },
            [&](const sync::ApplyPage& page) {
                if (!stored(sides_.store.apply_page(page.page, sides_.clock.now()))) return false;
                session_.on_page_stored(page.page.scope);
                // Once, when what was there of own receipts has come, and whenever others come
                // later.
                if (!session_.caught_up()) return true;
                const bool differ = sides_.store.take_receipts_differ();
                if (std::exchange(looked_for_earlier_, true) && !differ) return true;
                return tell_earlier();
            },
            [&](const sync::LeaveScope& left) {
                return stored(sides_.store.leave_scope(left.scope));
            },
            [&](const sync::BeginSnapshot& begin) {
                auto place = sides_.store.begin_snapshot(begin.manifest);
                if (!place) return end(std::move(place).error());
                session_.on_snapshot_begun(*place);
                return true;
            },
            [&](const sync::StorePiece& piece) {
                if (!stored(sides_.store.store_piece(piece.piece))) return false;
                session_.on_piece_stored();
                return true;
            },
            [&](const sync::DropSnapshot&) { return stored(sides_.store.drop_snapshot()); },
            [&](const sync::SetAnchor& anchor) {
                compared_ = true;
                if (!sides_.witness.learn(anchor.probes, sides_.clock.read())) return true;
                return stored(sides_.store.set_anchor(*sides_.witness.anchor()));
            },
            [&](const sync::PinHubKey& pin) {
                auto settings = sides_.store.settings();
                settings.hub_key = pin.key;
                return stored(sides_.store.change_settings(settings));
            },
            [&](const sync::StoreNonce& nonce) {
                if (!stored(sides_.store.set_session_nonce(nonce.nonce))) return false;
                session_.on_nonce_stored(nonce.nonce);
                return true;
            },
            [&](const sync::AppendOwn& own) {
                if (!stored(sides_.store.append_own(own.runs))) return false;
                session_.on_own_appended();
                return true;
            },
            [&](const sync::TakeIncarnation& taken) {
                if (!stored(sides_.store.take_incarnation(taken.common, taken.incarnation)))
                    return false;
                session_.on_incarnation_taken();
                return true;
            },
            [&](const sync::ReadAnew& anew) { return stored(sides_.store.read_anew(anew.scope)); },
            [&](const sync::SettleCarried& settled) {
                return stored(sides_.store.settle_carried(settled.answer));
            },
            [&](const sync::Retry& retry) {
                retry_after_ = retry.after;
                at_once_ = retry.at_once;
                return end({ErrorCode::kUnavailable, retry.reason, {}});
            },
            [&](sync::Fatal& fatal) {
                needs_a_person_ = true;
                return end(std::move(fatal.error));
            },
            [&](const sync::Notice& notice) {
                sides_.log.event(
                    LogLevel::kWarning, "sync_notice", {{"code", static_cast<int>(notice.code)}});
                return true;
            }},
        action);
}

}  // namespace streetlog::agent
