#pragma once

#include <optional>

#include "sync/change/receipts.hpp"
#include "sync/session/messages.hpp"

namespace streetlog::sync {

/// The op by which the hub says in its log that records had a receipt before the one they have
/// there: entity, table and group are nil; cells 1 to 7 are the device (16 bytes), its incarnation,
/// the first and last sequence, the chain after the last (32 bytes), the receipts as
/// encode_receipt() writes them, and the hub's signature. It counts only when the hub authored it,
/// and only from its place in the hub's log on.
[[nodiscard]] Op earlier_op(const RunReceipt& receipt);

/// What the op says; none when it is of another kind or a cell does not fit.
[[nodiscard]] std::optional<RunReceipt> earlier_of(const Op& op);

/// The same receipts as the hub's log keeps them.
[[nodiscard]] ReceiptSpan span_of(const RunReceipt& receipt);

}  // namespace streetlog::sync
