#pragma once

#include <cstdint>
#include <optional>

#include "schema/id.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// How many bytes the log is on its way to a reader, from any place to any other: what reading it
/// run by run costs. A mark every so many bytes says what stands before it, so that asking reads
/// what lies behind one mark and no more of the log. All calls throw StorageFailure.
class LogWeight {
  public:
    explicit LogWeight(Db& db);

    /// Of the runs up to the one that holds `seq`.
    [[nodiscard]] std::uint64_t up_to(HubSeq seq);

    /// A run that was appended in this transaction.
    void add(HubSeq first, std::uint32_t count, std::size_t body_bytes);

    /// After a rollback.
    void forget() { end_.reset(); }

  private:
    struct End {
        std::uint64_t before_mark = 0;
        std::uint64_t since_mark = 0;
    };

    [[nodiscard]] End behind(HubSeq seq);

    Stmt mark_, sum_, add_mark_;
    std::optional<End> end_;  // of the log, while this instance appends
};

}  // namespace streetlog::store
