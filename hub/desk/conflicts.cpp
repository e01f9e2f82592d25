#include <set>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "hub/desk/words.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/store/id_at.hpp"

/// Two values where one is wanted: both are kept until a person decides.
namespace streetlog::hub {
namespace {

namespace json = boost::json;

struct Place {
    EntityId entity;
    sync::RegisterId reg;

    friend auto operator<=>(const Place&, const Place&) = default;
};

/// Every group that needs a decision: of one entity, or of a merged profile under its canonical id.
Result<std::set<Place>> open_conflicts(HubProjection& projection) {
    std::set<Place> out;
    auto own = projection.db().prepare(
        "SELECT coalesce(r.id, e.id), x.tbl, x.grp FROM conflict x JOIN entity e ON e.eno = x.eno "
        "LEFT JOIN canon c ON c.eno = x.eno LEFT JOIN entity r ON r.eno = c.root");
    while (own.step())
        out.insert({store::id_at(own, 0),
                    {static_cast<std::uint16_t>(own.integer(1)),
                     static_cast<std::uint16_t>(own.integer(2))}});
    std::vector<EntityId> merged;
    auto roots = projection.db().prepare(
        "SELECT DISTINCT e.id FROM canon c JOIN entity e ON e.eno = c.root");
    while (roots.step()) merged.push_back(store::id_at(roots, 0));
    for (const EntityId root : merged) {
        STREETLOG_TRY(const auto groups, projection.read().groups(root, store::View::kMerged));
        for (const auto& [reg, view] : groups) {
            if (view.conflict)
                out.insert({root, reg});
            else
                out.erase({root, reg});  // decided on another member's screen
        }
    }
    return out;
}

/// One row a value; the first is the one that shows until somebody decides.
void add_values(json::array& rows, const Place& place, const store::GroupView& view) {
    std::vector<std::vector<sync::Cell>> values{view.cells};
    values.insert(values.end(), view.others.begin(), view.others.end());
    for (std::size_t i = 0; i < values.size(); ++i)
        rows.push_back(json::object{{"entity", to_string(place.entity)},
                                    {"table", table_name(place.reg.table)},
                                    {"group", group_name(place.reg.group)},
                                    {"pick", i + 1},
                                    {"shown", i == 0},
                                    {"values", cells_as_json(values[i])}});
}

}  // namespace

Result<json::object> Desk::conflicts() {
    STREETLOG_TRY(const auto open, open_conflicts(follower_.projection()));
    json::array rows;
    for (const Place& place : open) {
        STREETLOG_TRY(
            const auto view,
            follower_.projection().read().group(place.entity, place.reg, store::View::kMerged));
        add_values(rows, place, view);
    }
    return json::object{{"open", open.size()}, {"conflicts", std::move(rows)}};
}

Result<json::object> Desk::resolve(const json::object& arguments) {
    STREETLOG_TRY(const auto id, entity_of(arguments, "ID"));
    STREETLOG_TRY(const auto key, text_of(arguments, "GROUP"));
    const auto pick = optional_number(arguments, "pick").value_or(0);
    const auto groups = hud::groups();
    const auto group = std::ranges::find(groups, key, &hud::Group::key);
    if (group == groups.end())
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("there is no group '{}'", key),
                    "Groups are named in the list: streetlog-hub conflicts");
    auto& reader = follower_.projection().read();
    STREETLOG_TRY(const auto row, reader.entity_of(id));
    const std::uint16_t table = group->table == 0 ? row.table : group->table;
    STREETLOG_TRY(const auto view, reader.group(id, {table, group->id}, store::View::kMerged));
    if (!view.conflict)
        return fail(ErrorCode::kConflict,
                    "that group has no conflict to decide",
                    "See streetlog-hub conflicts");
    if (pick < 1 || std::cmp_greater(pick, view.others.size() + 1))
        return fail(ErrorCode::kUsage,
                    fmt::format("--pick must be a number from 1 to {}", view.others.size() + 1));
    sync::Op op;
    op.entity = id;
    op.kind = sync::OpKind::kResolve;
    op.table = table;
    op.group = group->id;
    op.cells = pick == 1 ? view.cells : view.others[static_cast<std::size_t>(pick) - 2];
    op.supersedes = view.supersedes;
    op.profile = view.profile;
    Drafts drafts;
    drafts.emplace_back(sync::Header{}, std::vector{std::move(op)});
    STREETLOG_CHECK(follower_.author()(std::move(drafts)));
    STREETLOG_CHECK(follower_.catch_up());
    STREETLOG_TRY(const auto now, reader.group(id, {table, group->id}, store::View::kMerged));
    return json::object{{"entity", to_string(id)},
                        {"group", key},
                        {"values", cells_as_json(now.cells)},
                        {"conflict", now.conflict}};
}

}  // namespace streetlog::hub
