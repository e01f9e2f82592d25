#pragma once

#include <optional>

#include "sync/merge/supersession.hpp"

/// The write side of the merge core: how a state takes in writes. Pure; any thread, one at a time
/// on a state. What a state shows is in sync/merge/view.hpp.
///
/// Algebra: a state is a function of the set of writes put and hidden and of their first receipts.
/// Taking one in is commutative, associative and idempotent, so any order, duplication or batching
/// ends in the same state, byte for byte after a canonical dump. tests/property holds this.
///
/// Requires, of callers: a write whose receipt this store has learned is put with it, never without
/// it again; a hidden write is put only once it is released.
namespace streetlog::sync {

/// Whether an op of this kind adds a sibling. The others (unlink, attach, rule, verdict, earlier)
/// can only supersede; what else they say is read from the log.
[[nodiscard]] bool writes_value(OpKind kind);

/// Takes in one write.
///
/// - The op's register is (table, group), as the op says them. All its `supersedes` become gone
///   rows there, and there alone.
/// - A create op has a second register, (table, 0), which holds its key cells: the columns whose
///   catalogue role is identity. Nothing but another create of the same entity can supersede them.
///   With group 0 all its cells are there.
/// - An op that writes no value, such as unlink, only supersedes.
///
/// Of two receipts for one dot the smaller place counts. A sibling that a receipted write has
/// superseded leaves the state for good; one superseded by a write without a receipt stays, unseen.
void put(EntityState& state, const Write& write, const Rules& rules = kRules);

/// Takes in the edges of a quarantined or held write: it neither shows nor erases, but what it
/// superseded is gone once it is superseded itself. Without edges it leaves no trace. A write
/// already released stays released. A write known without a receipt so far (the author's own) is
/// taken back.
void hide(EntityState& state,
          const RecordKey& record,
          const HiddenWrite& write,
          const std::optional<Place>& place,
          const Rules& rules = kRules);

/// Removes every trace of `dot` that a receipted write does not hold: for own records that are
/// re-stamped after a fork (sync-core §12).
void drop(EntityState& state, const Dot& dot);

}  // namespace streetlog::sync
