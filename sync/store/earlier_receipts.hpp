#pragma once

#include <vector>

#include "sync/change/receipts.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// Receipts that consecutive records had before those the log gave them, and where in the log that
/// stands. Also a projection of the hub's own records.
struct EarlierRow {
    sync::Replica replica;
    std::uint64_t first_seq = 0;
    sync::ReceiptSpan receipt;
    HubSeq at;

    [[nodiscard]] std::uint64_t last_seq() const { return first_seq + receipt.times.size() - 1; }
};

/// The table of them in hub.db. All calls throw StorageFailure, as HubLog's do.
class EarlierReceipts {
  public:
    explicit EarlierReceipts(Db& db);

    /// Inside a transaction of the caller.
    void add(const EarlierRow& row);
    /// Those that stand there, in order.
    [[nodiscard]] std::vector<EarlierRow> at(HubSeq first, HubSeq last);
    /// Those of any of these records, in the order of the log.
    [[nodiscard]] std::vector<EarlierRow> of(const sync::Replica& replica,
                                             std::uint64_t first_seq,
                                             std::uint64_t last_seq);
    /// What counts for the record, which stands at `place` with the receipt `own`, once the log has
    /// been read up to before `end`.
    [[nodiscard]] sync::Receipt smallest(const sync::RecordKey& record,
                                         HubSeq place,
                                         sync::Receipt own,
                                         HubSeq end);

  private:
    Stmt add_, at_, of_;
};

}  // namespace streetlog::store
