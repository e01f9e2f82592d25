#include <algorithm>

#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/hlc.hpp"
#include "sync/session/state_rows.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/id_at.hpp"

/// Scopes of states: what the hub sends of an entity takes the place of what was here, with this
/// device's own records on top that the hub had not merged by then. And leaving a scope, which
/// removes what no other scope holds and never anything unsent.
namespace streetlog::store {
namespace {

/// Entities that leave in one transaction: a Save waits no longer than that.
constexpr std::int64_t kLeaveStep = 500;

/// The scope that is everything, as records; its entities are not listed in scope_entity.
constexpr std::uint32_t kEverything = 1;
/// What every device needs, as records of the hub.
constexpr std::uint32_t kOffice = 3;
/// The client index, whose rows have tables of their own.
constexpr std::uint32_t kIndex = 2;
/// Scopes from here on are of states.
constexpr std::uint32_t kFirstOfStates = 16;

/// Every device keeps these, whatever its scopes: they came as records of the hub. Not what nobody
/// here knows the table of: its create was hidden, and its release is news of some project.
bool kept_by_all(std::uint16_t table) {
    const hud::Table* known = hud::find_table(table);
    return known != nullptr &&
           (table == hud::tbl::kClientLink || known->kind == hud::EntityKind::kReference);
}

void add_entities(const sync::Record& record, std::set<EntityId>& out) {
    for (const sync::Op& op : record.ops)
        if (!op.entity.is_nil() && !kept_by_all(op.table)) out.insert(op.entity);
}

}  // namespace

/// The newest own record that the hub is known to have merged at `as_of`: those after it have no
/// receipt, or were received later.
std::uint64_t AgentStore::Impl::own_merged(HubSeq as_of) {
    std::uint64_t merged = std::min(me.next_seq - 1, me.acked);
    auto receipts =
        db.prepare("SELECT first_seq, last_seq, hub_seq FROM receipt ORDER BY first_seq DESC");
    while (receipts.step()) {
        const auto first = static_cast<std::uint64_t>(receipts.integer(0));
        const auto count = static_cast<std::uint64_t>(receipts.integer(1)) - first + 1;
        if (static_cast<std::uint64_t>(receipts.integer(2)) + count - 1 <= as_of.value) break;
        merged = std::min(merged, first - 1);
    }
    receipts.reset();
    // Of those whose receipts were lost with their acks nobody knows the place yet.
    for (std::uint64_t seq = me.stamped + 1; seq <= merged; seq = receipt_cached.last_seq + 1)
        if (!receipt_of(seq)) return seq - 1;
    return merged;
}

void AgentStore::Impl::put_own_on(const std::set<EntityId>& entities, HubSeq as_of) {
    const std::uint64_t merged = own_merged(as_of);
    // A hub that reads its own log anew may know less than it did when they were swept.
    unsweep(merged);
    for (std::uint64_t seq = merged + 1; seq < me.next_seq; ++seq) {
        const sync::Record record = own_record(seq);
        const bool concerned = std::ranges::any_of(
            record.ops, [&](const sync::Op& op) { return entities.contains(op.entity); });
        if (concerned && !stamp_one(live, seq)) live.projection.put(record, std::nullopt);
    }
}

Result<void> AgentStore::Impl::apply_scope(const sync::Page& page) {
    if (page.scope == kEverything) {
        // Own records come without their bodies: what was dropped with another scope is put again.
        auto known = db.prepare("SELECT 1 FROM cursor WHERE scope = ?1 AND hub_seq > 0");
        known.with(kEverything);
        if (!known.step()) me.stamped = 0;
        known.reset();
    }
    if (page.states.empty()) return {};
    STREETLOG_CHECK(page.scope == kIndex ? apply_index(page) : apply_states(page));
    return {};
}

Result<void> AgentStore::Impl::apply_states(const sync::Page& page) {
    STREETLOG_TRY(const Bytes raw, sync::unpack(page.encoding, page.raw_bytes, page.states));
    STREETLOG_TRY(auto rows, sync::decode_state_rows(raw));
    auto belongs = db.prepare("INSERT OR IGNORE INTO scope_entity VALUES(?1, ?2)");
    const bool leaving = std::ranges::any_of(rows, &sync::StateRow::left);
    const auto unsent = leaving ? own_entities(me.acked, me.next_seq - 1) : std::set<EntityId>{};
    sync::Hlc clock{me.hlc};
    std::set<EntityId> replaced;
    for (sync::StateRow& row : rows) {
        if (row.left) {
            forget_in(page.scope, row.entity, unsent);
            continue;
        }
        for (const auto& [id, reg] : row.state.registers)
            for (const auto& sibling : reg.siblings)
                if (sibling.receipt) clock.absorb(sibling.receipt->hlc_hub);
        belongs.with(page.scope, BytesView{row.entity.bytes}).run();
        live.projection.states.touch(row.entity).state = std::move(row.state);
        replaced.insert(row.entity);
    }
    me.hlc = clock.last();
    put_own_on(replaced, page.as_of);
    return {};
}

std::set<EntityId> AgentStore::Impl::own_entities(std::uint64_t after, std::uint64_t last) {
    std::set<EntityId> out;
    for (std::uint64_t seq = after + 1; seq <= last; ++seq) add_entities(own_record(seq), out);
    return out;
}

std::set<EntityId> AgentStore::Impl::own_entities_before() {
    std::set<EntityId> out;
    auto rows = db.prepare("SELECT body FROM own_before");
    while (rows.step()) add_entities(need_own(rows.blob(0)), out);
    return out;
}

/// What this device wrote outside its scopes goes once the hub has it and says nothing of it here:
/// looked at when every scope has been read beyond it and its own receipt, which puts it again, is
/// in.
void AgentStore::Impl::sweep() {
    auto cursors = db.prepare("SELECT scope, max(hub_seq, through) FROM cursor");
    std::optional<HubSeq> read;
    while (cursors.step()) {
        const auto scope = static_cast<std::uint32_t>(cursors.integer(0));
        if (scope == kEverything) return;
        if (scope != kIndex && scope < kFirstOfStates) continue;
        const HubSeq reach{static_cast<std::uint64_t>(cursors.integer(1))};
        read = std::min(read.value_or(reach), reach);
    }
    if (!read) return;
    auto row = db.prepare("SELECT seq FROM scope_swept");
    const bool swept = row.step();
    const std::uint64_t after = swept ? static_cast<std::uint64_t>(row.integer(0)) : 0;
    row.reset();
    const std::uint64_t merged = std::min(own_merged(*read), me.stamped);
    if (swept && merged <= after) return;
    const auto unsent = own_entities(merged, me.next_seq - 1);
    for (const EntityId id : own_entities(after, merged)) forget_in(0, id, unsent);
    // Under numbers this device had before: those that kept theirs, which the hub had by then.
    if (!swept)
        for (const EntityId id : own_entities_before()) forget_in(0, id, unsent);
    db.prepare("INSERT OR REPLACE INTO scope_swept VALUES(1, ?1)").with(merged).run();
}

/// The own records after that one are put again, and with them what they wrote outside the scopes.
void AgentStore::Impl::unsweep(std::uint64_t after) {
    db.prepare("UPDATE scope_swept SET seq = min(seq, ?1)").with(after).run();
}

void AgentStore::Impl::sweep_again(std::uint64_t after) {
    unsweep(after);
    sweep();
}

/// The entity is no longer in the scope; it goes unless another scope holds it or something of it
/// is unsent.
void AgentStore::Impl::forget_in(std::uint32_t scope,
                                 EntityId id,
                                 const std::set<EntityId>& unsent) {
    db.prepare("DELETE FROM scope_entity WHERE scope = ?1 AND id = ?2")
        .with(scope, BytesView{id.bytes})
        .run();
    auto others = db.prepare("SELECT 1 FROM scope_entity WHERE id = ?1 LIMIT 1");
    others.with(BytesView{id.bytes});
    const bool held = others.step();
    others.reset();
    if (!held && !unsent.contains(id)) live.projection.drop(id);
}

/// False when that was all.
bool AgentStore::Impl::leave_some(std::uint32_t scope, std::int64_t& after) {
    if (scope == kIndex) return leave_some_of_index();
    std::vector<EntityId> leaving;
    std::int64_t looked = 0;
    if (scope == kEverything) {
        auto rows = db.prepare(
            "SELECT e.eno, e.id, e.tbl FROM entity e WHERE e.eno > ?1 AND NOT EXISTS"
            "(SELECT 1 FROM scope_entity x WHERE x.id = e.id) ORDER BY e.eno LIMIT ?2");
        rows.with(after, kLeaveStep);
        for (; rows.step(); ++looked) {
            after = rows.integer(0);
            if (!kept_by_all(static_cast<std::uint16_t>(rows.integer(2))))
                leaving.push_back(id_at(rows, 1));
        }
    } else {
        auto rows = db.prepare("SELECT id FROM scope_entity WHERE scope = ?1 LIMIT ?2");
        rows.with(scope, kLeaveStep);
        for (; rows.step(); ++looked) leaving.push_back(id_at(rows, 0));
    }
    const auto unsent = own_entities(me.acked, me.next_seq - 1);
    for (const EntityId id : leaving) forget_in(scope, id, unsent);
    return looked == kLeaveStep;
}

Result<void> AgentStore::leave_scope(std::uint32_t scope) {
    if (scope == kEverything) STREETLOG_CHECK(drop_snapshot());
    auto from_start = impl_->db.prepare(
        "UPDATE cursor SET hub_seq = 0, hub_hash = zeroblob(32), through = 0 WHERE scope = ?1");
    std::int64_t after = 0;
    for (bool more = true; more;)
        STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
            // If this ends early the scope may be granted again, and what went is not here.
            from_start.with(scope).run();
            more = impl_->leave_some(scope, after);
            return {};
        }));
    return impl_->transact([&]() -> Result<void> {
        impl_->db.prepare("DELETE FROM cursor WHERE scope = ?1").with(scope).run();
        if (scope == kEverything) {
            // The records of others, which nobody may read here any more.
            for (const char* table : {"run", "held"})
                impl_->db
                    .prepare(fmt::format("DELETE FROM {} WHERE replica_no NOT IN(SELECT no FROM "
                                         "replica WHERE device = ?1)",
                                         table)
                                 .c_str())
                    .with(BytesView{impl_->me.settings.hub.bytes})
                    .run();
            impl_->forget_base();
        }
        // The hub's own records come with either of two scopes. The hub may have lost some of those
        // that came with this one: they stay until the other has been read, and no longer.
        if (scope == kEverything) impl_->read_from_start(kOffice);
        if (scope == kOffice) impl_->read_from_start(kEverything);
        impl_->db.exec("DELETE FROM scope_swept");
        return {};
    });
}

/// States that only pages can give are not made again but kept; `rebuild` puts the rest around
/// them.
std::vector<std::pair<EntityId, Bytes>> AgentStore::Impl::scoped_states() {
    std::vector<std::pair<EntityId, Bytes>> out;
    auto rows = db.prepare(
        "SELECT DISTINCT x.id, s.body FROM scope_entity x JOIN entity_id e ON e.id = x.id "
        "JOIN state s ON s.eno = e.eno");
    while (rows.step()) {
        const auto body = rows.blob(1);
        out.emplace_back(id_at(rows, 0), Bytes(body.begin(), body.end()));
    }
    return out;
}

}  // namespace streetlog::store
