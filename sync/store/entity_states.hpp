#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "sync/merge/merge.hpp"
#include "sync/store/generation.hpp"
#include "sync/store/replica_numbers.hpp"

namespace streetlog::store {

/// One entity in the writer's memory.
struct EntitySlot {
    std::int64_t eno = 0;
    EntityId id;
    std::uint16_t table = 0;
    std::int64_t parent = 0;  // 0: none
    sync::EntityState state;
    std::optional<sync::Place> first_written;  // as the row `entity` has it
    bool is_new = false;
    bool dirty = false;
};

/// Tables `entity`, `entity_id` and `state` through a write-back cache: a transaction writes each
/// state it touched once. Only for the writing connection.
///
/// Invariant: outside a transaction the cache equals the database. Whoever rolls back calls
/// `forget`.
class EntityStates {
  public:
    EntityStates(Db& db, DbReplicaNumbers& numbers, Generation of = Generation::kLive);

    /// The entity, with a number of its own if it is new; new ones are written by `flush` if they
    /// were touched or named as a parent. Throws StorageFailure when a stored state cannot be read.
    EntitySlot& get(EntityId id);
    EntitySlot& touch(EntityId id);

    /// Writes what was touched, in order of first touch. `written` is called for each after its
    /// rows are there; it may call `get` for other entities.
    void flush(const std::function<void(EntitySlot&)>& written);
    /// After a commit: keeps memory bounded.
    void trim();
    /// After a rollback: what was not committed never was.
    void forget();

  private:
    void read(EntitySlot& slot);
    void derive(EntitySlot& slot);
    void write_entity(EntitySlot& slot);

    DbReplicaNumbers& numbers_;
    Stmt find_, load_, insert_, insert_id_, update_, store_, newest_;
    std::unordered_map<EntityId, std::unique_ptr<EntitySlot>> slots_;
    std::vector<EntitySlot*> pending_;  // new or dirty
    std::int64_t next_eno_ = 1;
};

}  // namespace streetlog::store
