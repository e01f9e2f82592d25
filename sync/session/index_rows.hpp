#pragma once

#include <string>

#include "sync/change/hash.hpp"
#include "sync/session/page_replicas.hpp"

/// The body of a page of the client index (Page::states, unpacked): who is a client of the CoC and
/// when they were last seen, so that nobody is entered twice (sync-core §10). One row a person, by
/// the canonical client; it takes the place of the row that was there.
///
///   body     byte 1 (version), replicas (page_replicas.hpp), row*
///   row      16 bytes root, byte flags (1: gone, 2: with a day), n at, [z day], n, person
///   person   n members, then for each: 16 bytes client, n, state; n traces, trace*
///   trace    byte 1, n, text: the last four digits; or byte 2, 32 bytes: keyed hash of the last
///            four, byte, [32 bytes: of the whole number]
///
/// Numbers and states as in state_codec.hpp. A row that is gone has no person.
namespace streetlog::sync {

/// What the site lets the index say of a Social Security number; list S.15.
enum class SsnPolicy : std::uint8_t { kFull = 1, kLastFour = 2, kKeyed = 3 };

/// What stands for a number that the index does not say.
struct SsnTrace {
    std::string last_four;            // by kLastFour
    std::optional<Hash> last_hash;    // by kKeyed, of the last four digits
    std::optional<Hash> number_hash;  // and of all nine, when there are nine

    friend bool operator==(const SsnTrace&, const SsnTrace&) = default;
};

/// One of the clients a person was entered as, and what of the person was written there: their
/// identity groups, without authors, times and receipts. `hlc` of a sibling is its rank among all
/// of the person, the winner's highest, so that sync::winner finds the hub's winner. A dot stays:
/// an edit has to name what it takes the place of.
struct IndexMember {
    EntityId id;
    EntityState state;

    friend bool operator==(const IndexMember&, const IndexMember&) = default;
};

struct IndexPerson {
    std::vector<IndexMember> members;  // the root first, then ascending
    std::vector<SsnTrace> traces;      // the winner's first

    friend bool operator==(const IndexPerson&, const IndexPerson&) = default;
};

struct IndexRow {
    EntityId root;
    HubSeq at;  // the run of the hub's log that changed it last ends there
    std::optional<std::int64_t> last_seen_day;  // days since 1970
    std::optional<IndexPerson> person;          // none: no longer in the index

    friend bool operator==(const IndexRow&, const IndexRow&) = default;
};

/// Collects rows until they make a page; as StateRows.
class IndexRows {
  public:
    void add(const IndexRow& row);

    [[nodiscard]] std::size_t bytes() const { return numbers_.bytes() + rows_.size(); }

    [[nodiscard]] std::size_t count() const { return ends_.size(); }

    void cut(std::size_t count);

    [[nodiscard]] Bytes take() &&;

  private:
    GivenNumbers numbers_;
    Bytes rows_;
    std::vector<std::size_t> ends_;
};

/// kMalformed when the bytes are not such a body.
[[nodiscard]] Result<std::vector<IndexRow>> decode_index_rows(BytesView body);

/// The person of a row alone, for stores: under the store's own numbers.
[[nodiscard]] Bytes encode_person(const IndexPerson& person, ReplicaNumbers& numbers);
[[nodiscard]] Result<IndexPerson> decode_person(BytesView bytes, const ReplicaNumbers& numbers);

}  // namespace streetlog::sync
