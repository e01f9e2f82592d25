#include "sync/store/projection.hpp"

#include "sync/merge/view.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::store {

Projection::Projection(Db& connection, sync::Replica self)
    : Projection(connection, std::make_unique<DbReplicaNumbers>(connection), self) {}

Projection::Projection(Db& connection, std::unique_ptr<DbReplicaNumbers> made, sync::Replica self)
    : Projection(connection, *made, self, Generation::kLive) {
    own_numbers = std::move(made);
}

Projection::Projection(Db& connection, DbReplicaNumbers& shared, sync::Replica self, Generation of)
    : db(connection),
      numbers(shared),
      states(db, numbers, of),
      tables(db, self, of),
      links(db, numbers, of),
      conflict_drop_(prepare_in(db, of, "DELETE FROM conflict$ WHERE eno = ?1")),
      conflict_add_(prepare_in(db, of, "INSERT INTO conflict$ VALUES(?1, ?2, ?3)")) {}

namespace {

/// The writes of the record to entities; a verdict or a rule writes to none.
template <class Use>
void for_each_write(const sync::Record& record, const Use& use) {
    for (std::size_t i = 0; i < record.ops.size(); ++i) {
        const sync::Op& op = record.ops[i];
        const auto number = static_cast<std::uint16_t>(i);
        if (!op.entity.is_nil())
            use(op, sync::Dot{record.header.replica, record.header.seq, number});
    }
}

bool is_replaced(const sync::EntityState& state, const sync::Op& op, const sync::Dot& dot) {
    const auto reg = state.registers.find({op.table, op.group});
    return reg != state.registers.end() &&
           std::ranges::any_of(reg->second.gone, [&](const sync::Gone& row) {
               return row.target == dot && row.by_place;
           });
}

}  // namespace

void Projection::put(const sync::Record& record, const std::optional<sync::Receipt>& receipt) {
    for_each_write(record, [&](const sync::Op& op, const sync::Dot& dot) {
        sync::put(states.touch(op.entity).state, {dot, &record.header, &op, receipt});
    });
}

void Projection::put_unless_replaced(const sync::Record& record) {
    for_each_write(record, [&](const sync::Op& op, const sync::Dot& dot) {
        auto& state = states.touch(op.entity).state;
        if (!is_replaced(state, op, dot))
            sync::put(state, {dot, &record.header, &op, std::nullopt});
    });
}

void Projection::hide(const sync::RecordKey& key,
                      const std::vector<sync::HiddenWrite>& writes,
                      const std::optional<sync::Place>& place) {
    for (const auto& write : writes)
        if (!write.entity.is_nil()) sync::hide(states.touch(write.entity).state, key, write, place);
}

void Projection::note_conflicts(const EntitySlot& slot) {
    conflict_drop_.with(slot.eno).run();
    for (const auto& [id, reg] : slot.state.registers) {
        if (reg.siblings.size() < 2) continue;
        const auto siblings = sync::visible(reg);
        if (sync::needs_review(siblings, id))
            conflict_add_.with(slot.eno, id.table, id.group).run();
    }
}

void Projection::flush(const Overlay& overlay, const Written& written) {
    sync::EntityState shown;
    const ReadTables::Number number = [this](const EntityId& id) { return states.get(id).eno; };
    states.flush([&](EntitySlot& slot) {
        const bool other = overlay && overlay(slot, shown);
        tables.write(slot, other ? shown : slot.state, number);
        note_conflicts(slot);
        links.note(slot);
        if (written) written(slot);
    });
    links.settle(states);
    states.flush([](EntitySlot&) {});  // entities that only a link names so far
}

void Projection::drop(EntityId id) {
    EntitySlot& slot = states.touch(id);
    tables.drop(slot);
    slot.state = {};
}

void Projection::forget() {
    links.forget();
    numbers.load();
    states.forget();
}

void Projection::clear() {
    clear_read();
    db.exec("DELETE FROM state; DELETE FROM entity; DELETE FROM entity_id");
    states.forget();
}

void Projection::clear_read() {
    tables.clear(db);
    links.clear(db);
    db.exec("DELETE FROM conflict");
}

std::vector<EntityId> Projection::with_state() {
    std::vector<EntityId> out;
    auto stmt = db.prepare("SELECT e.id FROM entity e JOIN state s ON s.eno = e.eno");
    while (stmt.step()) out.push_back(id_at(stmt, 0));
    return out;
}

}  // namespace streetlog::store
