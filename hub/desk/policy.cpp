#include <algorithm>
#include <array>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "schema/hud/fields.hpp"
#include "sync/session/index_rows.hpp"
#include "sync/store/cells.hpp"

/// What the client index says, and of whom: the site's policy, and clients the office keeps out.
namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace col = hud::col;

constexpr sync::RegisterId kSsn{hud::tbl::kSitePolicy, hud::grp::kSitePolicySsn};
constexpr sync::RegisterId kRestriction{hud::tbl::kClientRestriction,
                                        hud::grp::kClientRestrictionState};
constexpr std::size_t kKeyBytes = 32;

constexpr std::array<std::pair<std::string_view, sync::SsnPolicy>, 3> kWords{
    {{"full", sync::SsnPolicy::kFull},
     {"last4", sync::SsnPolicy::kLastFour},
     {"keyed", sync::SsnPolicy::kKeyed}}};

sync::SsnPolicy policy_in(const store::GroupView& view) {
    const auto said = store::number_in(view.cells, col::site_policy::kSSNPolicy);
    return said ? static_cast<sync::SsnPolicy>(*said) : sync::SsnPolicy::kLastFour;
}

json::object as_json(sync::SsnPolicy policy) {
    const auto* const at = std::ranges::find(kWords, policy, &decltype(kWords)::value_type::second);
    return {{"ssn", at == kWords.end() ? "unknown" : at->first}};
}

}  // namespace

Result<json::object> Desk::policy() {
    STREETLOG_TRY(const auto now,
                  follower_.projection().read().group(
                      EntityId{follower_.hub().bytes}, kSsn, store::View::kOwn));
    return as_json(policy_in(now));
}

Result<json::object> Desk::set_ssn_policy(const json::object& arguments) {
    STREETLOG_TRY(const auto word, text_of(arguments, "POLICY"));
    const auto* const wanted =
        std::ranges::find(kWords, word, &decltype(kWords)::value_type::first);
    if (wanted == kWords.end())
        return fail(ErrorCode::kUsage, "the policy is full, last4 or keyed");
    const EntityId site{follower_.hub().bytes};
    STREETLOG_TRY(const auto now,
                  follower_.projection().read().group(site, kSsn, store::View::kOwn));
    if (!now.cells.empty() && policy_in(now) == wanted->second) return policy();
    sync::Op op{
        .entity = site,
        .kind = now.cells.empty() ? sync::OpKind::kCreate : sync::OpKind::kSetGroup,
        .table = kSsn.table,
        .group = kSsn.group,
        .cells = {{col::site_policy::kSSNPolicy, static_cast<std::int64_t>(wanted->second)}},
        .supersedes = now.supersedes};
    // A key once given out goes on being the key: what hashes devices have stays good.
    const auto* key = store::find_value(now.cells, col::site_policy::kSSNKey);
    if (key != nullptr) {
        op.cells.push_back({col::site_policy::kSSNKey, *key});
    } else if (wanted->second == sync::SsnPolicy::kKeyed) {
        sync::Bytes fresh(kKeyBytes);
        random_.fill(fresh);
        op.cells.push_back({col::site_policy::kSSNKey, std::move(fresh)});
    }
    STREETLOG_CHECK(say_in_log(std::move(op)));
    return policy();
}

Result<json::object> Desk::restrict_client(const json::object& arguments, bool restricted) {
    STREETLOG_TRY(const auto client, entity_of(arguments, "CLIENT"));
    auto& reader = follower_.projection().read();
    const auto row = reader.entity_of(client);
    if (!row || row->table != hud::tbl::kClient)
        return fail(ErrorCode::kNotFound,
                    fmt::format("the hub has no client {}", to_string(client)));
    STREETLOG_TRY(const auto now, reader.group(client, kRestriction, store::View::kOwn));
    const bool is =
        store::number_in(now.cells, col::client_restriction::kRestricted).value_or(0) == 1;
    if (is != restricted) {
        sync::Op op{
            .entity = client,
            .kind = sync::OpKind::kSetGroup,
            .table = kRestriction.table,
            .group = kRestriction.group,
            .cells = {{col::client_restriction::kRestricted, std::int64_t{restricted ? 1 : 0}}},
            .supersedes = now.supersedes};
        if (const auto reason = optional_text(arguments, "reason"))
            op.cells.push_back({col::client_restriction::kReason, *reason});
        STREETLOG_CHECK(say_in_log(std::move(op)));
    }
    STREETLOG_TRY(const auto person, reader.canon_of(client));
    return json::object{
        {"client", to_string(client)}, {"person", to_string(person)}, {"restricted", restricted}};
}

Result<void> Desk::say_in_log(sync::Op op) {
    Drafts drafts;
    drafts.emplace_back(sync::Header{}, std::vector{std::move(op)});
    STREETLOG_CHECK(follower_.author()(std::move(drafts)));
    return follower_.catch_up();
}

}  // namespace streetlog::hub
