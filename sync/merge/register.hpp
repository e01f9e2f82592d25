#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "schema/hud/catalogue.hpp"
#include "sync/change/codec.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// One atomic field group of one entity, inside that entity's state.
struct RegisterId {
    std::uint16_t table = 0;
    std::uint16_t group = 0;

    friend auto operator<=>(RegisterId, RegisterId) = default;
};

/// A write that is still needed: visible unless some `Gone` row that counts names it.
struct Sibling {
    Dot dot;
    std::optional<Receipt> receipt;  // none: only its author's device knows it so far
    HlcStamp hlc;                    // as the author stamped it
    Instant recorded;                // the author's wall clock, for people
    std::uint32_t user = 0;
    OpKind kind = OpKind::kSetGroup;
    hud::AnswerClass answer = hud::AnswerClass::kNothing;
    bool redacted = false;
    std::vector<Cell> cells;
    std::vector<EntityId> profile;

    friend bool operator==(const Sibling&, const Sibling&) = default;
};

/// The fact that `by` named `target`; kept under the register `by` wrote. Whether it counts is
/// computed (`counts`), never stored.
struct Gone {
    Dot target;
    Dot by;
    std::optional<Place> by_place;
    bool by_redacted = false;

    friend bool operator==(const Gone&, const Gone&) = default;
};

/// A quarantined or held write: neither shows nor erases, but supersession passes through it.
struct Hidden {
    Dot dot;
    std::vector<Dot> supersedes;
    std::optional<Place> place;
    bool redacted = false;

    friend bool operator==(const Hidden&, const Hidden&) = default;
};

/// All that a store keeps of one register; each list in ascending order (dot; target then by; dot).
struct Register {
    std::vector<Sibling> siblings;
    std::vector<Gone> gone;
    std::vector<Hidden> hidden;

    friend bool operator==(const Register&, const Register&) = default;
};

/// All that a store keeps of one entity. A pure function of the set of records about it and their
/// first receipts: any order, duplication and batching gives the same state (tests/property).
struct EntityState {
    std::map<RegisterId, Register> registers;
    std::optional<Place> first;  // smallest place of any receipted write, hidden ones included

    friend bool operator==(const EntityState&, const EntityState&) = default;
};

/// One write with what its record's header says of it.
struct Write {
    Dot dot;
    const Header* header = nullptr;
    const Op* op = nullptr;
    std::optional<Receipt> receipt;
};

}  // namespace streetlog::sync
