#include "hub/admin/admin.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/admin/bundles.hpp"
#include "hub/admin/hub_clock.hpp"
#include "hub/admin/verify_log.hpp"
#include "hub/backup/last_backup.hpp"
#include "hub/recovery/recovery_commands.hpp"
#include "hub/trust/device_acts.hpp"
#include "schema/hud/fields.hpp"
#include "sync/net/simulated_clock.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameMax = 100;

Result<std::string> text_argument(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
        return fail(ErrorCode::kUsage, fmt::format("--{} is missing", name));
    if (value->get_string().size() > kNameMax)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("--{} is longer than {} characters", name, kNameMax));
    return std::string{value->get_string()};
}

}  // namespace

Result<json::object> Admin::run(std::string_view command, const json::object& arguments) {
    return store::guarded_job([&]() -> Result<json::object> {
        if (DeviceActs::knows(command)) return DeviceActs{ledger_, random_}.run(command, arguments);
        if (command == "user add") return user_add(arguments);
        if (command == "user list") return user_list();
        if (command == "status") return status();
        if (command == "verify") return verify();
        if (command == "import-bundle") return import_bundle(ledger_, arguments);
        if (command == "backup note") return note_backup(ledger_.log(), arguments);
        if (auto answer = recovery_command(ledger_, command, arguments)) return *std::move(answer);
        return fail(ErrorCode::kUsage,
                    fmt::format("the hub has no command '{}'", command),
                    "See streetlog-hub --help.");
    });
}

Result<json::object> Admin::user_add(const json::object& arguments) {
    STREETLOG_TRY(auto name, text_argument(arguments, "name"));
    std::string email;
    if (const auto* value = arguments.if_contains("email"); value != nullptr && value->is_string())
        email = value->get_string();
    std::int64_t number = 1;
    for (const auto& u : ledger_.log().users()) number = std::max(number, u.number + 1);
    const auto id = random_.id<EntityId>();
    namespace col = hud::col::hub_user;
    sync::Op op{.entity = id,
                .kind = sync::OpKind::kCreate,
                .table = hud::tbl::kHubUser,
                .group = hud::grp::kHubUserAccount,
                .cells = {{col::kUserNumber, number},
                          {col::kDisplayName, name},
                          {col::kEmail, email},
                          {col::kActive, std::int64_t{1}}}};
    std::ranges::sort(op.cells, {}, &sync::Cell::column);
    STREETLOG_CHECK(ledger_.author({}, {std::move(op)}));
    return json::object{{"user", number}, {"name", name}};
}

Result<json::object> Admin::user_list() {
    json::array list;
    for (const auto& u : ledger_.log().users())
        list.push_back(json::object{
            {"user", u.number}, {"name", u.name}, {"email", u.email}, {"active", u.active}});
    return json::object{{"users", std::move(list)}};
}

Result<json::object> Admin::status() {
    const auto head = ledger_.head();
    const auto set_aside = ledger_.log().exceptions({1}, head.seq);
    const auto held =
        std::ranges::count(set_aside, sync::RecordStatus::kHeld, &store::ExceptionRow::status);
    return json::object{{"hub", to_string(ledger_.self().device)},
                        {"records", head.seq.value},
                        {"head", to_hex(head.hash)},
                        {"entities", ledger_.log().entity_count()},
                        {"devices", ledger_.log().devices().size()},
                        {"held", held},
                        {"quarantined", static_cast<std::int64_t>(set_aside.size()) - held},
                        {"last_backup", shown_backup(ledger_.log())},
                        {"alarms", store::HubWatch{ledger_.log().db()}.open_alarms()},
                        {"epoch", ledger_.epoch()},
                        {"clock", clock_kind(ledger_.log())}};
}

Result<json::object> Admin::verify() {
    STREETLOG_TRY(
        const auto found,
        verify_log(ledger_.log(),
                   {},
                   ledger_.key() ? std::optional{ledger_.key()->public_key()} : std::nullopt));
    return json::object{{"verified", true},
                        {"records", found.head.seq.value},
                        {"runs", found.runs},
                        {"signed_runs", found.signed_runs},
                        {"unsigned_records", found.unsigned_records},
                        {"head", to_hex(found.head.hash)}};
}

Result<DeviceId> init_hub(const std::filesystem::path& directory,
                          Random& random,
                          const KeepRootKey& keep,
                          const std::filesystem::path& simulated_clock) {
    if (!simulated_clock.empty()) STREETLOG_CHECK(net::read_clock_shift(simulated_clock));
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return fail(ErrorCode::kStorage,
                    fmt::format("cannot make {}: {}", directory.string(), error.message()));
    }
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    STREETLOG_TRY(const auto lock, store::DirectoryLock::take(directory));
    STREETLOG_TRY(auto log, store::HubLog::open(directory, store::Access::kWrite));
    return store::guarded_job([&]() -> Result<DeviceId> {
        if (log.setting("hub"))
            return fail(ErrorCode::kConflict,
                        fmt::format("{} holds a hub already", directory.string()));
        if (!simulated_clock.empty()) {
            std::error_code failed;
            std::filesystem::copy_file(simulated_clock, simulated_clock_of(directory), failed);
            if (failed)
                return fail(ErrorCode::kStorage,
                            fmt::format("cannot make {}: {}",
                                        simulated_clock_of(directory).string(),
                                        failed.message()));
            log.put_setting(kClockSetting, kSimulated);
        }
        const auto id = random.id<DeviceId>();
        STREETLOG_TRY(const auto clock, open_clock(directory));
        STREETLOG_CHECK(Authority::make(directory, id, clock->now(), random, keep));
        log.put_setting("hub", to_string(id));
        return id;
    });
}

}  // namespace streetlog::hub
