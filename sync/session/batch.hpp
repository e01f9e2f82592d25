#pragma once

#include "sync/session/ports.hpp"

namespace streetlog::sync {

/// `run` as one batch. kTooLarge when it does not fit a message.
[[nodiscard]] Result<Push> push_of(PushRun run);

/// How much of a log one batch may take.
struct BatchLimits {
    std::uint32_t records = kBatchRecordsMax;
    std::size_t bytes = kBatchRawBytesMax;  // of headers and ops
};

/// Own records from `first_seq` on, at least one, as a batch that fits a message, with the receipts
/// there are for them; not signed yet. kTooLarge when a single record does not fit, which no log
/// takes in; kInternal when the log gives another run than was asked for.
[[nodiscard]] Result<Push> read_batch(AgentLog& log, std::uint64_t first_seq, BatchLimits limits);

}  // namespace streetlog::sync
