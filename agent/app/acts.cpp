#include "agent/app/acts.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/app/agent_screen.hpp"
#include "agent/app/bundles.hpp"
#include "agent/app/carry.hpp"
#include "agent/app/form.hpp"
#include "agent/app/show.hpp"
#include "agent/app/status.hpp"
#include "agent/workflow/json_requests.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/change/codec.hpp"
#include "sync/store/cells.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kFindLimit = 50;
constexpr std::uint32_t kVerifyStep = 500;
constexpr std::size_t kVerifyBytes = 4 * 1024 * 1024;

std::string text_in(const json::object& arguments, std::string_view key) {
    const auto* value = arguments.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::string_view name_of_table(std::uint16_t table) {
    const auto* found = hud::find_table(table);
    return found == nullptr ? std::string_view{"unknown"} : found->name;
}

std::string_view name_of_column(std::uint16_t column) {
    const auto* found = hud::find_column(column);
    return found == nullptr ? std::string_view{} : found->name;
}

json::object saved_answer(const BuiltSave& built, const store::Saved& saved, std::uint32_t user) {
    json::array created;
    for (const auto& entity : built.created)
        created.push_back(
            json::object{{"table", name_of_table(entity.table)}, {"id", to_string(entity.id)}});
    json::array warnings;
    for (const auto& finding : built.warnings)
        warnings.push_back(json::object{{"rule", finding.rule},
                                        {"field", name_of_column(finding.column)},
                                        {"message", finding.message}});
    if (user == 0)
        warnings.push_back(json::object{
            {"rule", "device.no_user"},
            {"field", ""},
            {"message", "nobody is named as the holder of this device: streetlog-agent user"}});
    json::object out{{"saved", true}, {"record", saved.seq}, {"kind", sync::name_of(built.kind)}};
    if (built.kind != sync::EventKind::kNone) {
        out["interaction"] = format_instant(built.occurred);
        out["interaction_time"] = sync::name_of(built.source);
    }
    out["created"] = std::move(created);
    out["warnings"] = std::move(warnings);
    return out;
}

/// Unpacks and chains every own record anew. kDamaged where it breaks.
Result<void> verify_chain(sync::AgentLog& log) {
    STREETLOG_TRY(const auto head, log.head());
    sync::Hash chain{};
    for (std::uint64_t seq = 1; seq <= head.last_seq;) {
        STREETLOG_TRY(const auto run, log.read_run(seq, kVerifyStep, kVerifyBytes));
        const auto broken = [&] {
            return fail(ErrorCode::kDamaged,
                        fmt::format("the log of this device is damaged at or after record {}", seq),
                        "Keep the file; the hub has what was acknowledged.");
        };
        if (run.records.empty() || run.prev_hash != chain) return broken();
        for (const auto& record : run.records)
            chain = sync::chain_hash(chain, sync::hash_of(sync::view_of(record)));
        if (chain != run.head_hash) return broken();
        seq += run.records.size();
    }
    if (chain != head.head_hash)
        return fail(ErrorCode::kDamaged, "the log of this device does not end in its head");
    return {};
}

Result<void> write_dump(store::AgentStore& store, const std::filesystem::path& file) {
    const auto failed = [&] {
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot write {}", file.string()),
                    "Check that you may write there and that the disk is not full.");
    };
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    if (!out) return failed();
    std::error_code ignored;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
    STREETLOG_CHECK(store.dump([&](std::string_view text) {
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
    }));
    out.flush();
    if (!out) return failed();
    return {};
}

