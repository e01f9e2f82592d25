#pragma once

#include "sync/store/entity_states.hpp"

namespace streetlog::store {

/// The typed read tables: each group's winner, in the own view. Droppable; made from states alone.
class ReadTables {
  public:
    ReadTables(Db& db, sync::Replica self);

    /// The rows of one entity, as `shown` has them; no row for a void one. `states` resolves the
    /// entities its keys name.
    void write(const EntitySlot& slot, const sync::EntityState& shown, EntityStates& states);
    /// No row of the entity.
    void drop(const EntitySlot& slot);
    void clear(Db& db);

  private:
    struct Winners;

    void write_client(const EntitySlot& slot, const Winners& of);
    void write_enrollment(const EntitySlot& slot, const Winners& of, EntityStates& states);
    void write_contact(const EntitySlot& slot, const Winners& of, EntityStates& states);

    sync::Replica self_;
    Stmt client_, client_gone_, enrollment_, enrollment_gone_, contact_, contact_gone_, project_,
        project_gone_, user_, user_gone_;
};

}  // namespace streetlog::store
