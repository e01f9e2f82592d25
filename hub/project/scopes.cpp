#include "hub/project/scopes.hpp"

#include "hub/feed/audience.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "schema/planted.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"

namespace streetlog::hub {
namespace {

namespace tbl = hud::tbl;

/// How far a child may be from its stay or client: the result of an assessment is two steps away.
constexpr int kDepthMax = 8;

/// The column by which a create of this table names a project; 0: none.
std::uint16_t project_column(std::uint16_t table) {
    const hud::Table* known = hud::find_table(table);
    if (known == nullptr) return 0;
    for (const hud::Column& column : known->columns)
        if (column.carried == hud::Carried::kCreate && column.name == "ProjectID") return column.id;
    return 0;
}

}  // namespace

Scopes::Scopes(store::Db& db, store::EntityStates& states)
    : db_(db),
      states_(states),
      scope_get_(db.prepare("SELECT no FROM scope WHERE project = ?1")),
      scope_add_(db.prepare("INSERT INTO scope(no, project) "
                            "SELECT max(coalesce(max(no), 0) + 1, ?2), ?1 FROM scope")),
      home_get_(db.prepare("SELECT scope FROM scope_home WHERE eno = ?1")),
      home_add_(db.prepare("INSERT OR IGNORE INTO scope_home VALUES(?1, ?2)")),
      member_of_(db.prepare("SELECT scope FROM scope_member WHERE eno = ?1 ORDER BY scope")),
      member_add_(db.prepare("INSERT OR IGNORE INTO scope_member VALUES(?1, ?2)")),
      change_(db.prepare("INSERT INTO scope_change VALUES(?1, ?2, ?3) ON CONFLICT(scope, eno) "
                         "DO UPDATE SET hub_seq = max(hub_seq, excluded.hub_seq)")),
      entity_(db.prepare("SELECT tbl, parent FROM entity WHERE eno = ?1")),
      children_(db.prepare("SELECT eno, tbl FROM entity WHERE parent = ?1")),
      office_(db.prepare("INSERT OR IGNORE INTO office_run VALUES(?1)")) {}

void Scopes::clear() {
    db_.exec(
        "DELETE FROM scope; DELETE FROM scope_home; DELETE FROM scope_member;"
        "DELETE FROM scope_change; DELETE FROM office_run");
    forget();
}

void Scopes::forget() {
    wrote_.clear();
    made_.clear();
    noted_.clear();
}

void Scopes::note(const store::EntitySlot& slot) {
    // A project has its scope before anything happens there, so that devices can be promised it.
    if (slot.table == tbl::kProject) static_cast<void>(scope_of(slot.id));
    const auto at = wrote_.find(slot.id);
    // One whose create was set aside has no table, and may be the client of a stay all the same.
    if (at == wrote_.end() || (slot.table != 0 && !for_projects(slot.table))) return;
    const auto made = made_.find(slot.id);
    Noted noted{slot.eno, at->second, {}, {}, made == made_.end() ? at->second : made->second};
    const auto& keys = sync::winner_cells(slot.state, {slot.table, 0});
    if (const auto column = project_column(slot.table); column != 0)
        noted.project = store::id_in(keys, column).value_or(EntityId{});
    if (slot.table == tbl::kEnrollment)
        noted.client = store::id_in(keys, hud::col::enrollment::kPersonalID).value_or(EntityId{});
    noted_.push_back(noted);
}

void Scopes::settle() {
    for (const Noted& noted : noted_) find_home(noted);
    for (const Noted& noted : noted_)
        for (const auto scope : scopes_of(noted.eno))
            change_.with(scope, noted.eno, noted.at.value).run();
    forget();
}

std::int64_t Scopes::scope_of(EntityId project) {
    scope_get_.with(store::BytesView{project.bytes});
    if (!scope_get_.step()) {
        scope_add_.with(store::BytesView{project.bytes}, kScopeFirstProject).run();
        scope_get_.with(store::BytesView{project.bytes});
        STREETLOG_ASSERT(scope_get_.step());
    }
    const auto no = scope_get_.integer(0);
    scope_get_.reset();
    return no;
}

/// Gives what names a project its place, and the client of a stay theirs beside it.
void Scopes::find_home(const Noted& noted) {
    if (noted.project.is_nil()) return;
    const auto scope = scope_of(noted.project);
    home_add_.with(noted.eno, scope).run();
    if (db_.changes() > 0) enter(scope, noted.eno, noted.made);
    if (noted.client.is_nil()) return;
    const auto client = states_.get(noted.client).eno;
    member_add_.with(scope, client).run();
    if (db_.changes() > 0 && !planted(Bug::kClientNotEntered)) enter(scope, client, noted.made);
}

/// `eno` and everything that hangs on it is in the scope from here on. The other stays of a client
/// are not: they have homes of their own.
void Scopes::enter(std::int64_t scope, std::int64_t eno, HubSeq at, int depth) {
    change_.with(scope, eno, at.value).run();
    if (depth == kDepthMax) return;
    std::vector<std::int64_t> below;
    children_.with(eno);
    while (children_.step()) {
        const auto table = static_cast<std::uint16_t>(children_.integer(1));
        if (for_projects(table) && project_column(table) == 0)
            below.push_back(children_.integer(0));
    }
    for (const auto child : below) enter(scope, child, at, depth + 1);
}

std::vector<std::int64_t> Scopes::scopes_of(std::int64_t eno, int depth) {
    home_get_.with(eno);
    if (home_get_.step()) {
        const auto scope = home_get_.integer(0);
        home_get_.reset();
        return {scope};
    }
    entity_.with(eno);
    if (!entity_.step()) return {};
    const auto table = static_cast<std::uint16_t>(entity_.integer(0));
    const auto parent = entity_.integer(1);
    entity_.reset();
    std::vector<std::int64_t> out;
    if (table == tbl::kClient || table == 0) {
        member_of_.with(eno);
        while (member_of_.step()) out.push_back(member_of_.integer(0));
        return out;
    }
    if (!for_projects(table) || parent == 0 || depth == kDepthMax) return out;
    return scopes_of(parent, depth + 1);
}

}  // namespace streetlog::hub
