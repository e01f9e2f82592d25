#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sync/change/compress.hpp"
#include "sync/change/inspect.hpp"
#include "sync/change/receipts.hpp"
#include "sync/timeliness/interval.hpp"

namespace streetlog::hub {

/// One record of a run as the I/O side leaves it for the writer.
struct PreparedRecord {
    Result<sync::RecordShape> shape;
    sync::Hash chain{};  // h(seq) of the replica
    std::optional<sync::Receipt>
        receipt;  // it has one already: it comes back after a restore of the hub
};

/// Consecutive records of one replica with everything done to them that needs no state of the hub:
/// unpacked, hashed, shapes read.
struct PreparedRun {
    sync::Replica replica;
    std::uint64_t first_seq = 0;
    sync::Hash prev{};
    sync::Encoding encoding = sync::Encoding::kPlain;
    std::uint32_t raw_bytes = 0;
    sync::Bytes body;                        // as received
    std::shared_ptr<const sync::Bytes> raw;  // unpacked; `views` point into it
    std::vector<sync::EncodedView> views;    // empty for an unreadable run
    std::vector<PreparedRecord> records;
    std::optional<sync::SessionClock> session;
    bool authored_here = false;  // the hub's own act
    bool unproven = false;       // its author's signature does not fit: all of it is set aside
    sync::Bytes signature;       // of the author, for the chain after the last record

    [[nodiscard]] std::uint64_t last_seq() const { return first_seq + records.size() - 1; }
};

/// From records of the hub's own.
[[nodiscard]] PreparedRun prepare_own(const sync::Replica& replica,
                                      std::uint64_t first_seq,
                                      const sync::Hash& prev,
                                      std::span<const sync::EncodedRecord> records);

/// Fills hashes, chain and shapes from `raw`, which holds a Batch. kMalformed when the framing
/// cannot be read or the chain does not end in `head`.
[[nodiscard]] Result<void> prepare(PreparedRun& run, const sync::Hash& head);

}  // namespace streetlog::hub
