#include <algorithm>

#include "schema/planted.hpp"
#include "sync/session/agent_session.hpp"

// The part of AgentSession that reads a snapshot instead of the log.
namespace streetlog::sync {
namespace {

/// Pieces under way: on a fast link enough to keep it busy while the disk works, on a slow one the
/// piece that comes and the one that follows it.
constexpr std::size_t kPiecesFast = 4;
constexpr std::size_t kPiecesSlow = 2;

}  // namespace

/// From which own record on receipts may be missing. No page will bring those that lie before the
/// snapshot: so also of what the hub may have got without this device knowing, by an
/// acknowledgement that was lost or a file.
Result<std::uint64_t> AgentSession::own_from() {
    auto from = log_.first_unreceipted();
    if (!from || *from > 0 || planted(Bug::kLostAckForgotten)) return from;
    auto head = log_.head();
    if (!head) return std::unexpected(std::move(head).error());
    return head->acked_seq + 1;
}

void AgentSession::ask_for_snapshot(const ScopeGrant& grant) {
    snapshot_.emplace(grant.scope);
    resume_ = grant.resume;
    auto from = own_from();
    if (!from) return fatal(WireCode::kInternal, std::move(from).error());
    own_asked_ = *from;
    send(SnapshotAsk{grant.scope, own_asked_, head_.snapshot}, SendLane::kControl);
}

void AgentSession::on_manifest(SnapshotManifest m) {
    if (!snapshot_ || snapshot_->scope() != m.scope) return violation("SnapshotManifest unasked");
    if (m.chunks.empty()) {
        snapshot_.reset();
        actions_.emplace_back(DropSnapshot{});
        return start_pulling(m.scope, resume_);
    }
    for (const PageRun& run : m.own)
        if (run.receipt.replica != head_.replica || run.encoding != Encoding::kNone)
            return violation("SnapshotManifest with somebody else's records");
    if (!proven(m.own)) return;
    last_page_ms_ = *now_ms_;
    manifest_ = m;
    manifest_.own.clear();
    actions_.emplace_back(BeginSnapshot{std::move(m)});
}

void AgentSession::on_snapshot_begun(SnapshotPlace place) {
    if (state_ != State::kLive || !snapshot_) return;
    if (manifest_.own_more) {
        // What it lacks of its own receipts comes in several messages; the pieces after the last.
        auto from = own_from();
        if (!from) return fatal(WireCode::kInternal, std::move(from).error());
        if (*from <= own_asked_)
            return violation("SnapshotManifest without the receipts that were asked for");
        own_asked_ = *from;
        return send(SnapshotAsk{snapshot_->scope(), own_asked_, head_.snapshot},
                    SendLane::kControl);
    }
    snapshot_->begin(manifest_, place);
    get_pieces();
}

void AgentSession::get_pieces() {
    const bool slow = pull_pace_.paced();
    while (auto get = snapshot_->next(pull_pace_.bytes(kSnapshotPieceBytesMax),
                                      slow ? kPiecesSlow : kPiecesFast))
        send(*get, SendLane::kControl);
}

void AgentSession::on_piece(SnapshotPiece m, std::size_t bytes) {
    if (!snapshot_ || snapshot_->scope() != m.scope) return violation("SnapshotPiece unasked");
    switch (snapshot_->arrived(m)) {
        case SnapshotReading::Arrival::kStale:
            return;
        case SnapshotReading::Arrival::kWrong:
            return violation("SnapshotPiece that was not asked for");
        case SnapshotReading::Arrival::kExpected:
            break;
    }
    pull_pace_.observe(bytes, *now_ms_ - std::min(last_page_ms_, *now_ms_));
    last_page_ms_ = *now_ms_;
    actions_.emplace_back(StorePiece{std::move(m)});
}

void AgentSession::on_piece_stored() {
    if (state_ != State::kLive || !snapshot_) return;
    get_pieces();
}

void AgentSession::on_snapshot_live(const Position& at) {
    if (state_ != State::kLive || !snapshot_) return;
    const std::uint32_t scope = snapshot_->scope();
    snapshot_.reset();
    Reading reading;
    reading.stored = at;
    send_pull(scope, readings_.insert_or_assign(scope, std::move(reading)).first->second);
}

}  // namespace streetlog::sync
