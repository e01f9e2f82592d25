#pragma once

#include <cstdint>
#include <memory>

#include "sync/store/agent_types.hpp"

namespace streetlog::bench {

/// What one device records: 70 % contacts, 15 % edits, 10 % intakes of one to five people, 5 %
/// exits, built as the agent builds them (agent/workflow) from answers that look like life: ids,
/// names, numbers and dates do not repeat, codes do, every third contact has a note. The same seed
/// and replica give the same records.
///
/// The device has met the hub once, has run since then without a suspend, and a record is made
/// every few seconds.
class Load {
  public:
    /// The first record is made at `start`.
    Load(std::uint64_t seed, const sync::Replica& self, Instant start);
    Load(Load&&) noexcept;
    Load& operator=(Load&&) noexcept;
    ~Load();

    /// The next record of the mix. The store gives it its sequence: records are saved in this
    /// order, from the first on.
    [[nodiscard]] store::SaveRequest next();

    /// One intake of one new client, whose id it returns.
    [[nodiscard]] std::pair<store::SaveRequest, EntityId> intake_of_one();

    /// Bytes of the values of all records so far, as a plain table would hold them: text and data
    /// as they are, ids 16 bytes, dates 10, numbers as digits, and for each record its time and
    /// author.
    [[nodiscard]] std::uint64_t value_bytes() const;

  private:
    struct Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::bench
