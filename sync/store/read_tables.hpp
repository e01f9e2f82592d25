#pragma once

#include <array>
#include <functional>
#include <string>

#include "sync/store/entity_states.hpp"

namespace streetlog::store {

/// The typed read tables: each group's winner, in the own view. Droppable; made from states alone.
class ReadTables {
  public:
    /// The number of the entity with this id.
    using Number = std::function<std::int64_t(const EntityId&)>;
    /// kLater: client_key is filled when all clients are there.
    enum class Keys : std::uint8_t { kKept, kLater };

    ReadTables(Db& db,
               sync::Replica self,
               Generation of = Generation::kLive,
               Keys keys = Keys::kKept);

    /// The rows of one entity, as `shown` has them; no row for a void one. `number` resolves the
    /// entities its keys name.
    void write(const EntitySlot& slot, const sync::EntityState& shown, const Number& number);
    /// No row of the entity.
    void drop(const EntitySlot& slot);
    void clear(Db& db);

    void name_self(const sync::Replica& self) { self_ = self; }

  private:
    struct Winners;

    void write_client(const EntitySlot& slot, const Winners& of);
    void write_enrollment(const EntitySlot& slot, const Winners& of, const Number& number);
    void write_contact(const EntitySlot& slot, const Winners& of, const Number& number);
    void write_project(const EntitySlot& slot, const Winners& of);
    void write_user(const EntitySlot& slot, const Winners& of);
    /// Last name, first name, SSN and date of birth, as client_key numbers them.
    using ClientKeys = std::array<std::string, 4>;
    void change_keys(std::int64_t eno, const ClientKeys& now);

    sync::Replica self_;
    Keys keys_;
    Stmt key_add_, key_drop_, known_keys_, client_, client_gone_, enrollment_, enrollment_gone_,
        contact_, contact_gone_, project_, project_gone_, user_, user_gone_;
};

}  // namespace streetlog::store
