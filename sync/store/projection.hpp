#pragma once

#include <memory>
#include <span>

#include "sync/store/links.hpp"
#include "sync/store/read_tables.hpp"

namespace streetlog::store {

/// Keeps the tables of state_schema.hpp in step with the records it is given, inside the caller's
/// transactions. Only for the writing connection; whoever rolls back calls `forget`.
struct Projection {
    /// Fills `shown` with what the read tables are to show in place of the slot's state; false: the
    /// state as it is.
    using Overlay = std::function<bool(const EntitySlot& slot, sync::EntityState& shown)>;
    using Written = std::function<void(const EntitySlot& slot)>;

    Projection(Db& db, sync::Replica self);
    /// One set of tables of several in the file, which share the numbers of replicas.
    Projection(Db& db, DbReplicaNumbers& shared, sync::Replica self, Generation of);

    void put(const sync::Record& record, const std::optional<sync::Receipt>& receipt);
    /// A record whose receipt is not known, over states that may know it: without what a write with
    /// a receipt has named. That counts as latest if it is put, and would come back.
    void put_unless_replaced(const sync::Record& record);
    void hide(const sync::RecordKey& key,
              const std::vector<sync::HiddenWrite>& writes,
              const std::optional<sync::Place>& place);

    /// Writes everything touched: states, read tables, conflicts, links, canon. `written` is called
    /// for each entity whose state changed.
    void flush(const Overlay& overlay = {}, const Written& written = {});

    /// The entity is known here no more than by what others name of it.
    void drop(EntityId id);

    void forget();
    /// Empties every table.
    void clear();
    /// Empties what is made from states; touch all of `with_state` and flush to make it again.
    void clear_read();
    [[nodiscard]] std::vector<EntityId> with_state();

    Db& db;
    std::unique_ptr<DbReplicaNumbers> own_numbers;  // when they are not shared
    DbReplicaNumbers& numbers;
    EntityStates states;
    ReadTables tables;
    Links links;

  private:
    Projection(Db& db, std::unique_ptr<DbReplicaNumbers> made, sync::Replica self);
    void note_conflicts(const EntitySlot& slot);

    Stmt conflict_drop_, conflict_add_;
};

}  // namespace streetlog::store
