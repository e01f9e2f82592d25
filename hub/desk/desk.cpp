#include "hub/desk/desk.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/words.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 20> kCommands{"late",
                                                     "duplicates",
                                                     "duplicates unlink",
                                                     "conflicts",
                                                     "conflicts resolve",
                                                     "quarantine",
                                                     "quarantine release",
                                                     "quarantine reject",
                                                     "show",
                                                     "dump",
                                                     "rebuild",
                                                     "import",
                                                     "rule add",
                                                     "rule list",
                                                     "scope",
                                                     "scope set",
                                                     "policy",
                                                     "policy ssn",
                                                     "restrict",
                                                     "unrestrict"};

json::array groups_of(store::EntityReader& reader, const EntityId& id) {
    json::array out;
    const auto groups = reader.groups(id, store::View::kMerged);
    if (!groups) return out;
    for (const auto& [reg, view] : *groups) {
        json::object row{{"group", group_name(reg.group)},
                         {"values", cells_as_json(view.cells)},
                         {"conflict", view.conflict}};
        json::array others;
        for (const auto& cells : view.others) others.push_back(cells_as_json(cells));
        if (!others.empty()) row["others"] = std::move(others);
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace

bool Desk::knows(std::string_view command) {
    return std::ranges::find(kCommands, command) != kCommands.end();
}

HubProjection::Progress Desk::progress(std::string what) {
    return [this, what = std::move(what), last = std::uint64_t{0}](std::uint64_t done,
                                                                   std::uint64_t total) mutable {
        constexpr std::uint64_t kEvery = 50'000;
        if (done / kEvery == last / kEvery && done < total) return;
        if (total < kEvery) return;
        last = done;
        say_(fmt::format("{}: {} of {} records", what, done, total));
    };
}

Result<json::object> Desk::run(std::string_view command, const json::object& arguments) {
    return store::guarded_job([&]() -> Result<json::object> {
        if (command != "rebuild") STREETLOG_CHECK(follower_.catch_up(progress("reading the log")));
        return dispatch(command, arguments);
    });
}

Result<json::object> Desk::dispatch(std::string_view command, const json::object& arguments) {
    if (command == "late") return late(arguments);
    if (command == "duplicates") return duplicates();
    if (command == "duplicates unlink") return unlink(arguments);
    if (command == "conflicts") return conflicts();
    if (command == "conflicts resolve") return resolve(arguments);
    if (command == "quarantine") return quarantine();
    if (command == "quarantine release") return decide(arguments, sync::VerdictAct::kRelease);
    if (command == "quarantine reject") return decide(arguments, sync::VerdictAct::kReject);
    if (command == "show") return show(arguments);
    if (command == "dump") return dump(arguments);
    if (command == "rebuild") return rebuild();
    if (command == "import") return import(arguments);
    if (command == "rule add") return rule_add(arguments);
    if (command == "rule list") return rule_list();
    if (command == "scope") return scope();
    if (command == "scope set") return set_scope(arguments);
    if (command == "policy") return policy();
    if (command == "policy ssn") return set_ssn_policy(arguments);
    if (command == "restrict") return restrict_client(arguments, true);
    if (command == "unrestrict") return restrict_client(arguments, false);
    return fail(ErrorCode::kUsage,
                fmt::format("the hub has no command '{}'", command),
                "See streetlog-hub --help.");
}

Result<json::object> Desk::show(const json::object& arguments) {
    STREETLOG_TRY(const auto id, entity_of(arguments, "ID"));
    auto& reader = follower_.projection().read();
    const auto row = reader.entity_of(id);
    if (!row) return fail(ErrorCode::kNotFound, "the hub has no such entity");
    json::object out{{"entity", to_string(id)}, {"table", table_name(row->table)}};
    if (!row->parent.is_nil()) out["parent"] = to_string(row->parent);
    if (row->first) out["first_received"] = format_instant(row->first->received);
    if (row->table == hud::tbl::kClient) {
        STREETLOG_TRY(const auto profile, reader.profile_of(id));
        json::array members;
        for (const EntityId member : profile) members.push_back(json::string{to_string(member)});
        out["person"] = to_string(profile.front());
        if (profile.size() > 1) out["profile"] = std::move(members);
        json::array enrollments;
        STREETLOG_TRY(const auto stays, reader.enrollments_of(id));
        for (const auto& stay : stays) {
            json::object line{{"EnrollmentID", to_string(stay.id)},
                              {"PersonalID", to_string(stay.client)},
                              {"EntryDate", stay.entry_date}};
            if (!stay.exit_date.empty()) line["ExitDate"] = stay.exit_date;
            enrollments.push_back(std::move(line));
        }
        out["enrollments"] = std::move(enrollments);
    }
    if (row->table == hud::tbl::kEnrollment) {
        json::array contacts;
        STREETLOG_TRY(const auto met, reader.contacts_of(id));
        for (const auto& contact : met)
            contacts.push_back(json::object{{"CurrentLivingSitID", to_string(contact.id)},
                                            {"InformationDate", contact.date}});
        out["contacts"] = std::move(contacts);
    }
    out["groups"] = groups_of(reader, id);
    return out;
}

Result<json::object> Desk::dump(const json::object& arguments) {
    auto& reader = follower_.projection().read();
    if (const auto path = optional_text(arguments, "file")) {
        std::ofstream file{*path, std::ios::binary | std::ios::trunc};
        STREETLOG_CHECK(reader.dump([&](std::string_view text) {
            file.write(text.data(), static_cast<std::streamsize>(text.size()));
        }));
        file.flush();
        if (!file) return fail(ErrorCode::kStorage, fmt::format("cannot write {}", *path));
    }
    STREETLOG_TRY(const auto hash, reader.dump_hash());
    return json::object{{"dump_hash", to_hex(hash)},
                        {"records", follower_.projection().at().value}};
}

Result<json::object> Desk::rebuild() {
    STREETLOG_CHECK(
        follower_.projection().rebuild(follower_.log(), progress("reading the log anew")));
    STREETLOG_CHECK(follower_.catch_up());
    return dump({});
}

}  // namespace streetlog::hub
