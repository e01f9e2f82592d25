#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sync/merge/register.hpp"

namespace streetlog::sync {

/// Production code always passes `kRules`. Tests switch one rule off at a time to see that the
/// naive form of it loses or revives a value (tests/property).
struct Rules {
    bool receipt_order = true;      // a write takes away only what was received before it
    bool own_view = true;           // an entity's own view hears only its own registers
    bool ship_gone = true;          // copies of a state carry its gone rows
    bool ship_hidden_edges = true;  // a hidden write leaves its edges
};

inline constexpr Rules kRules{};

/// What supersession asks about one write.
struct WriteFacts {
    Dot dot;
    std::optional<Place> place;  // none: not received yet, which counts as latest
    bool redacted = false;
};

/// Whether `by` naming `target` takes `target` away. It does when `target` is an earlier record of
/// by's author, or has the earlier first receipt: nobody can have seen what the hub received later,
/// so naming dots ahead of time erases nothing, while an honest device cannot lose by it. A write
/// that carries a redacted cell was made without sight of the full value and takes away only its
/// like.
[[nodiscard]] bool counts(const WriteFacts& by,
                          const WriteFacts& target,
                          const Rules& rules = kRules);

/// kReceipted leaves out the rows of writes without a receipt: those may still be quarantined or
/// re-stamped, so they hide a sibling but do not end it.
enum class Superseders { kAll, kReceipted };

/// The dots, ascending, of the siblings and hidden writes in `registers` that `gone` rows of any of
/// them take away. Supersession passes through a hidden write and never starts at one.
[[nodiscard]] std::vector<Dot> superseded(std::span<const Register* const> registers,
                                          Superseders which,
                                          const Rules& rules = kRules);

/// The same question for one sibling of a register without hidden writes; allocates nothing.
[[nodiscard]] bool is_superseded(const Register& reg,
                                 const Sibling& sibling,
                                 Superseders which,
                                 const Rules& rules = kRules);

[[nodiscard]] WriteFacts facts_of(const Sibling& sibling);
[[nodiscard]] WriteFacts facts_of(const Hidden& hidden);

}  // namespace streetlog::sync
