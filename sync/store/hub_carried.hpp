#pragma once

#include <optional>

#include "sync/session/messages.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// What of a carried bundle has come.
struct CarriedAtHub {
    std::uint64_t bytes = 0;
    std::uint64_t have = 0;
    bool taken = false;  // its records are in the log; its bytes are gone
};

/// Bundles that devices bring for others, in hub.db until they are whole and taken. Whoever brings
/// one still has it, so that any of them may be dropped to make room. All calls throw
/// StorageFailure; those that write want a transaction of the caller.
class HubCarried {
  public:
    explicit HubCarried(Db& db) : db_(db) {}

    [[nodiscard]] std::optional<CarriedAtHub> find(const sync::Hash& digest);
    /// Whoever offers one and sends nothing is forgotten.
    void begin(const sync::CarryOffer& offer, Instant now);
    /// Makes room: of the others those that nobody added to for longest go until what is here is at
    /// most `total_max`. Requires: it is here up to the offset of the piece.
    void add(const sync::CarryPiece& piece, Instant now, std::uint64_t total_max);
    [[nodiscard]] sync::Bytes bytes_of(const sync::Hash& digest);
    /// Remembered, so that another device that carries the same need not send it.
    void taken(const sync::Hash& digest, Instant now);
    void drop(const sync::Hash& digest);

  private:
    Db& db_;
};

}  // namespace streetlog::store