/// A number, a name, or the beginning of one that no other user's begins with; letters of either
/// case.
Result<std::uint32_t> user_named(const std::vector<store::UserRow>& users, std::string_view who) {
    if (who == "none" || who == "0") return 0U;
    if (users.empty())
        return fail(ErrorCode::kNotFound,
                    "this device does not know any users yet",
                    "Users come from the hub: streetlog-agent sync --once.");
    const auto key = store::name_key(who);
    const auto where = [&](auto matches) {
        std::vector<std::uint32_t> found;
        for (const auto& user : users)
            if (user.active && matches(user)) found.push_back(user.number);
        return found;
    };
    auto found = where([&](const auto& user) { return std::to_string(user.number) == who; });
    if (found.empty() && !key.empty())
        found = where([&](const auto& user) { return store::name_key(user.name) == key; });
    if (found.empty() && !key.empty())
        found =
            where([&](const auto& user) { return store::name_key(user.name).starts_with(key); });
    if (found.size() == 1) return found.front();
    if (found.empty())
        return fail(ErrorCode::kNotFound,
                    "there is no such active user on this device",
                    "streetlog-agent user lists them.");
    return fail(
        ErrorCode::kConflict, "several users have that name", "Choose one by number instead.");
}

}  // namespace

Answer Acts::run(std::string_view command, const json::object& arguments) {
    const auto plain = [](Result<json::object> result) -> Answer {
        if (!result) return std::unexpected(std::move(result).error());
        return *std::move(result);
    };
    return store::guarded_job([&]() -> Answer {
        if (command == "intake" || command == "contact" || command == "exit" ||
            command == "update" || command == "void")
            return save(command, arguments);
        if (command == "user") return plain(user(arguments));
        if (command == "projects") return plain(list_projects(device_.read()));
        if (command == "find") return plain(find(arguments));
        if (command == "show") return plain(show(arguments));
        if (command == "status") return plain(status());
        if (command == "verify") return plain(verify(arguments));
        if (command == "rebuild") return plain(rebuild());
        if (command == "export-bundle")
            return plain(export_bundle(device_, text_in(arguments, "file")));
        if (command == "import-bundle")
            return plain(import_reply(device_, text_in(arguments, "file")));
        if (command == "carry") {
            auto carried = carry_bundle(device_, text_in(arguments, "file"));
            if (carried && hooks_.saved) hooks_.saved();
            return plain(std::move(carried));
        }
        if (command == "carried") return plain(list_carried(device_));
        if (command == "drop-carried")
            return plain(drop_carried(device_, text_in(arguments, "bundle")));
        return std::unexpected(Error{ErrorCode::kUsage,
                                     fmt::format("the agent has no command '{}'", command),
                                     "See streetlog-agent --help."});
    });
}

Result<std::string> Acts::document(std::string_view command,
                                   const json::object& arguments,
                                   const BuildContext& context) {
    if (arguments.contains("document")) return text_in(arguments, "document");
    const auto* form = arguments.if_contains("form");
    if (form == nullptr || !form->is_object())
        return fail(ErrorCode::kUsage, "neither a document nor flags say what to save");
    const auto& flags = form->get_object();
    const FormDefaults defaults{.project = device_.settings().project,
                                .coc = device_.settings().coc,
                                .today = date_of(context.now, context.tz_minutes)};
    if (command == "intake") return intake_document(flags, defaults);
    if (command == "contact") return contact_document(flags);
    if (command == "exit") return exit_document(flags, defaults);
    if (command == "update") return update_document(flags);
    return void_document(flags);
}

Checked<BuiltSave> Acts::build(std::string_view command,
                               const std::string& document,
                               const BuildContext& context) {
    const auto with = [&](auto request, auto builder) -> Checked<BuiltSave> {
        if (!request) return std::unexpected(std::move(request).error());
        return builder(*request, context);
    };
    if (command == "intake") return with(parse_intake(document), build_intake);
    if (command == "contact") return with(parse_contact(document), build_contact);
    if (command == "exit") return with(parse_exit(document), build_exit);
    if (command == "update") return with(parse_update(document), build_update);
    return with(parse_void(document), build_void);
}

