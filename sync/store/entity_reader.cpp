#include "sync/store/entity_reader.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sync/merge/canonical.hpp"
#include "sync/store/entity_reader_impl.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::store {
namespace {

std::vector<std::pair<std::int64_t, EntityId>> all_entities(Db& db, const char* sql) {
    std::vector<std::pair<std::int64_t, EntityId>> out;
    auto stmt = db.prepare(sql);
    while (stmt.step()) {
        EntityId id;
        const auto bytes = stmt.blob(1);
        if (bytes.size() == id.bytes.size())
            std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
        out.emplace_back(stmt.integer(0), id);
    }
    return out;
}

}  // namespace

EntityReader::EntityReader(Db& db, sync::Replica self, Overlay overlay)
    : impl_(std::make_unique<Impl>(db, self, std::move(overlay))) {}

void EntityReader::name_self(const sync::Replica& self) { impl_->self = self; }

EntityReader::EntityReader(EntityReader&&) noexcept = default;
EntityReader& EntityReader::operator=(EntityReader&&) noexcept = default;
EntityReader::~EntityReader() = default;

EntityReader::Impl::Impl(Db& connection, sync::Replica own, Overlay screen)
    : db(connection),
      numbers(db),
      self(own),
      overlay(std::move(screen)),
      state_(db.prepare(
          "SELECT s.body FROM entity_id i JOIN state s ON s.eno = i.eno WHERE i.id = ?1")),
      eno_(db.prepare("SELECT eno FROM entity_id WHERE id = ?1")),
      root_(db.prepare("SELECT r.id FROM entity_id i JOIN canon c ON c.eno = i.eno "
                       "JOIN entity r ON r.eno = c.root WHERE i.id = ?1")) {}

std::int64_t EntityReader::Impl::eno_of(EntityId id) {
    eno_.with(BytesView{id.bytes});
    const auto eno = eno_.step() ? eno_.integer(0) : 0;
    eno_.reset();
    return eno;
}

EntityId EntityReader::Impl::canon_of(EntityId id) {
    root_.with(BytesView{id.bytes});
    const EntityId root = root_.step() ? id_at(root_, 0) : id;
    root_.reset();
    return root;
}

Result<sync::EntityState> EntityReader::Impl::load(EntityId id) {
    state_.with(BytesView{id.bytes});
    if (!state_.step()) return sync::EntityState{};
    const auto stored = state_.blob(0);
    const Bytes body(stored.begin(), stored.end());
    state_.reset();
    auto state = sync::decode_state(body, numbers);
    if (!state) {
        numbers.load();  // the writer may have given out new ones since
        state = sync::decode_state(body, numbers);
    }
    if (!state) return fail(ErrorCode::kDamaged, "a stored state cannot be read");
    return state;
}

Result<sync::EntityState> EntityReader::Impl::shown(EntityId id) {
    STREETLOG_TRY(auto state, load(id));
    if (!overlay) return state;
    overlay(eno_of(id), id, state);
    return state;
}

Result<sync::EntityState> EntityReader::load(EntityId id) {
    return guarded_job([&] { return impl_->load(id); });
}

Result<sync::EntityState> EntityReader::shown(EntityId id) {
    return guarded_job([&] { return impl_->shown(id); });
}

Result<EntityRow> EntityReader::entity_of(EntityId id) {
    return guarded_job([&]() -> Result<EntityRow> {
        auto stmt = impl_->db.prepare(
            "SELECT e.tbl, p.id, e.first_ms, e.first_seq FROM entity_id i JOIN entity e ON e.eno = "
            "i.eno LEFT JOIN entity p ON p.eno = e.parent WHERE i.id = ?1");
        stmt.with(BytesView{id.bytes});
        if (!stmt.step()) return fail(ErrorCode::kNotFound, "nothing is known here of the entity");
        EntityRow row;
        row.table = static_cast<std::uint16_t>(stmt.integer(0));
        row.parent = id_at(stmt, 1);
        if (!stmt.is_null(2))
            row.first =
                sync::Place{{stmt.integer(2)}, {static_cast<std::uint64_t>(stmt.integer(3))}};
        stmt.reset();
        return row;
    });
}

Result<EntityId> EntityReader::canon_of(EntityId id) {
    return guarded_job([&]() -> Result<EntityId> { return impl_->canon_of(id); });
}

