#pragma once

#include <deque>
#include <map>
#include <optional>

#include "hub/ingest/bundle_intake.hpp"

namespace streetlog::hub {

/// Bundles that devices bring for others which meet no network: kept piece by piece, and taken in
/// once they are whole, as `import-bundle` takes them from a file. What is wrong with one is said
/// to whoever brings it; nothing of it is kept then.
///
/// On the writer's thread, between two groups. Each call is one short transaction, or one batch.
class CarriedIntake {
  public:
    /// Bytes of bundles that are kept while they are not taken; the ones nobody added to for
    /// longest go first. Their carriers have them still.
    static constexpr std::uint64_t kBytesMax = 256 * 1024 * 1024;

    CarriedIntake() = default;

    explicit CarriedIntake(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    /// Nothing: the bundle is whole; call take() until there is an answer.
    using Answer = std::optional<sync::CarryAnswer>;

    [[nodiscard]] Result<Answer> offered(Ledger& ledger, const sync::CarryOffer& offer);
    [[nodiscard]] Result<Answer> piece(Ledger& ledger, const sync::CarryPiece& piece);
    /// One batch of the bundle that is first in line, be it this one or another: one at a time is
    /// held in memory, and whoever waits moves all of them on.
    [[nodiscard]] Result<Answer> take(Ledger& ledger, const sync::Hash& digest);

  private:
    struct Open {
        sync::Bundle bundle;
        std::size_t next = 0;
    };

    [[nodiscard]] Result<void> take_some(Ledger& ledger);
    [[nodiscard]] Result<void> open_first(Ledger& ledger);
    [[nodiscard]] Result<void> take_next(Ledger& ledger);
    [[nodiscard]] Result<void> settle(Ledger& ledger, sync::CarryAnswer answer);

    std::uint64_t bytes_max_ = kBytesMax;
    std::deque<sync::Hash> line_;
    std::optional<Open> open_;                         // the first in line
    std::map<sync::Hash, sync::CarryAnswer> answers_;  // that nobody has fetched yet
};

}  // namespace streetlog::hub
