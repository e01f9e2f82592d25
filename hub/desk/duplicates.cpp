#include <map>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "sync/store/id_at.hpp"

/// Which profiles are one person and why, and taking that back.
namespace streetlog::hub {
namespace {

namespace json = boost::json;

/// The visible assertions of one link entity.
std::vector<sync::LiveLink> live_on(store::EntityReader& reader, const EntityId& entity) {
    std::vector<sync::LiveLink> out;
    const auto state = reader.load(entity);
    if (!state) return out;
    for (const sync::Sibling* sibling : sync::visible(*state, sync::kLinkRegister))
        if (const auto link = sync::link_of(*sibling)) out.push_back({entity, *link});
    return out;
}

std::string why(store::EntityReader& reader, const EntityId& entity) {
    const auto state = reader.load(entity);
    if (!state) return {};
    for (const sync::Sibling* sibling : sync::visible(*state, sync::kLinkRegister))
        if (const auto evidence = sync::evidence_of(sibling->cells))
            return sync::to_text(*evidence);
    return "a person said so";
}

struct LinkRow {
    EntityId entity, a, b;
    sync::LinkVerdict verdict = sync::LinkVerdict::kSame;
};

std::vector<LinkRow> links_of(store::Db& db) {
    std::vector<LinkRow> out;
    auto stmt = db.prepare(
        "SELECT e.id, l.a, l.b, l.verdict FROM link l JOIN entity e ON e.eno = l.eno "
        "ORDER BY l.eno");
    while (stmt.step())
        out.push_back({store::id_at(stmt, 0),
                       store::id_at(stmt, 1),
                       store::id_at(stmt, 2),
                       static_cast<sync::LinkVerdict>(stmt.integer(3))});
    return out;
}

}  // namespace

Result<json::object> Desk::duplicates() {
    auto& reader = follower_.projection().read();
    json::array links;
    json::array apart;
    std::map<EntityId, std::set<std::string>> evidence;
    for (const LinkRow& link : links_of(follower_.projection().db())) {
        STREETLOG_TRY(const auto root, reader.canon_of(link.a));
        STREETLOG_TRY(const auto other, reader.canon_of(link.b));
        json::object row{
            {"a", to_string(link.a)}, {"b", to_string(link.b)}, {"link", to_string(link.entity)}};
        if (link.verdict == sync::LinkVerdict::kDifferent) {
            apart.push_back(std::move(row));
            continue;
        }
        const std::string because = why(reader, link.entity);
        row["why"] = because;
        row["overruled"] = root != other;
        if (root == other) evidence[root].insert(because);
        links.push_back(std::move(row));
    }
    json::array rows;
    for (const auto& [root, reasons] : evidence) {
        STREETLOG_TRY(const auto profile, reader.profile_of(root));
        json::array members;
        for (const EntityId id : profile) members.push_back(json::string{to_string(id)});
        json::array because;
        for (const auto& reason : reasons) because.push_back(json::string{reason});
        rows.push_back(json::object{{"person", to_string(root)},
                                    {"profiles", std::move(members)},
                                    {"why", std::move(because)}});
    }
    return json::object{
        {"people", std::move(rows)}, {"links", std::move(links)}, {"kept_apart", std::move(apart)}};
}

Result<json::object> Desk::unlink(const json::object& arguments) {
    STREETLOG_TRY(const auto a, entity_of(arguments, "A"));
    STREETLOG_TRY(const auto b, entity_of(arguments, "B"));
    if (a == b) return fail(ErrorCode::kInvalidInput, "A and B are the same profile");
    auto& reader = follower_.projection().read();
    for (const EntityId id : {a, b})
        if (!reader.client(id))
            return fail(ErrorCode::kNotFound,
                        fmt::format("the hub has no client {}", to_string(id)));
    STREETLOG_TRY(const auto root_a, reader.canon_of(a));
    STREETLOG_TRY(const auto root_b, reader.canon_of(b));
    const sync::ClientPair pair{a, b};
    std::vector<sync::LiveLink> live;
    for (const LinkRow& link : links_of(follower_.projection().db())) {
        if (std::minmax(link.a, link.b) != std::minmax(a, b)) continue;
        for (const auto& found : live_on(reader, link.entity)) live.push_back(found);
    }
    if (root_a != root_b && live.empty())
        return fail(ErrorCode::kConflict, "the two profiles are not joined");
    if (std::ranges::any_of(live, [](const sync::LiveLink& one) {
            return one.link.verdict == sync::LinkVerdict::kDifferent &&
                   one.link.strength == sync::LinkStrength::kHuman;
        }))
        return fail(ErrorCode::kConflict, "the two profiles are kept apart already");
    Drafts drafts;
    drafts.emplace_back(
        sync::Header{},
        sync::unlink_ops({pair, std::nullopt, optional_text(arguments, "reason").value_or("")},
                         live));
    STREETLOG_CHECK(follower_.author()(std::move(drafts)));
    STREETLOG_CHECK(follower_.catch_up());
    STREETLOG_TRY(const auto now_a, reader.canon_of(a));
    STREETLOG_TRY(const auto now_b, reader.canon_of(b));
    return json::object{
        {"a", to_string(now_a)}, {"b", to_string(now_b)}, {"apart", now_a != now_b}};
}

}  // namespace streetlog::hub
