#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sync/identity/first_tier.hpp"
#include "sync/identity/partition.hpp"

/// The ops that say that two clients are one person, or are not. Pure.
///
/// An assertion is one entity, written once and perhaps withdrawn. Its id follows from the pair,
/// from who speaks (the rule, or a person) and from the round: how many assertions of that speaker
/// about the pair came before. So a hub that finds a pair again, after a crash or a restore too,
/// makes the id it made before and sees that it has spoken; asserting what was withdrawn is the
/// next round.
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
[[nodiscard]] EntityId rule_link_id(const ClientPair& pair, std::uint32_t round = 0);
[[nodiscard]] EntityId human_link_id(const ClientPair& pair, std::uint32_t round = 0);

/// One of the two above.
using LinkIds = EntityId (*)(const ClientPair& pair, std::uint32_t round);

/// The round of the next assertion: the first one whose id `taken` does not know.
[[nodiscard]] std::uint32_t next_round(LinkIds ids,
                                       const ClientPair& pair,
                                       const std::function<bool(EntityId)>& taken);

/// "Same person" said by the first tier, strength rule, with the evidence in ConfidenceMillibits,
/// EvidenceDigest (see `evidence_of`), ModelVersion and Reason.
///
/// For callers: not while a link of the first tier on the pair is live.
[[nodiscard]] Op link_op(const ClientPair& pair,
                         const FirstTierEvidence& evidence,
                         std::uint32_t round = 0);

/// What the EvidenceDigest of a link of this version says: four bytes, the model and the states of
/// SSN, name and birth. No hash of the values: it would go to devices that may not know them, and
/// nine digits are soon tried. None for other links.
[[nodiscard]] std::optional<FirstTierEvidence> evidence_of(std::span<const Cell> cells);

/// Withdraws what `dots` wrote on the link entity `link`: nothing stays of it in the partition.
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
    std::uint32_t round = 0;     // the next of human_link_id
};

/// For one record: withdraws every assertion among `live` that this very pair is one person, and
/// asserts, as a person, that they are different. That outranks every rule and score for ever, also
/// when they are joined through others. `live` may hold other pairs' links; they stay. To take it
/// back, withdraw the last op's dot from its entity.
[[nodiscard]] std::vector<Op> unlink_ops(const Unlink& request, std::span<const LiveLink> live);

}  // namespace streetlog::sync
