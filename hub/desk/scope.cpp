#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "schema/hud/fields.hpp"

/// The projects a device is told of. Naming none for it means everything.
namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace col = hud::col::hub_device;

constexpr sync::RegisterId kProjects{hud::tbl::kHubDevice, hud::grp::kHubDeviceProjects};

/// By id or by name, which must be one project's alone.
Result<EntityId> find_project(const std::vector<store::ProjectRow>& all, std::string_view words) {
    const auto id = parse_id<EntityId>(words);
    std::vector<EntityId> found;
    for (const auto& project : all)
        if ((id && project.id == *id) || project.name == words) found.push_back(project.id);
    if (found.size() == 1) return found.front();
    if (found.empty())
        return fail(ErrorCode::kNotFound,
                    fmt::format("there is no project '{}'", words),
                    "The projects came with streetlog-hub import.");
    return fail(ErrorCode::kConflict,
                fmt::format("{} projects are named '{}'", found.size(), words),
                "Name it by its ProjectID.");
}

Result<store::DeviceRow> find_device(store::HubLog& log, std::string_view words) {
    const auto id = parse_id<DeviceId>(words);
    for (const auto& device : log.devices())
        if ((id && device.id == *id) || device.name == words) return device;
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no device '{}'", words),
                "See streetlog-hub device list");
}

json::object as_json(store::HubLog& log,
                     const std::vector<store::ProjectRow>& all,
                     const store::DeviceRow& device) {
    json::array names;
    for (const EntityId id : log.projects_of(device.id)) {
        const auto known = std::ranges::find(all, id, &store::ProjectRow::id);
        names.push_back(json::object{{"ProjectID", to_string(id)},
                                     {"ProjectName", known == all.end() ? "" : known->name}});
    }
    return {{"device", to_string(device.id)},
            {"name", device.name},
            {"told", names.empty() ? "everything" : "its projects"},
            {"projects", std::move(names)}};
}

}  // namespace

Result<json::object> Desk::scope() {
    auto& log = follower_.log();
    STREETLOG_TRY(const auto projects, follower_.projection().read().projects());
    json::array rows;
    for (const auto& device : log.devices()) rows.push_back(as_json(log, projects, device));
    return json::object{{"devices", std::move(rows)}};
}

Result<json::object> Desk::set_scope(const json::object& arguments) {
    auto& log = follower_.log();
    STREETLOG_TRY(const auto words, text_of(arguments, "device"));
    STREETLOG_TRY(const auto device, find_device(log, words));
    STREETLOG_TRY(const auto all, follower_.projection().read().projects());
    const auto* everything = arguments.if_contains("everything");
    const auto* named = arguments.if_contains("projects");
    const bool lift = everything != nullptr && everything->is_bool() && everything->get_bool();
    const bool some = named != nullptr && named->is_array() && !named->get_array().empty();
    if (lift == some)
        return fail(ErrorCode::kUsage, "name the projects, or say --everything, not both");
    std::vector<EntityId> chosen;
    if (some)
        for (const auto& one : named->get_array()) {
            if (!one.is_string()) return fail(ErrorCode::kUsage, "a project is named by text");
            STREETLOG_TRY(const auto id, find_project(all, one.get_string()));
            chosen.push_back(id);
        }
    std::ranges::sort(chosen);
    const auto repeated = std::ranges::unique(chosen);
    chosen.erase(repeated.begin(), repeated.end());
    if (chosen != log.projects_of(device.id)) {
        const EntityId entity{device.id.bytes};
        STREETLOG_TRY(const auto before,
                      follower_.projection().read().group(entity, kProjects, store::View::kOwn));
        sync::Bytes ids;
        for (const EntityId id : chosen) ids.insert(ids.end(), id.bytes.begin(), id.bytes.end());
        sync::Op op{.entity = entity,
                    .kind = sync::OpKind::kSetGroup,
                    .table = kProjects.table,
                    .group = kProjects.group,
                    .cells = {{col::kProjects, std::move(ids)}},
                    .supersedes = before.supersedes};
        Drafts drafts;
        drafts.emplace_back(sync::Header{}, std::vector{std::move(op)});
        STREETLOG_CHECK(follower_.author()(std::move(drafts)));
        STREETLOG_CHECK(follower_.catch_up());
    }
    return as_json(log, all, device);
}

}  // namespace streetlog::hub
