#include "sync/store/entity_states.hpp"

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"

namespace streetlog::store {
namespace {

/// Entities kept between transactions: a page's worth of neighbours.
constexpr std::size_t kSlotsMax = 4096;

/// SQLITE_CORRUPT: the bytes of a state fail their check.
constexpr int kCorrupt = 11;

/// The column of a create op that says what the entity hangs on: the enrollment if it has one, then
/// the client, then whatever comes first.
std::uint16_t parent_column(const hud::Table& table) {
    std::uint16_t best = 0;
    int rank = 0;
    for (const hud::Column& column : table.columns) {
        if (column.carried != hud::Carried::kCreate) continue;
        const int now = column.references.starts_with("Enrollment.") ? 3
                        : column.references.starts_with("Client.")   ? 2
                                                                     : 1;
        if (now > rank) {
            rank = now;
            best = column.id;
        }
    }
    return best;
}

}  // namespace

EntityStates::EntityStates(Db& db, DbReplicaNumbers& numbers, Generation of)
    : numbers_(numbers),
      find_(prepare_in(db,
                       of,
                       "SELECT e.eno, e.tbl, e.parent, e.first_ms, e.first_seq FROM entity_id$ i "
                       "JOIN entity$ e ON e.eno = i.eno WHERE i.id = ?1")),
      load_(prepare_in(db, of, "SELECT body FROM state$ WHERE eno = ?1")),
      insert_(prepare_in(db,
                         of,
                         "INSERT INTO entity$(eno, id, tbl, parent, first_ms, first_seq) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")),
      insert_id_(prepare_in(db, of, "INSERT INTO entity_id$ VALUES(?1, ?2)")),
      update_(prepare_in(db,
                         of,
                         "UPDATE entity$ SET tbl = ?2, parent = ?3, first_ms = ?4, first_seq = ?5 "
                         "WHERE eno = ?1")),
      store_(prepare_in(db,
                        of,
                        "INSERT INTO state$(eno, body) VALUES(?1, ?2) "
                        "ON CONFLICT(eno) DO UPDATE SET body = excluded.body")),
      newest_(prepare_in(db, of, "SELECT coalesce(max(eno), 0) FROM entity$")) {
    forget();
}

void EntityStates::forget() {
    slots_.clear();
    pending_.clear();
    next_eno_ = newest_.step() ? newest_.integer(0) + 1 : 1;
    newest_.reset();
}

void EntityStates::trim() {
    if (slots_.size() > kSlotsMax) slots_.clear();
}

EntitySlot& EntityStates::get(EntityId id) {
    const auto known = slots_.find(id);
    if (known != slots_.end()) return *known->second;
    auto slot = std::make_unique<EntitySlot>();
    slot->id = id;
    read(*slot);  // one that cannot be read is not kept as an empty one
    return *slots_.emplace(id, std::move(slot)).first->second;
}

void EntityStates::read(EntitySlot& slot) {
    find_.with(BytesView{slot.id.bytes});
    if (!find_.step()) {
        slot.eno = next_eno_++;
        slot.is_new = true;
        pending_.push_back(&slot);
        return;
    }
    slot.eno = find_.integer(0);
    slot.table = static_cast<std::uint16_t>(find_.integer(1));
    slot.parent = find_.integer(2);
    if (!find_.is_null(3))
        slot.first_written =
            sync::Place{{find_.integer(3)}, {static_cast<std::uint64_t>(find_.integer(4))}};
    find_.reset();
    load_.with(slot.eno);
    if (!load_.step()) return;  // only named by others so far
    auto state = sync::decode_state(load_.blob(0), numbers_);
    load_.reset();
    if (!state) throw StorageFailure("a stored state cannot be read", kCorrupt);
    slot.state = *std::move(state);
}

EntitySlot& EntityStates::touch(EntityId id) {
    EntitySlot& slot = get(id);
    if (!slot.dirty) {
        slot.dirty = true;
        if (!slot.is_new) pending_.push_back(&slot);
    }
    return slot;
}

void EntityStates::derive(EntitySlot& slot) {
    slot.table = 0;
    slot.parent = 0;
    for (const auto& [id, reg] : slot.state.registers) {
        if (id.group != 0) continue;
        const auto siblings = sync::visible(reg);
        const auto* keys = sync::winner(siblings, id);
        const hud::Table* table = hud::find_table(id.table);
        if (keys == nullptr || table == nullptr || table->kind == hud::EntityKind::kFacet) continue;
        slot.table = id.table;
        if (const auto parent = id_in(keys->cells, parent_column(*table));
            parent && !parent->is_nil())
            slot.parent = get(*parent).eno;
        return;
    }
}

void EntityStates::write_entity(EntitySlot& slot) {
    const auto table = slot.table;
    const auto parent = slot.parent;
    if (slot.dirty) derive(slot);
    const auto& first = slot.state.first;
    const bool changed =
        table != slot.table || parent != slot.parent || first != slot.first_written;
    if (!slot.is_new && !changed) return;
    const std::optional<std::int64_t> up =
        slot.parent == 0 ? std::nullopt : std::optional{slot.parent};
    const auto ms = first.transform([](const sync::Place& p) { return p.received.ms; });
    const auto seq = first.transform(
        [](const sync::Place& p) { return static_cast<std::int64_t>(p.seq.value); });
    if (slot.is_new) {
        insert_.with(slot.eno, BytesView{slot.id.bytes}, slot.table, up, ms, seq).run();
        insert_id_.with(BytesView{slot.id.bytes}, slot.eno).run();
    } else {
        update_.with(slot.eno, slot.table, up, ms, seq).run();
    }
}

void EntityStates::flush(const std::function<void(EntitySlot&)>& written) {
    // `get` may add parents behind the one at hand; they are reached in their turn.
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        EntitySlot& slot = *pending_[i];
        write_entity(slot);
        if (slot.dirty) {
            const Bytes body = sync::encode_state(slot.state, numbers_);
            store_.with(slot.eno, BytesView{body}).run();
            written(slot);
        }
        slot.first_written = slot.state.first;
        slot.is_new = false;
        slot.dirty = false;
    }
    pending_.clear();
}

}  // namespace streetlog::store
