#include "sync/store/snapshot_loader.hpp"

#include <algorithm>
#include <utility>

#include "sync/merge/view.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::store {

/// The snapshot's numbers for replicas, and whether the store's own happen to be the same: then the
/// bytes of a state can be kept as they came. That is so on a device that has met nobody yet.
class SnapshotLoader::Numbers final : public sync::ReplicaNumbers {
  public:
    Numbers(std::vector<sync::Replica> replicas, DbReplicaNumbers& store)
        : replicas_(std::move(replicas)) {
        for (std::size_t i = 0; i < replicas_.size(); ++i)
            same_ = store.number_of(replicas_[i]) == i + 1 && same_;
    }

    [[nodiscard]] bool same() const { return same_; }

    [[nodiscard]] std::uint32_t number_of(const sync::Replica& replica) override {
        const auto at = std::ranges::find(replicas_, replica);
        return static_cast<std::uint32_t>(at - replicas_.begin()) + 1;
    }

    [[nodiscard]] std::optional<sync::Replica> replica_of(std::uint32_t number) const override {
        if (number == 0 || number > replicas_.size()) return std::nullopt;
        return replicas_[number - 1];
    }

  private:
    std::vector<sync::Replica> replicas_;
    bool same_ = true;
};

SnapshotLoader::SnapshotLoader(Projection& next,
                               sync::Replica self,
                               std::vector<sync::Replica> replicas,
                               const Understands& understands)
    : next_(next),
      understands_(understands),
      numbers_(std::make_unique<Numbers>(std::move(replicas), next.numbers)),
      tables_(next.db, self, Generation::kNext, ReadTables::Keys::kLater),
      entity_(next.db.prepare("INSERT INTO entity_next VALUES(?1, ?2, ?3, ?4, ?5, ?6)")),
      id_of_(next.db.prepare("SELECT id FROM entity_next WHERE eno = ?1")),
      state_(next.db.prepare("INSERT INTO state_next VALUES(?1, ?2)")),
      canon_(next.db.prepare("INSERT INTO canon_next VALUES(?1, ?2)")),
      conflict_(next.db.prepare("INSERT INTO conflict_next VALUES(?1, ?2, ?3)")) {}

SnapshotLoader::~SnapshotLoader() = default;

Result<void> SnapshotLoader::load(BytesView chunk, std::uint64_t first, std::uint64_t entities) {
    return sync::decode_entities(
        chunk,
        first,
        [&](std::uint64_t number, const sync::SnapshotEntity& entity) -> Result<void> {
            if (number > entities || entity.parent > entities || entity.root > entities)
                return fail(ErrorCode::kMalformed, "a snapshot with more entities than it says");
            return add(number, entity);
        });
}

Result<void> SnapshotLoader::add(std::uint64_t number, const sync::SnapshotEntity& entity) {
    EntitySlot slot;
    slot.eno = static_cast<std::int64_t>(number);
    slot.id = entity.id;
    slot.table = entity.table;
    slot.parent = static_cast<std::int64_t>(entity.parent);
    if (!entity.state.empty()) {
        STREETLOG_TRY(slot.state, sync::decode_state(entity.state, *numbers_));
        if (!understood(slot.state))
            return fail(ErrorCode::kUnsupported,
                        "the snapshot holds what this version does not know",
                        "Update this program; until then the log is read record by record.");
    }
    const auto& place = slot.state.first;
    slot.first_written = place;
    entity_
        .with(slot.eno,
              BytesView{slot.id.bytes},
              slot.table,
              slot.parent == 0 ? std::nullopt : std::optional{slot.parent},
              place.transform([](const sync::Place& p) { return p.received.ms; }),
              place.transform(
                  [](const sync::Place& p) { return static_cast<std::int64_t>(p.seq.value); }))
        .run();
    if (entity.root != 0) canon_.with(slot.eno, entity.root).run();
    if (entity.state.empty()) return {};
    if (numbers_->same()) {
        state_.with(slot.eno, entity.state).run();
    } else {
        const Bytes body = sync::encode_state(slot.state, next_.numbers);
        state_.with(slot.eno, BytesView{body}).run();
    }
    write_rows(slot);
    return {};
}

bool SnapshotLoader::understood(const sync::EntityState& state) const {
    sync::Op op;
    for (const auto& [id, reg] : state.registers) {
        for (const auto& sibling : reg.siblings) {
            op.kind = sibling.kind;
            op.table = id.table;
            op.group = id.group;
            if (!understands_(op)) return false;
        }
    }
    return true;
}

void SnapshotLoader::write_rows(EntitySlot& slot) {
    unresolved_now_ = false;
    tables_.write(slot, slot.state, [&](const EntityId& id) { return number_of(slot, id); });
    if (unresolved_now_) unresolved_.push_back(slot.eno);
    bool links = false;
    for (const auto& [id, reg] : slot.state.registers) {
        links = links || id == sync::kLinkRegister;
        if (reg.siblings.size() < 2) continue;
        const auto siblings = sync::visible(reg);
        if (sync::needs_review(siblings, id)) conflict_.with(slot.eno, id.table, id.group).run();
    }
    if (!links) return;
    next_.links.note(slot);
    next_.links.forget();  // who is whom came with the snapshot
}

/// Nearly always it is the parent that is named.
std::int64_t SnapshotLoader::number_of(const EntitySlot& slot, const EntityId& id) {
    if (slot.parent != 0 && slot.parent != parent_eno_) {
        id_of_.with(slot.parent);
        if (id_of_.step()) {
            parent_eno_ = slot.parent;
            parent_id_ = id_at(id_of_, 0);
            id_of_.reset();
        }
    }
    if (slot.parent != 0 && slot.parent == parent_eno_ && id == parent_id_) return slot.parent;
    unresolved_now_ = true;
    return 0;
}

std::vector<std::int64_t> SnapshotLoader::take_unresolved() {
    return std::exchange(unresolved_, {});
}

}  // namespace streetlog::store
