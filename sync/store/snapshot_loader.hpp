#pragma once

#include <memory>

#include "sync/session/snapshot.hpp"
#include "sync/store/projection.hpp"
#include "sync/store/understands.hpp"

namespace streetlog::store {

/// Writes the entities of a snapshot into the tables of the next generation: the rows that
/// Projection would make of the same states, but in bulk, each table in the order of its key and
/// none looked up in. entity_id and client_key are left to KeyFill. Inside transactions of the
/// caller.
class SnapshotLoader {
  public:
    /// `replicas` are those of the snapshot, in its order.
    SnapshotLoader(Projection& next,
                   sync::Replica self,
                   std::vector<sync::Replica> replicas,
                   const Understands& understands);
    ~SnapshotLoader();

    /// One chunk; its first entity has number `first`. kUnsupported when a state uses what this
    /// version does not understand: half a Save must not show, and a state does not say which Saves
    /// it is made of. kMalformed when the bytes are no chunk.
    [[nodiscard]] Result<void> load(BytesView chunk, std::uint64_t first, std::uint64_t entities);

    /// Entities whose rows name another that was not there yet; to be written once more when all
    /// are, with Projection::states.touch.
    [[nodiscard]] std::vector<std::int64_t> take_unresolved();

  private:
    class Numbers;

    [[nodiscard]] Result<void> add(std::uint64_t number, const sync::SnapshotEntity& entity);
    [[nodiscard]] bool understood(const sync::EntityState& state) const;
    void write_rows(EntitySlot& slot);
    [[nodiscard]] std::int64_t number_of(const EntitySlot& slot, const EntityId& id);

    Projection& next_;
    const Understands& understands_;
    std::unique_ptr<Numbers> numbers_;
    ReadTables tables_;
    Stmt entity_, id_of_, state_, canon_, conflict_;
    std::int64_t parent_eno_ = 0;  // whose id is `parent_id_`
    EntityId parent_id_;
    bool unresolved_now_ = false;
    std::vector<std::int64_t> unresolved_;
};

}  // namespace streetlog::store
