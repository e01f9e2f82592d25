#pragma once

#include <array>
#include <map>

#include "tests/property/history.hpp"

/// A model's history moved to where several share one set of stores: its entities and devices get
/// ids, its records numbers and times, that no other history has. Order among what the rules
/// compare (devices, incarnations, sequences, places, stamps) stays as it was, so that what the
/// model expects of the history holds for the moved one.
namespace streetlog::sync::testing {

/// The model's device 0.
inline constexpr DeviceId kHubDevice{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// The first incarnations of the model's devices 1 and 2 are the same two replicas in every
/// history; their records continue.
inline constexpr std::size_t kAuthors = 2;
[[nodiscard]] Replica author_replica(std::size_t author);

/// Milliseconds between two histories: more than one lasts.
inline constexpr std::int64_t kHistoryMs = 100'000;

enum class Receipts : std::uint8_t {
    kCarried,  // records come with those of the model, as after a restore of the hub
    kIssued,   // the hub gives them out; possible when no record is older than its predecessor
};

/// What of the shared stores a history has to fit in with.
struct Site {
    std::uint32_t number = 0;  // of the history among those that share the stores
    Instant start;
    std::array<std::uint64_t, kAuthors> author_records{};  // so far
    Receipts receipts = Receipts::kCarried;
    // For issued receipts: the hub that authors what is the hub's.
    Replica hub;
    std::uint64_t hub_records = 0;  // of it, so far
    HubSeq head;
};

/// Records in the order the hub takes them: by place, as far as each device's own order lets it.
[[nodiscard]] std::vector<std::size_t> feeding_order(const History& history);

/// Whether the places of the model are those of that order.
[[nodiscard]] bool can_be_issued(const History& history);

/// With issued receipts the headers carry evidence from which the hub can work out the bracket of
/// the model, and `receipt` of each device's record is what it must come to: the model's bracket,
/// cut by what earlier records of the device proved. Winners are then told by the model's rule
/// from these, for they may differ from those under the model's own brackets.
[[nodiscard]] History relocated(const History& history, const Site& site);

}  // namespace streetlog::sync::testing
