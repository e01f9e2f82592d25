#pragma once

#include <set>

#include "sync/session/index_rows.hpp"
#include "sync/store/entity_find.hpp"
#include "sync/store/replica_numbers.hpp"

namespace streetlog::store {

/// What the client index says of somebody.
struct IndexEntry {
    EntityId root;
    std::string last_seen;  // "2026-11-23"; empty when it does not say
    std::string ssn;        // as it lets it be known: digits and x
    std::vector<EntityId> members;
};

/// Reads the tables index_row, index_member and index_key of agent.db: who is a client of the CoC,
/// beside the entities that this device is told of. One connection, one thread.
class IndexReader {
  public:
    /// Whoever writes shares the numbers that roll back with it.
    IndexReader(Db& db, DbReplicaNumbers& numbers);

    [[nodiscard]] std::optional<IndexEntry> entry(EntityId id);

    /// Puts into the state of a client whom this device knows from the index alone what the index
    /// has of them, underneath what the device wrote itself. False: nothing.
    bool show(EntityId id, sync::EntityState& state);

    /// Adds the people of the index who match and are not here in their own right, one hit each,
    /// and says of all when they were last seen. `key`: of the site's keyed hashes; may be empty.
    void find(const FindTerms& terms, BytesView key, People& people);

  private:
    struct Row {
        EntityId root;
        std::string last_seen;
        sync::IndexPerson person;
    };

    [[nodiscard]] std::optional<EntityId> root_of(EntityId id);
    [[nodiscard]] std::optional<Row> row(EntityId root);
    [[nodiscard]] std::vector<EntityId> candidates(const FindTerms& terms, BytesView key);
    [[nodiscard]] std::set<EntityId> named(const std::string& beginning);
    [[nodiscard]] bool is_void_here(EntityId id);
    void note_known(People& people);
    void add_match(const FindTerms& terms, BytesView key, const Row& row, People& people);

    Db& db_;
    DbReplicaNumbers& numbers_;
    Stmt root_, row_, here_, state_, named_;
};

/// Kinds of index_key. The first four are those of client_key; the others are hashes in hex.
enum class IndexKeyKind : std::uint8_t {
    kLastName = 1,
    kFirstName = 2,
    kSsn = 3,  // digits and x
    kDob = 4,
    kLastFourHash = 5,
    kNumberHash = 6,
};

/// Everything a person can be found by.
[[nodiscard]] std::vector<std::pair<IndexKeyKind, std::string>> keys_of(
    const sync::IndexPerson& person);

}  // namespace streetlog::store
