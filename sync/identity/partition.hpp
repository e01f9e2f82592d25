#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "sync/merge/register.hpp"

/// Which clients are one person: the partition that live link assertions give (sync-core §4). Pure.
/// It depends on what the edges say, never on their dots or the order they came in; tests/property
/// holds that.
namespace streetlog::sync {

/// Codes of list S.3.
enum class LinkVerdict : std::uint8_t { kSame = 1, kDifferent = 2 };

/// Codes of list S.4, in ascending strength.
enum class LinkStrength : std::uint8_t { kScore = 1, kRule = 2, kHuman = 3 };

/// One live assertion about the clients `a` and `b`.
struct Link {
    Dot dot;
    EntityId a;
    EntityId b;
    LinkVerdict verdict = LinkVerdict::kSame;
    LinkStrength strength = LinkStrength::kScore;
    std::int64_t millibits = 0;  // confidence; more is surer

    friend bool operator==(const Link&, const Link&) = default;
};

/// Where a link op writes: one entity a link, both ends and the verdict in this one register.
inline constexpr RegisterId kLinkRegister{530, 5310};

/// What a visible sibling of `kLinkRegister` asserts; none when a cell is missing or not of its
/// list. An unlink op on the same entity names the link's dot, after which it is not visible.
[[nodiscard]] std::optional<Link> link_of(const Sibling& sibling);

/// The op that asserts `link` as entity `id`; reason, evidence and so on are added as further
/// cells, in column order.
[[nodiscard]] Op link_op(EntityId id, const Link& link);

/// The first receipt of an entity; none counts as latest.
using FirstReceipt = std::function<std::optional<Place>(EntityId)>;

struct Partition {
    /// Canonical id of every member of a profile of two or more, the canonical one's own included;
    /// any other entity is its own.
    std::map<EntityId, EntityId> canon;
    /// "Same" links that were left out because they would unite a "different" pair of at least
    /// their strength; ascending.
    std::vector<Dot> contradictions;

    friend bool operator==(const Partition&, const Partition&) = default;

    [[nodiscard]] EntityId canon_of(EntityId entity) const;
};

/// Unites along "same" links, strongest first (then by confidence, then by ids), unless that would
/// unite a pair some "different" link of at least that strength keeps apart. The canonical member
/// of a profile is the one the hub received first.
[[nodiscard]] Partition partition(std::span<const Link> live, const FirstReceipt& first);

/// The entities that live "same" links connect with `start`, `start` among them, ascending. A
/// change to one link can only change the partition within the components of its ends, before and
/// after.
[[nodiscard]] std::vector<EntityId> component_of(std::span<const Link> live, EntityId start);

/// The links with both ends in `component` (ascending): all that its partition depends on.
[[nodiscard]] std::vector<Link> links_within(std::span<const Link> live,
                                             std::span<const EntityId> component);

}  // namespace streetlog::sync
