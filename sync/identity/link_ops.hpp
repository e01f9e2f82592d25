#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sync/identity/first_tier.hpp"
#include "sync/identity/partition.hpp"

/// The ops that say that two clients are one person, or are not. Pure.
///
/// Every pair has at most two link entities, whose ids follow from the pair: one for what the rule
/// says, one for what people say. So a hub that finds a pair again, after a restore too, finds that
/// it has spoken. Writing the same assertion twice is harmless: the entity then has two siblings.
namespace streetlog::sync {

/// Says in a link which rules found it: the normalisation, validity and comparison of this version.
inline constexpr std::int64_t kFirstTierModel = 1;

/// Two different clients, the smaller id first.
class ClientPair {
  public:
    /// Requires: x != y.
    ClientPair(EntityId x, EntityId y);

    [[nodiscard]] EntityId a() const { return a_; }

    [[nodiscard]] EntityId b() const { return b_; }

    friend bool operator==(const ClientPair&, const ClientPair&) = default;

  private:
    EntityId a_;
    EntityId b_;
};

/// The entity of what the first tier says of the pair, and of what people say of it.
[[nodiscard]] EntityId rule_link_id(const ClientPair& pair);
[[nodiscard]] EntityId human_link_id(const ClientPair& pair);

/// "Same person", strength rule, with the evidence in ConfidenceMillibits, EvidenceDigest (see
/// `evidence_of`), ModelVersion and Reason.
[[nodiscard]] Op link_op(const ClientPair& pair, const FirstTierEvidence& evidence);

/// What the EvidenceDigest of a link of this version says: four bytes, the model and the states of
/// SSN, name and birth. No hash of the values: it would go to devices that may not know them, and
/// nine digits are soon tried. None for other links.
[[nodiscard]] std::optional<FirstTierEvidence> evidence_of(std::span<const Cell> cells);

/// Withdraws assertions of the link entity `link`: those of `dots`. Nothing stays of them, so the
/// same may be asserted again later.
[[nodiscard]] Op withdraw_op(EntityId link, std::vector<Dot> dots);

/// A visible assertion and the entity it is written on.
struct LiveLink {
    EntityId entity;
    Link link;
};

/// What a person says when two profiles were joined wrongly.
struct Unlink {
    ClientPair pair;
    std::optional<EntityId> by;  // the reviewer's id, where there is one
    std::string reason;          // in their words; may be empty
};

/// For one record: withdraws every assertion among `live` that this very pair is one person, and
/// asserts, as a person, that they are different. That outranks every rule and score for ever, also
/// when they are joined through others. `live` may hold other pairs' links; they stay. To take it
/// back, withdraw the last op's dot from `human_link_id`.
[[nodiscard]] std::vector<Op> unlink_ops(const Unlink& request, std::span<const LiveLink> live);

}  // namespace streetlog::sync
