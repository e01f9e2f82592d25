#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sync/merge/supersession.hpp"

/// The read side of the merge core: what a state shows. Pure functions of the state; any thread.
/// Pointers and views point into the states they are given.
namespace streetlog::sync {

using Siblings = std::vector<const Sibling*>;

/// The own view: the siblings of one entity's register that no write on that register took away, in
/// ascending dot order. Edits made on a merged profile from another member do not show here, so
/// that withdrawing a link gives everybody their own values back.
[[nodiscard]] Siblings visible(const Register& reg, const Rules& rules = kRules);

/// The same for a register of `state`; empty when there is none.
[[nodiscard]] Siblings visible(const EntityState& state,
                               RegisterId id,
                               const Rules& rules = kRules);

/// One entity of a merged profile; or of a store, for `own_view`.
struct Member {
    EntityId id;
    const EntityState* state = nullptr;
};

/// A sibling on screen, and whose it is.
struct Seen {
    EntityId entity;
    const Sibling* sibling = nullptr;
};

/// The merged view: the siblings of all members, less whatever a write on any member took away; by
/// member, then dot.
[[nodiscard]] std::vector<Seen> merged_view(std::span<const Member> members,
                                            RegisterId id,
                                            const Rules& rules = kRules);

/// The own view of one member. `others` play no part in it: that is the rule, and the parameter is
/// there so that a test can switch it off (Rules::own_view).
[[nodiscard]] std::vector<Seen> own_view(const Member& member,
                                         std::span<const Member> others,
                                         RegisterId id,
                                         const Rules& rules = kRules);

[[nodiscard]] Siblings siblings_of(std::span<const Seen> seen);

/// The value to show, nullptr when there is none. Total, for dots are unique; so equal sets give
/// equal winners everywhere. By the catalogue's merge kind of the group:
///
/// - register: the highest answer class; of those the latest hub-clamped stamp; then the dot;
/// - lww: the latest hub-clamped stamp, then the dot;
/// - immutable, and the key group 0: the earliest first receipt, then the dot.
///
/// While it has no receipt a sibling of `self` ranks before all others, so that a Save never
/// vanishes from its author's own screen.
[[nodiscard]] const Sibling* winner(std::span<const Sibling* const> siblings,
                                    RegisterId id,
                                    const std::optional<Replica>& self = std::nullopt);

/// The cells of the own view's winner; empty when there is none. Views into `state`.
[[nodiscard]] const std::vector<Cell>& winner_cells(
    const EntityState& state, RegisterId id, const std::optional<Replica>& self = std::nullopt);

/// The stamp a sibling is ranked by: the hub's once there is a receipt, the author's until then.
[[nodiscard]] HlcStamp rank_stamp(const Sibling& sibling);

/// Equal cells; a cell that says it is empty equals no cell.
[[nodiscard]] bool same_value(const Sibling& a, const Sibling& b);

/// True when a person should decide: two different values of one entity, or of two entities when
/// one write was made with the other entity's siblings on screen (its `profile`). Linking alone
/// never opens a conflict. Never true for lww groups.
[[nodiscard]] bool needs_review(std::span<const Seen> seen, RegisterId id);

/// The same for an own view.
[[nodiscard]] bool needs_review(std::span<const Sibling* const> siblings, RegisterId id);

/// Whether the Save being written says the whole value, or leaves a redacted cell as it found it.
enum class SaveForm : std::uint8_t { kFull, kRedacted };

/// What an op names when it is saved from a screen that shows `seen`.
struct OnScreen {
    std::vector<Dot> supersedes;    // ascending
    std::vector<EntityId> profile;  // ascending: other members whose siblings are named
};

/// A full Save on `self` names everything shown. A redacted one names only redacted siblings: the
/// full value it could not see stands beside it.
[[nodiscard]] OnScreen on_screen(std::span<const Seen> seen, EntityId self, SaveForm form);

}  // namespace streetlog::sync
