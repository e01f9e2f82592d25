#include <algorithm>
#include <utility>

#include "hub/serve/device_peer.hpp"

// The part of DevicePeer that hands out a snapshot instead of the log.
namespace streetlog::hub {
namespace {

/// Receipts that go along with a manifest, at most.
constexpr std::size_t kOwnBytes = 64 * 1024;

}  // namespace

/// To who begins, and to who would read more of the log than the snapshot weighs that takes its
/// place: what was written over and over since is in it once. Decided at the beginning of a
/// session; who has a part of one goes on with it, whatever came since. Throws StorageFailure.
bool DevicePeer::offers_snapshot(const sync::Hello& hello, const sync::ScopeGrant& grant) {
    if (grant.scope != kScopeAll || sides_.snapshots == nullptr ||
        (hello.features & sync::kFeatureSnapshots) == 0)
        return false;
    std::uint64_t read = 0;
    for (const auto& s : hello.scopes)
        if (s.scope == grant.scope && grant.resume) read = s.cursor.seq.value;
    auto& log = sides_.pages.log();
    const std::uint64_t lacks = log.head().seq.value - read;
    const std::uint64_t least = sides_.snapshots->rules().records_min;
    if (least == 0 || lacks < least) return false;
    if (read == 0 || hello.snapshot != sync::Hash{}) return true;
    const auto file = sides_.snapshots->newest();
    if (!file || file->manifest().at.seq.value <= read) return false;
    // The log behind the snapshot is read either way.
    return log.weight().up_to(file->manifest().at.seq) - log.weight().up_to({read}) > file->bytes();
}

void DevicePeer::read_manifest(const sync::ReadManifest& request) {
    wants_snapshot_ = request;
    auto& shelf = *sides_.snapshots;
    auto file = shelf.with_id(request.have);
    if (!file) file = shelf.newest();
    if (file || !shelf.want()) answer_manifest(std::move(file));
}

void DevicePeer::on_snapshot() {
    if (!wants_snapshot_) return;
    answer_manifest(sides_.snapshots->newest());
    act();
}

/// Null: the device reads the log.
void DevicePeer::answer_manifest(std::shared_ptr<SnapshotFile> file) {
    const auto request = *std::exchange(wants_snapshot_, std::nullopt);
    const auto answered = store::guarded_job([&]() -> Result<void> {
        if (file) {
            const auto& at = file->manifest().at;
            if (!sides_.pages.log().has({at.seq, at.hash})) {  // of a log that was restored since
                sides_.snapshots->discard(file);
                file.reset();
            } else if (file->manifest().bundle > session_.hello().bundle) {
                file.reset();  // its states may have what this device cannot read
            }
        }
        snapshot_ = std::move(file);
        sync::SnapshotManifest manifest;
        if (snapshot_) {
            manifest = snapshot_->manifest();
            if (request.own_from > 0) {
                STREETLOG_TRY(const bool all,
                              sides_.pages.read_own(
                                  request.own_from, kOwnBytes, session_.replica(), manifest.own));
                manifest.own_more = !all;
            }
        }
        manifest.scope = request.scope;
        session_.on_manifest_ready(std::move(manifest));
        return {};
    });
    if (!answered)
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, answered.error().message);
}

void DevicePeer::read_piece(const sync::ReadPiece& request) {
    const auto& get = request.get;
    // Asked before it was told of another one; it does not wait for the answer any more.
    if (!snapshot_ || snapshot_->id() != get.snapshot) return;
    const sync::ReadManifest again{get.scope, 0, {}};
    auto body = snapshot_->read(get.chunk, get.offset, get.bytes);
    if (body)
        return session_.on_piece_ready(
            {get.scope, get.snapshot, get.chunk, get.offset, *std::move(body)});
    if (body.error().code == ErrorCode::kInvalidInput)
        return session_.refuse(sync::WireCode::kProtocolViolation, Millis{0}, body.error().message);
    sides_.snapshots->discard(std::exchange(snapshot_, nullptr));
    read_manifest(again);
}

}  // namespace streetlog::hub
