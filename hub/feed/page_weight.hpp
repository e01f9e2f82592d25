#pragma once

#include <span>

#include "sync/change/codec.hpp"
#include "sync/session/messages.hpp"

/// How heavy records can become in a page, so that every run of the log fits into one message: a
/// reader that cannot be sent a run would stand still before it for good.
namespace streetlog::hub {

/// Most that the records of one run may weigh. Receipts and framing take the rest of a message.
inline constexpr std::size_t kRunWeightMax = sync::kBatchRawBytesMax;

/// The most a record adds to a page: its bytes when it is shown, `edge_bytes` (sync::bytes_of) when
/// it is hidden.
[[nodiscard]] std::size_t page_weight(const sync::EncodedView& record, std::size_t edge_bytes);

/// Whether the hidden records of a run of the log show their edges. Not when all its records
/// together could weigh more than kRunWeightMax: ingestion cuts runs so that this holds only of a
/// run that was taken unread, or of a single record that names thousands of dots. A function of the
/// bytes, so that the hub's projection and what devices are sent agree.
[[nodiscard]] bool shows_edges(std::span<const sync::EncodedView> records);

}  // namespace streetlog::hub
