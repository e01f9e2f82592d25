#pragma once

#include <optional>

#include "schema/error.hpp"
#include "sync/merge/supersession.hpp"

/// Compact bytes of one entity's state, for stores and snapshots. A client with five groups, one
/// write each, is about 35 bytes a group beside its values.
///
/// Numbers are unsigned LEB128 ("n"); signed ones and differences are zigzagged first ("z", modulo
/// 2^64, so every value survives). `base` is received of `first`, or 0.
///
///   state     byte 1 (version), place?, n registers, register*
///   place?    byte 0, or byte 1, z received (first: itself, elsewhere: less base), n hub seq
///   register  n table, n group, n siblings, sibling*, n gone, gone*, n hidden, hidden*
///   sibling   dot, byte flags (1 receipt, 2 redacted, 4 profile, from bit 3: answer class),
///             n kind, n user, z recorded less base, z hlc ms less recorded, n hlc counter,
///             [receipt], n cells, cell*, [n ids, 16 bytes*]
///   receipt   z received less base, n hub seq, z hlc_hub less hlc, z lo less recorded, z hi less
///   lo cell      n (column less the one before, first less table * 100, modulo 2^16) * 8 + tag,
///   then
///             tag 0 absent; 1 z integer; 2 n, text; 3 n, data; 4 n, n code*; 5 redacted
///   gone      dot target, dot by, byte by_redacted, place?
///   hidden    dot, byte redacted, place?, n dots, dot*
///   dot       n replica number, n seq, n op
///
/// All lists ascend strictly; the decoder refuses anything else, so equal states have equal bytes
/// under the same numbers.
namespace streetlog::sync {

/// A store's own short numbers for replicas. They never leave the store (or the message) whose
/// table they are.
class ReplicaNumbers {
  public:
    ReplicaNumbers() = default;
    ReplicaNumbers(const ReplicaNumbers&) = delete;
    ReplicaNumbers& operator=(const ReplicaNumbers&) = delete;
    virtual ~ReplicaNumbers() = default;

    /// The number of `replica`, a new one if need be.
    [[nodiscard]] virtual std::uint32_t number_of(const Replica& replica) = 0;

    [[nodiscard]] virtual std::optional<Replica> replica_of(std::uint32_t number) const = 0;
};

[[nodiscard]] Bytes encode_state(const EntityState& state,
                                 ReplicaNumbers& numbers,
                                 const Rules& rules = kRules);

/// kMalformed when the bytes are not a state: every count and length is checked against what is
/// left of the input before anything is allocated for it.
[[nodiscard]] Result<EntityState> decode_state(BytesView bytes, const ReplicaNumbers& numbers);

}  // namespace streetlog::sync
