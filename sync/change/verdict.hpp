#pragma once

#include <optional>

#include "sync/change/record.hpp"

namespace streetlog::sync {

/// What a reviewer at the hub may say of a quarantined record. Of two for one record release wins.
/// Stored and sent; never renumbered.
enum class VerdictAct : std::uint8_t { kReject = 1, kRelease = 2 };

/// A reviewer's word on one record. It counts only when the hub authored it, and only from its
/// place in the hub's log on: earlier pages are not made as if it had been known.
struct RecordVerdict {
    RecordKey record;
    VerdictAct act = VerdictAct::kReject;

    friend bool operator==(const RecordVerdict&, const RecordVerdict&) = default;
};

/// The op that says it: entity, table and group are nil; cells 1 to 4 are the act, the device
/// (16 bytes), its incarnation and the record's sequence.
[[nodiscard]] Op verdict_op(const RecordVerdict& verdict);

/// What the op says; none when it is of another kind or a cell does not fit.
[[nodiscard]] std::optional<RecordVerdict> verdict_of(const Op& op);

}  // namespace streetlog::sync