Result<std::vector<EntityId>> EntityReader::profile_of(EntityId id) {
    STREETLOG_TRY(const auto root, canon_of(id));
    return guarded_job([&]() -> Result<std::vector<EntityId>> {
        std::vector<EntityId> out{root};
        auto stmt = impl_->db.prepare(
            "SELECT m.id FROM entity_id i JOIN canon c ON c.root = i.eno JOIN entity m ON m.eno = "
            "c.eno WHERE i.id = ?1 AND m.eno <> i.eno ORDER BY m.id");
        stmt.with(BytesView{root.bytes});
        while (stmt.step()) out.push_back(id_at(stmt, 0));
        return out;
    });
}

namespace {

GroupView view_of(std::span<const sync::Seen> seen,
                  EntityId id,
                  sync::RegisterId reg,
                  const sync::Replica& self) {
    GroupView out;
    const auto siblings = sync::siblings_of(seen);
    const auto* winner = sync::winner(siblings, reg, self);
    if (winner != nullptr) out.cells = winner->cells;
    auto names = sync::on_screen(seen, id, sync::SaveForm::kFull);
    out.supersedes = std::move(names.supersedes);
    out.profile = std::move(names.profile);
    out.conflict = sync::needs_review(seen, reg);
    for (const auto* sibling : siblings)
        if (sibling != winner && !sync::same_value(*sibling, *winner))
            out.others.push_back(sibling->cells);
    return out;
}

}  // namespace

Result<std::vector<std::pair<sync::RegisterId, GroupView>>> EntityReader::groups(EntityId id,
                                                                                 View view) {
    std::vector<EntityId> ids{id};
    if (view == View::kMerged) {
        STREETLOG_TRY(ids, profile_of(id));
    }
    return guarded_job([&]() -> Result<std::vector<std::pair<sync::RegisterId, GroupView>>> {
        std::vector<sync::EntityState> states;
        states.reserve(ids.size());
        std::vector<sync::Member> members;
        std::set<sync::RegisterId> registers;
        for (const EntityId member : ids) {
            STREETLOG_TRY(auto state, impl_->shown(member));
            for (const auto& [reg, value] : state.registers) registers.insert(reg);
            states.push_back(std::move(state));
            members.push_back({member, &states.back()});
        }
        std::vector<std::pair<sync::RegisterId, GroupView>> out;
        for (const auto& reg : registers) {
            const auto seen = sync::merged_view(members, reg);
            if (!seen.empty()) out.emplace_back(reg, view_of(seen, id, reg, impl_->self));
        }
        return out;
    });
}

Result<GroupView> EntityReader::group(EntityId id, sync::RegisterId reg, View view) {
    STREETLOG_TRY(auto all, groups(id, view));
    const auto at = std::ranges::find(all, reg, [](const auto& entry) { return entry.first; });
    if (at == all.end()) return GroupView{};
    return std::move(at->second);
}

Result<void> EntityReader::dump(const std::function<void(std::string_view)>& sink) {
    return guarded_job([&]() -> Result<void> {
        std::string text;
        for (const auto& [eno, id] :
             all_entities(impl_->db, "SELECT eno, id FROM entity_id ORDER BY id")) {
            STREETLOG_TRY(const auto state, load(id));
            if (state == sync::EntityState{}) continue;
            text.clear();
            sync::append_canonical(text, id, state);
            sink(text);
        }
        for (const auto& [eno, id] :
             all_entities(impl_->db,
                          "SELECT e.eno, e.id FROM canon c JOIN entity e ON e.eno = c.eno "
                          "WHERE c.root <> c.eno ORDER BY e.id")) {
            STREETLOG_TRY(const auto root, canon_of(id));
            sink(fmt::format("canon {} {}\n", to_string(id), to_string(root)));
        }
        return {};
    });
}

Result<sync::Hash> EntityReader::dump_hash() {
    return guarded_job([&]() -> Result<sync::Hash> {
        sync::CanonicalHash hash;
        for (const auto& [eno, id] :
             all_entities(impl_->db, "SELECT eno, id FROM entity_id ORDER BY id")) {
            STREETLOG_TRY(const auto state, load(id));
            if (!(state == sync::EntityState{})) hash.add(id, state);
        }
        for (const auto& [eno, id] :
             all_entities(impl_->db,
                          "SELECT e.eno, e.id FROM canon c JOIN entity e ON e.eno = c.eno "
                          "WHERE c.root <> c.eno ORDER BY e.id")) {
            STREETLOG_TRY(const auto root, canon_of(id));
            hash.add_canon(id, root);
        }
        return hash.finish();
    });
}

}  // namespace streetlog::store
