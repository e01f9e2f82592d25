#include <algorithm>

#include "sync/session/hub_session.hpp"

// The part of HubSession that hands out a snapshot.
namespace streetlog::sync {

void HubSession::on_snapshot_ask(const SnapshotAsk& m) {
    if (!may_load(m.scope))
        return close(WireCode::kProtocolViolation, "SnapshotAsk of a scope it was not granted for");
    actions_.emplace_back(ReadManifest{m.scope, m.own_from, m.have});
}

void HubSession::on_snapshot_get(const SnapshotGet& m) {
    if (!may_load(m.scope))
        return close(WireCode::kProtocolViolation, "SnapshotGet of a scope it was not granted for");
    if (m.bytes == 0 || m.bytes > kSnapshotPieceBytesMax)
        return close(WireCode::kProtocolViolation, "SnapshotGet over its limits");
    actions_.emplace_back(ReadPiece{m});
}

bool HubSession::may_load(std::uint32_t scope) const {
    const auto grant = std::ranges::find(scopes_, scope, &ScopeGrant::scope);
    return grant != scopes_.end() && grant->snapshot;
}

void HubSession::on_manifest_ready(SnapshotManifest manifest) {
    if (state_ != State::kLive) return;
    prove(manifest.own);
    small_left_ += 2;
    send(manifest, SendLane::kControl);
}

void HubSession::on_piece_ready(const SnapshotPiece& piece) {
    if (state_ != State::kLive) return;
    small_left_ += 2;  // each answers a message that was counted
    send(piece, SendLane::kRecords);
}

}  // namespace streetlog::sync