Answer Acts::save(std::string_view command, const json::object& arguments) {
    const ClockReading pressed = device_.clock().read();
    const auto pressed_clock = device_.witness().witness(pressed);
    const AgentScreen screen{device_.read()};
    const BuildContext context{.screen = screen,
                               .random = device_.random(),
                               .now = pressed.wall,
                               .tz_minutes = offset_minutes(pressed.wall)};
    STREETLOG_TRY(const auto text, document(command, arguments, context));
    STREETLOG_TRY(const auto built, build(command, text, context));
    if (screen.failure()) return std::unexpected(*screen.failure());
    if (built.ops.empty())
        return json::object{{"saved", false}, {"message", "that is what stands there already"}};

    store::SaveRequest request;
    const ClockReading now = device_.clock().read();
    request.header.recorded = now.wall;
    request.header.occurred = built.occurred;
    request.header.tz_minutes = built.tz_minutes;
    request.header.kind = built.kind;
    request.header.source = built.source;
    request.header.user = device_.user();
    request.header.clock = device_.witness().witness(now);
    if (built.source == sync::TimeSource::kLive) request.header.occurred_clock = pressed_clock;
    request.ops = built.ops;
    STREETLOG_CHECK(device_.keep_clock());
    STREETLOG_TRY(const auto saved, device_.store().save(request));
    if (hooks_.saved) hooks_.saved();
    return saved_answer(built, saved, device_.user());
}

Result<json::object> Acts::user(const json::object& arguments) {
    STREETLOG_TRY(const auto users, device_.read().users());
    if (const auto who = text_in(arguments, "who"); !who.empty()) {
        STREETLOG_TRY(const auto number, user_named(users, who));
        STREETLOG_CHECK(device_.set_user(number));
    }
    const auto holder = std::ranges::find(users, device_.user(), &store::UserRow::number);
    json::object out{{"user", device_.user()}, {"name", holder == users.end() ? "" : holder->name}};
    if (device_.user() == 0)
        out["warning"] = users.empty()
                             ? "nobody is named, and no users are known here until the first sync; "
                               "what is saved carries no user"
                             : "nobody is named; what is saved carries no user";
    json::array list;
    for (const auto& row : users)
        list.push_back(
            json::object{{"user", row.number}, {"name", row.name}, {"active", row.active}});
    out["users"] = std::move(list);
    return out;
}

Result<json::object> Acts::find(const json::object& arguments) {
    std::size_t limit = kFindLimit;
    if (const auto* value = arguments.if_contains("limit"); value != nullptr && value->is_int64())
        limit = static_cast<std::size_t>(std::max<std::int64_t>(1, value->get_int64()));
    return find_clients(device_.read(), text_in(arguments, "text"), limit);
}

Result<json::object> Acts::show(const json::object& arguments) {
    const auto id = parse_id<EntityId>(text_in(arguments, "id"));
    if (!id || id->is_nil())
        return fail(ErrorCode::kInvalidInput, "an id of 32 hex digits is needed");
    return show_entity(device_.read(), *id);
}

Result<json::object> Acts::status() {
    STREETLOG_TRY(auto out, device_status(device_));
    out["serving"] = static_cast<bool>(hooks_.sync_state);
    if (hooks_.sync_state)
        for (auto& [key, value] : hooks_.sync_state()) out[key] = value;
    return out;
}

Result<json::object> Acts::verify(const json::object& arguments) {
    STREETLOG_CHECK(verify_chain(device_.store().log()));
    STREETLOG_TRY(const auto status, device_.read().status());
    STREETLOG_TRY(const auto evidence, device_.store().verify_evidence());
    json::object out{{"verified", true},
                     {"records", status.saved},
                     {"receipts", evidence.receipts},
                     {"unsigned_receipts", evidence.unsigned_receipts}};
    if (const auto file = text_in(arguments, "dump"); !file.empty()) {
        STREETLOG_CHECK(write_dump(device_.store(), file));
        out["dump"] = file;
    }
    if (arguments.contains("dump_hash")) {
        STREETLOG_TRY(const auto hash, device_.store().dump_hash());
        out["dump_hash"] = to_hex(hash);
    }
    return out;
}

Result<json::object> Acts::rebuild() {
    STREETLOG_TRY(const auto before, device_.store().dump_hash());
    STREETLOG_CHECK(device_.store().rebuild_state());
    STREETLOG_TRY(const auto after, device_.store().dump_hash());
    return json::object{
        {"rebuilt", true}, {"changed", before != after}, {"dump_hash", to_hex(after)}};
}

}  // namespace streetlog::agent
