#include "sync/store/agent_reader.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/store/agent_impl.hpp"
#include "sync/store/agent_rows.hpp"
#include "sync/store/agent_schema.hpp"

namespace streetlog::store {

AgentReader::AgentReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AgentReader::AgentReader(AgentReader&&) noexcept = default;
AgentReader& AgentReader::operator=(AgentReader&&) noexcept = default;
AgentReader::~AgentReader() = default;

AgentReader::Impl::Impl(Db& connection, std::unique_ptr<Db> keep, sync::Replica replica)
    : owned(std::move(keep)), db(connection), numbers(db), overlay(db), self(replica) {}

Result<AgentReader> AgentReader::open(const std::filesystem::path& file) {
    return guarded_job([&]() -> Result<AgentReader> {
        STREETLOG_TRY(auto opened,
                      Db::open(file, Access::kRead, Durability::kFull, kAgentApplication));
        auto db = std::make_unique<Db>(std::move(opened));
        if (db->user_version() != static_cast<int>(agent_schema().size()))
            return fail(ErrorCode::kWrongDatabase,
                        fmt::format("{} is of another version", file.string()),
                        "Start the agent of this version once; it brings the file up to date.");
        const auto me = read_me(*db);
        if (!me)
            return fail(ErrorCode::kNotFound,
                        fmt::format("{} is not set up", file.string()),
                        "Enroll this device with its hub first.");
        Db& connection = *db;
        return AgentReader{std::make_unique<Impl>(connection, std::move(db), me->settings.self)};
    });
}

std::int64_t AgentReader::Impl::eno_of(EntityId id) {
    auto stmt = db.prepare("SELECT eno FROM entity WHERE id = ?1");
    stmt.with(BytesView{id.bytes});
    const auto eno = stmt.step() ? stmt.integer(0) : 0;
    stmt.reset();
    return eno;
}

Result<sync::EntityState> AgentReader::Impl::load(EntityId id) {
    auto stmt =
        db.prepare("SELECT s.body FROM entity e JOIN state s ON s.eno = e.eno WHERE e.id = ?1");
    stmt.with(BytesView{id.bytes});
    if (!stmt.step()) return sync::EntityState{};
    auto state = sync::decode_state(stmt.blob(0), numbers);
    if (!state) {
        numbers.load();  // the writer may have given out new ones since
        state = sync::decode_state(stmt.blob(0), numbers);
    }
    if (!state) return fail(ErrorCode::kDamaged, "a stored state cannot be read");
    return state;
}

Result<sync::EntityState> AgentReader::Impl::shown(EntityId id) {
    STREETLOG_TRY(auto state, load(id));
    const auto eno = eno_of(id);
    if (eno != 0)
        if (const auto refused = overlay.refused_on(eno); !refused.empty())
            overlay.put_back(refused, id, state);
    return state;
}

Result<sync::EntityState> AgentReader::load(EntityId id) {
    return guarded_job([&] { return impl_->load(id); });
}

Result<sync::EntityState> AgentReader::shown(EntityId id) {
    return guarded_job([&] { return impl_->shown(id); });
}

Result<AgentSettings> AgentReader::settings() {
    return guarded_job([&]() -> Result<AgentSettings> {
        auto me = read_me(impl_->db);
        if (!me) return fail(ErrorCode::kNotFound, "this device is not set up");
        return std::move(me->settings);
    });
}

Result<EntityRow> AgentReader::entity_of(EntityId id) {
    return guarded_job([&]() -> Result<EntityRow> {
        auto stmt = impl_->db.prepare(
            "SELECT e.tbl, p.id, e.first_ms, e.first_seq FROM entity e "
            "LEFT JOIN entity p ON p.eno = e.parent WHERE e.id = ?1");
        stmt.with(BytesView{id.bytes});
        if (!stmt.step()) return fail(ErrorCode::kNotFound, "this device does not know the entity");
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

Result<EntityId> AgentReader::canon_of(EntityId id) {
    return guarded_job([&]() -> Result<EntityId> {
        auto stmt = impl_->db.prepare(
            "SELECT r.id FROM entity e JOIN canon c ON c.eno = e.eno JOIN entity r ON r.eno = "
            "c.root WHERE e.id = ?1");
        stmt.with(BytesView{id.bytes});
        const EntityId root = stmt.step() ? id_at(stmt, 0) : id;
        stmt.reset();
        return root;
    });
}

Result<std::vector<EntityId>> AgentReader::profile_of(EntityId id) {
    STREETLOG_TRY(const auto root, canon_of(id));
    return guarded_job([&]() -> Result<std::vector<EntityId>> {
        std::vector<EntityId> out{root};
        auto stmt = impl_->db.prepare(
            "SELECT m.id FROM entity e JOIN canon c ON c.root = e.eno JOIN entity m ON m.eno = "
            "c.eno WHERE e.id = ?1 AND m.eno <> e.eno ORDER BY m.id");
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

Result<std::vector<std::pair<sync::RegisterId, GroupView>>> AgentReader::groups(EntityId id,
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

Result<GroupView> AgentReader::group(EntityId id, sync::RegisterId reg, View view) {
    STREETLOG_TRY(auto all, groups(id, view));
    const auto at = std::ranges::find(all, reg, [](const auto& entry) { return entry.first; });
    if (at == all.end()) return GroupView{};
    return std::move(at->second);
}

Result<sync::Record> AgentReader::own_record(std::uint64_t seq) {
    return guarded_job([&]() -> Result<sync::Record> {
        auto stmt = impl_->db.prepare("SELECT body FROM own WHERE seq = ?1");
        stmt.with(seq);
        if (!stmt.step())
            return fail(ErrorCode::kNotFound, fmt::format("there is no own record {}", seq));
        return decode_own(stmt.blob(0));
    });
}

}  // namespace streetlog::store
