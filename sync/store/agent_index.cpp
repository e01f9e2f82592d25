#include "sync/store/agent_impl.hpp"
#include "sync/store/id_at.hpp"

/// The client index: a row takes the place of the one that was here. What this device wrote on
/// somebody it knows from the index alone is an entity's state like any other; it lies on top until
/// all scopes have been read beyond it, and goes then (agent_scopes.cpp, sweep).
namespace streetlog::store {
namespace {

/// Rows that leave in one transaction: a Save waits no longer than that.
constexpr std::int64_t kLeaveStep = 500;
constexpr int kCorrupt = 11;  // SQLITE_CORRUPT

/// The tables of the index, for as long as one transaction.
class IndexWriter {
  public:
    IndexWriter(Db& db, DbReplicaNumbers& numbers, EntityStates& states)
        : numbers_(numbers),
          states_(states),
          known_(db.prepare("SELECT hub_seq, person FROM index_row WHERE root = ?1")),
          row_add_(db.prepare(
              "INSERT INTO index_row(root, hub_seq, day, person) VALUES(?1, ?2, ?3, ?4)")),
          row_drop_(db.prepare("DELETE FROM index_row WHERE root = ?1")),
          member_add_(db.prepare("INSERT OR REPLACE INTO index_member VALUES(?1, ?2)")),
          member_drop_(db.prepare("DELETE FROM index_member WHERE id = ?1 AND root = ?2")),
          key_add_(db.prepare("INSERT OR IGNORE INTO index_key VALUES(?1, ?2, ?3)")),
          key_drop_(db.prepare("DELETE FROM index_key WHERE kind = ?1 AND key = ?2 AND root = ?3")),
          written_on_(db.prepare("SELECT 1 FROM entity_id i JOIN entity e ON e.eno = i.eno "
                                 "JOIN state s ON s.eno = e.eno WHERE i.id = ?1 AND e.tbl = 0")) {}

    /// Pages may come twice, and late.
    [[nodiscard]] bool is_older(const sync::IndexRow& row) {
        known_.with(BytesView{row.root.bytes});
        const bool older =
            known_.step() && static_cast<std::uint64_t>(known_.integer(0)) > row.at.value;
        known_.reset();
        return older;
    }

    void put(const sync::IndexRow& row) {
        const Bytes person = sync::encode_person(*row.person, numbers_);
        const BytesView root{row.root.bytes};
        row_add_.with(root, row.at.value, row.last_seen_day, BytesView{person}).run();
        for (const auto& member : row.person->members) {
            member_add_.with(BytesView{member.id.bytes}, root).run();
            show_anew(member.id);
        }
        for (const auto& [kind, key] : keys_of(*row.person)) key_add_.with(kind, key, root).run();
    }

    void drop(EntityId id) {
        const BytesView root{id.bytes};
        known_.with(root);
        if (!known_.step()) return;
        const auto person = sync::decode_person(known_.blob(1), numbers_);
        known_.reset();
        if (!person) throw StorageFailure("a stored row of the index cannot be read", kCorrupt);
        for (const auto& [kind, key] : keys_of(*person)) key_drop_.with(kind, key, root).run();
        // A member may be another row's by now: rows of a merge come in any order.
        for (const auto& member : person->members) {
            member_drop_.with(BytesView{member.id.bytes}, root).run();
            show_anew(member.id);
        }
        row_drop_.with(root).run();
    }

  private:
    /// What is read of somebody who was written on here is that with what the index says beneath.
    void show_anew(EntityId id) {
        written_on_.with(BytesView{id.bytes});
        const bool written_on = written_on_.step();
        written_on_.reset();
        if (written_on) states_.touch(id);
    }

    DbReplicaNumbers& numbers_;
    EntityStates& states_;
    Stmt known_, row_add_, row_drop_, member_add_, member_drop_, key_add_, key_drop_, written_on_;
};

}  // namespace

Result<void> AgentStore::Impl::apply_index(const sync::Page& page) {
    STREETLOG_TRY(const Bytes raw, sync::unpack(page.encoding, page.raw_bytes, page.states));
    STREETLOG_TRY(const auto rows, sync::decode_index_rows(raw));
    IndexWriter index{db, numbers, live.projection.states};
    for (const sync::IndexRow& row : rows) {
        if (index.is_older(row)) continue;
        index.drop(row.root);
        if (row.person) index.put(row);
    }
    return {};
}

/// False when that was all.
bool AgentStore::Impl::leave_some_of_index() {
    std::vector<EntityId> leaving;
    auto rows = db.prepare("SELECT root FROM index_row LIMIT ?1");
    rows.with(kLeaveStep);
    while (rows.step()) leaving.push_back(id_at(rows, 0));
    IndexWriter index{db, numbers, live.projection.states};
    for (const EntityId root : leaving) index.drop(root);
    return static_cast<std::int64_t>(leaving.size()) == kLeaveStep;
}

}  // namespace streetlog::store
