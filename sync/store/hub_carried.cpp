#include "sync/store/hub_carried.hpp"

#include <algorithm>

namespace streetlog::store {
namespace {

/// Between an offer and its first piece.
constexpr Millis kPatience{600'000};

/// Digests of taken bundles that are remembered.
constexpr int kTakenMost = 10'000;

}  // namespace

std::optional<CarriedAtHub> HubCarried::find(const sync::Hash& digest) {
    auto row = db_.prepare("SELECT bytes, have, taken FROM carried WHERE digest = ?1");
    row.with(BytesView{digest});
    if (!row.step()) return std::nullopt;
    CarriedAtHub out{static_cast<std::uint64_t>(row.integer(0)),
                     static_cast<std::uint64_t>(row.integer(1)),
                     row.integer(2) != 0};
    row.reset();
    return out;
}

void HubCarried::begin(const sync::CarryOffer& offer, Instant now) {
    db_.prepare("DELETE FROM carried WHERE have = 0 AND taken = 0 AND touched_ms < ?1")
        .with((now - kPatience).ms)
        .run();
    db_.prepare("INSERT INTO carried VALUES(?1, ?2, 0, ?3, 0)")
        .with(BytesView{offer.digest}, offer.bytes, now.ms)
        .run();
}

void HubCarried::add(const sync::CarryPiece& piece, Instant now, std::uint64_t total_max) {
    db_.prepare("INSERT INTO carried_piece VALUES(?1, ?2, ?3)")
        .with(BytesView{piece.digest}, piece.offset, BytesView{piece.body})
        .run();
    db_.prepare("UPDATE carried SET have = ?2, touched_ms = ?3 WHERE digest = ?1")
        .with(BytesView{piece.digest}, piece.offset + piece.body.size(), now.ms)
        .run();
    for (;;) {
        auto oldest = db_.prepare(
            "SELECT digest FROM carried WHERE taken = 0 AND have > 0 AND digest <> ?1 AND "
            "(SELECT sum(have) FROM carried WHERE taken = 0) > ?2 ORDER BY touched_ms LIMIT 1");
        oldest.with(BytesView{piece.digest}, total_max);
        if (!oldest.step()) return;
        sync::Hash digest{};
        if (oldest.blob(0).size() == digest.size())
            std::ranges::copy(oldest.blob(0), digest.begin());
        oldest.reset();
        drop(digest);
    }
}

sync::Bytes HubCarried::bytes_of(const sync::Hash& digest) {
    sync::Bytes out;
    auto pieces = db_.prepare("SELECT body FROM carried_piece WHERE digest = ?1 ORDER BY at");
    pieces.with(BytesView{digest});
    while (pieces.step()) {
        const auto body = pieces.blob(0);
        out.insert(out.end(), body.begin(), body.end());
    }
    return out;
}

void HubCarried::taken(const sync::Hash& digest, Instant now) {
    db_.prepare("DELETE FROM carried_piece WHERE digest = ?1").with(BytesView{digest}).run();
    db_.prepare("UPDATE carried SET taken = 1, touched_ms = ?2 WHERE digest = ?1")
        .with(BytesView{digest}, now.ms)
        .run();
    db_.prepare(
           "DELETE FROM carried WHERE taken = 1 AND digest IN (SELECT digest FROM carried "
           "WHERE taken = 1 ORDER BY touched_ms DESC LIMIT -1 OFFSET ?1)")
        .with(kTakenMost)
        .run();
}

void HubCarried::drop(const sync::Hash& digest) {
    db_.prepare("DELETE FROM carried_piece WHERE digest = ?1").with(BytesView{digest}).run();
    db_.prepare("DELETE FROM carried WHERE digest = ?1").with(BytesView{digest}).run();
}

}  // namespace streetlog::store
