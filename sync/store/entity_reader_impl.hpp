#pragma once

#include "sync/store/entity_reader.hpp"
#include "sync/store/replica_numbers.hpp"

/// Shared by the sources of EntityReader; nobody else includes this.
namespace streetlog::store {

struct EntityReader::Impl {
    Impl(Db& connection, sync::Replica own, Overlay screen);

    Db& db;
    DbReplicaNumbers numbers;
    sync::Replica self;
    Overlay overlay;

    [[nodiscard]] Result<sync::EntityState> load(EntityId id);
    [[nodiscard]] Result<sync::EntityState> shown(EntityId id);
    [[nodiscard]] std::int64_t eno_of(EntityId id);  // 0: unknown
    [[nodiscard]] EntityId canon_of(EntityId id);

    Stmt state_, eno_, root_;
};

}  // namespace streetlog::store
