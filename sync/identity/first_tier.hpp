#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sync/identity/client_facts.hpp"

/// The first tier of finding duplicates: two profiles are one person when two of SSN, full name and
/// date of birth are exactly equal and the third does not contradict, unless a household has them
/// both. Pure; any thread.
///
/// Algebra, held by tests/property: `compare` is symmetric, a function of the facts alone, and
/// whenever it finds evidence the two have a key of `keys_of` in common, so nobody need compare
/// others.
namespace streetlog::sync {

/// How two profiles stand in one fact. Stored in the evidence of links; never renumbered.
enum class Agreement : std::uint8_t {
    kMissing = 0,  // one of the two has no such fact
    kEqual = 1,
    kUnequal = 2,
    kUnclear = 3,  // first and last name equal, but middle names or suffixes speak against it
};

/// Why two profiles count as one person: two or three facts are kEqual, none is kUnequal.
struct FirstTierEvidence {
    Agreement ssn = Agreement::kMissing;
    Agreement name = Agreement::kMissing;
    Agreement birth = Agreement::kMissing;

    friend bool operator==(const FirstTierEvidence&, const FirstTierEvidence&) = default;

    /// How sure it is: the sum of the weights below of what is equal. Orders links of one strength.
    [[nodiscard]] std::int64_t millibits() const;
};

/// Weight of an equal fact: thousandths of log2(m / u), where m is how often it is equal in one
/// person's records and u how often in those of two people. SSN .93 / 1e-8; DOB .86 / (1 / 21,000);
/// name .72 / .015 times .80 / .009, the commonest first and last names of the US, for rarer ones
/// say more.
inline constexpr std::int64_t kSsnMillibits = 26'500;
inline constexpr std::int64_t kBirthMillibits = 14'100;
inline constexpr std::int64_t kNameMillibits = 12'000;

/// A hash of two facts and which ones they are, as SQLite's integers are. Equal keys make a
/// candidate, no more: what decides is `compare`.
using MatchKey = std::int64_t;

/// One key for each two facts that are there: none, one or three; ascending. Changes whenever the
/// rules of normalisation do, so a stored key belongs to one `kFirstTierModel`
/// (sync/identity/link_ops.hpp). As easy to guess as what it is made of: as private as an SSN.
[[nodiscard]] std::vector<MatchKey> keys_of(const ClientFacts& facts);

/// Names are equal when first and last name are, and neither middle names (an initial agrees with a
/// name it begins) nor suffixes differ. Different first or last names contradict.
[[nodiscard]] std::optional<FirstTierEvidence> compare(const ClientFacts& a, const ClientFacts& b);

/// "SSN and date of birth are equal, no full name to compare": for people. Says nothing of the
/// values.
[[nodiscard]] std::string to_text(const FirstTierEvidence& evidence);

enum class HouseholdGuard : std::uint8_t {
    kClear,
    kSameHousehold,  // different people, or one listed twice by mistake: a person must look
};

/// Two members of one household are two people, however alike they are written. `a` and `b`: the
/// HouseholdIDs of all enrollments of the two profiles, in any order; of whole profiles, members
/// that are linked already included.
[[nodiscard]] HouseholdGuard household_guard(std::span<const EntityId> a,
                                             std::span<const EntityId> b);

}  // namespace streetlog::sync
