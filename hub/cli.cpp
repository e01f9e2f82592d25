#include "hub/cli.hpp"

#include <filesystem>
#include <functional>
#include <future>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/admin/admin.hpp"
#include "hub/admin/doctor_command.hpp"
#include "hub/admin/hub_clock.hpp"
#include "hub/backup/backup_commands.hpp"
#include "hub/commands.hpp"
#include "hub/recovery/open_hub.hpp"
#include "hub/serve/service.hpp"
#include "hub/trust/ca_commands.hpp"
#include "hub/trust/trust_files.hpp"
#include "sync/net/checkup_answer.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/private_file.hpp"
#include "sync/net/signal_stop.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/net/terminal.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using net::OutputForm;

struct Options {
    fs::path data = "hub-data";
    bool json = false;
    std::uint16_t port = 4180;
    std::string address = "127.0.0.1";
    std::string name;
    std::string email;
    fs::path out;
    fs::path simulated_clock;
    fs::path from_backup, bundle, reply;
    fs::path root_key;
    std::string device;
    bool new_key = false;
    fs::path high_water;
    bool full = false;
    std::uint64_t snapshot_records = SnapshotRules{}.records_min;
    int exit_code = 0;  // of a command that answers and still does not end well

    [[nodiscard]] OutputForm form() const { return json ? OutputForm::kJson : OutputForm::kText; }

    // Of the desk's commands.
    std::string id, other, group, reason, which = "open", directory, source, rejects, dump_file;
    std::string coc, kind, from, to;
    std::int64_t number = 0;
    std::int64_t pick = 0, hub_seq = 0, limit = 1000, hours = 24, project_type = -1;
    std::vector<std::string> projects;
    bool dump_hash = false, everything = false;
};

fs::path root_key_of(const Options& options) {
    return options.root_key.empty() ? default_root_key(options.data) : options.root_key;
}

/// What a device needs for its first contact: where the hub is, whose certificate it will show,
/// and the code. With --out it goes to a file, without to whoever asked.
Result<json::object> with_enrolment(const Options& options, Result<json::object> said) {
    if (!said) return said;
    auto device = *std::move(said);
    STREETLOG_TRY(const auto pem, net::read_private(root_certificate_file(options.data)));
    STREETLOG_TRY(const auto root, net::Certificate::from_pem(pem));
    device["host"] = options.address;
    device["port"] = options.port;
    device["root_fingerprint"] = to_hex(root.fingerprint());
    if (options.out.empty()) return device;
    auto document = device;
    STREETLOG_TRY(const auto key, net::load_key(hub_key_file(options.data)));
    document["root"] = pem;
    document["hub_key"] = to_hex(key.public_key());  // for bundles, where there is no handshake
    auto written = net::write_private(options.out, json::serialize(document) + "\n");
    if (!written) {
        auto error = std::move(written).error();
        error.hint = "Name a file that does not exist yet, with streetlog-hub device code.";
        return std::unexpected(std::move(error));
    }
    device.erase("code");
    device["enrolment_file"] = options.out.string();
    return device;
}

Result<json::object> add_device(const Options& options) {
    return with_enrolment(options, perform(options.data, "device add", {{"name", options.name}}));
}

Result<json::object> new_code(const Options& options) {
    return with_enrolment(options,
                          perform(options.data,
                                  "device code",
                                  {{"DEVICE", options.device}, {"new_key", options.new_key}}));
}

Result<json::object> verify_hub(const Options& options) {
    STREETLOG_TRY(auto out, perform(options.data, "verify", {}));
    if (!options.dump_hash && options.dump_file.empty()) return out;
    json::object arguments;
    if (!options.dump_file.empty()) arguments["file"] = fs::absolute(options.dump_file).string();
    STREETLOG_TRY(const auto dump, perform(options.data, "dump", arguments));
    out["dump_hash"] = dump.at("dump_hash");
    return out;
}

Result<json::object> import_set_of(const Options& options) {
    json::object arguments{{"DIRECTORY", fs::absolute(options.directory).string()},
                           {"source", options.source}};
    if (!options.rejects.empty()) arguments["rejects"] = fs::absolute(options.rejects).string();
    return perform(options.data, "import", arguments);
}

Result<json::object> import_bundle_of(const Options& options) {
    const fs::path file = fs::absolute(options.bundle);
    const fs::path reply =
        options.reply.empty() ? fs::path{file.string() + ".reply"} : options.reply;
    return perform(options.data,
                   "import-bundle",
                   {{"file", file.string()}, {"reply", fs::absolute(reply).string()}});
}

Result<json::object> add_rule(const Options& options) {
    json::object arguments{{"hours", options.hours},
                           {"coc", options.coc},
                           {"kind", options.kind},
                           {"from", options.from},
                           {"to", options.to}};
    if (options.project_type >= 0) arguments["project_type"] = options.project_type;
    return perform(options.data, "rule add", arguments);
}

Result<json::object> set_scope(const Options& options) {
    json::array projects;
    for (const auto& project : options.projects) projects.emplace_back(project);
    return perform(options.data,
                   "scope set",
                   {{"device", options.name},
                    {"projects", std::move(projects)},
                    {"everything", options.everything}});
}

/// What devices are told.
template <class Command>
void add_scope_commands(CLI::App& app, const Command& command, Options& options) {
    auto* scope =
        command(app, "scope", "What each device is told: everything, or some projects", [&] {
            return perform(options.data, "scope", {});
        });
    scope->require_subcommand(0, 1);
    auto* setting =
        command(*scope, "set", "Say what a device is told, from its next contact on", [&] {
            return set_scope(options);
        });
    setting->add_option("--device", options.name, "Name or id of the device")->required();
    setting->add_option("--project",
                        options.projects,
                        "Name or ProjectID; more than one may be given. They take the place of "
                        "those it had; what it holds of others it removes, but nothing unsent");
    setting->add_flag("--everything", options.everything, "All projects there are");
}

/// What waits for a person's decision.
template <class Command>
void add_review_commands(CLI::App& app, const Command& command, Options& options) {
    auto* duplicates = command(app, "duplicates", "Profiles that are one person, and why", [&] {
        return perform(options.data, "duplicates", {});
    });
    duplicates->require_subcommand(0, 1);
    auto* unlink = command(*duplicates, "unlink", "Take two profiles apart, for good", [&] {
        return perform(options.data,
                       "duplicates unlink",
                       {{"A", options.id}, {"B", options.other}, {"reason", options.reason}});
    });
    unlink->add_option("A", options.id, "PersonalID")->required();
    unlink->add_option("B", options.other, "PersonalID")->required();
    unlink->add_option("--reason", options.reason, "Why");

    auto* conflicts =
        command(app, "conflicts", "Two values where one is wanted; both are kept", [&] {
            return perform(options.data, "conflicts", {});
        });
    conflicts->require_subcommand(0, 1);
    auto* resolve = command(*conflicts, "resolve", "Pick one of the values", [&] {
        return perform(options.data,
                       "conflicts resolve",
                       {{"ID", options.id}, {"GROUP", options.group}, {"pick", options.pick}});
    });
    resolve->add_option("ID", options.id, "The entity")->required();
    resolve->add_option("GROUP", options.group, "The group, as client.name")->required();
    resolve->add_option("--pick", options.pick, "Number of the value in the list")->required();

    auto* quarantine =
        command(app, "quarantine", "Records that were taken in and set aside, and why", [&] {
            return perform(options.data, "quarantine", {});
        });
    quarantine->require_subcommand(0, 1);
    const auto decision = [&](const char* name, const char* help) {
        auto* sub = command(*quarantine, name, help, [&options, name] {
            return perform(
                options.data, std::string{"quarantine "} + name, {{"HUB_SEQ", options.hub_seq}});
        });
        sub->add_option("HUB_SEQ", options.hub_seq, "Number of the record in the list")->required();
    };
    decision("release", "Let a record take effect after all; it wins over a reject");
    decision("reject", "Leave a record aside for good");
}

template <class Command>
void add_device_commands(CLI::App& app, const Command& command, Options& options) {
    auto* device = app.add_subcommand("device", "The devices that may hand over records");
    device->require_subcommand(1);
    const auto to_document = [&](CLI::App* sub) {
        sub->add_option("--out",
                        options.out,
                        "Write the device's enrolment document there, readable only by you");
        sub->add_option("--address", options.address, "Where the device will find the hub")
            ->capture_default_str();
        sub->add_option("--port", options.port, "and at which port")->capture_default_str();
    };
    auto* adding = command(*device, "add", "Let a device in: makes its one-time code", [&] {
        return add_device(options);
    });
    adding->add_option("--name", options.name, "Name of the device")->required();
    to_document(adding);
    const auto on_one = [&](const char* name, const char* help, auto what) {
        auto* sub = command(*device, name, help, what);
        sub->add_option("DEVICE", options.device, "Its name or id")->required();
        return sub;
    };
    auto* coding = on_one("code", "A new one-time code; the one before is worth nothing", [&] {
        return new_code(options);
    });
    coding->add_flag("--new-key", options.new_key, "The device has lost its key: take another");
    to_document(coding);
    command(*device, "list", "Every device and what came from it", [&] {
        return perform(options.data, "device list", {});
    });
    const auto act = [&](const char* name, const char* help) {
        on_one(name, help, [&options, name] {
            return perform(
                options.data, std::string{"device "} + name, {{"DEVICE", options.device}});
        });
    };
    act("show", "One device: state, key, code, approval");
    act("suspend", "Shut a device out for now, at once");
    act("resume", "Let a suspended device in again");
    act("approve", "Let a device whose certificate has lapsed renew it, within 30 days");
    act("revoke", "Shut a device out for good, at once");
}

template <class Command>
void add_ca_commands(CLI::App& app, const Command& command, Options& options) {
    auto* ca = app.add_subcommand("ca", "The deployment's own authority for certificates");
    ca->require_subcommand(1);
    auto* making =
        command(*ca, "init", "Make one for a hub that has none; the hub is stopped", [&] {
            return ca_init(options.data, root_key_of(options));
        });
    making->add_option("--root-key", options.root_key, "Where to write the root's key");
    auto* renewing =
        command(*ca, "renew", "A new issuer for another year; the hub is stopped", [&] {
            return ca_renew(options.data, root_key_of(options));
        });
    renewing->add_option("--root-key", options.root_key, "The root's key, which init wrote");
}

template <class Command>
void add_desk_commands(CLI::App& app, const Command& command, Options& options) {
    auto* import = command(app, "import", "Take in a set of HMIS CSV files (FY2026)", [&] {
        return import_set_of(options);
    });
    import->add_option("DIRECTORY", options.directory, "Where the files are")->required();
    import->add_option("--source", options.source, "Name of the system they come from");
    import->add_option("--rejects", options.rejects, "Write rows left out to this CSV file");

    auto* bundle = command(app, "import-bundle", "Take in what a device exported to a file", [&] {
        return import_bundle_of(options);
    });
    bundle->add_option("FILE", options.bundle, "From streetlog-agent export-bundle")->required();
    bundle->add_option("--reply",
                       options.reply,
                       "Where the receipts go, for streetlog-agent import-bundle; FILE.reply");

    auto* late = command(
        app, "late", "What reached the hub outside the window, and whose delay it was", [&] {
            return perform(
                options.data, "late", {{"which", options.which}, {"limit", options.limit}});
        });
    late->add_option(
            "which", options.which, "open (late and unproven), late, unproven, on-time, all")
        ->check(CLI::IsMember({"open", "late", "unproven", "on-time", "all"}))
        ->capture_default_str();
    late->add_option("--limit", options.limit, "At most so many records")->capture_default_str();

    auto* rule = app.add_subcommand("rule", "The windows that records must keep to");
    rule->require_subcommand(1);
    auto* adding = command(*rule, "add", "Add a rule; it judges what comes in from now on", [&] {
        return add_rule(options);
    });
    adding->add_option("--hours", options.hours, "The window")->required();
    adding->add_option("--from", options.from, "First day of interactions it is for")->required();
    adding->add_option("--to", options.to, "Last such day");
    adding->add_option("--coc", options.coc, "Only this CoC, as CA-600");
    adding->add_option("--project-type", options.project_type, "Only this HUD project type");
    adding->add_option("--kind", options.kind, "Only intake, contact, exit or update");
    command(*rule, "list", "Every rule", [&] { return perform(options.data, "rule list", {}); });

    auto* show = command(app, "show", "Everything the hub holds of one entity", [&] {
        return perform(options.data, "show", {{"ID", options.id}});
    });
    show->add_option("ID", options.id, "PersonalID, EnrollmentID or another id")->required();
}

template <class Command>
void add_care_commands(CLI::App& app, const Command& command, Options& options) {
    auto* backup = command(app, "backup", "Copy the hub while it runs, and check the copy", [&] {
        return backup_command(options.data, options.out);
    });
    backup->add_option("--out", options.out, "New directory for the backup")->required();
    auto* restoring =
        command(app, "restore", "Make a hub in the data directory from a backup", [&] {
            return restore_command(options.from_backup, options.data);
        });
    restoring->add_option("--from", options.from_backup, "Directory that backup made")->required();
    auto* doctor = command(
        app,
        "doctor",
        "Look at everything the hub needs, and say what to do",
        [&]() -> Result<json::object> {
            const auto found = doctor_command(
                options.data, options.full ? store::CheckDepth::kFull : store::CheckDepth::kQuick);
            options.exit_code = found.exit_code();
            return net::checkup_answer(found);
        });
    doctor->add_flag("--full", options.full, "Check every index against its table, too");
    doctor->footer(
        "Exit codes: 0 no trouble, 3 the clock is wrong, 4 nothing there, 6 others can read it,\n"
        "9 the running program does not answer, 10 disk or directory, 11 not our database,\n"
        "13 damaged. Attention alone ends with 0.");
}

/// What the hub noticed about its devices and about itself.
template <class Command>
void add_recovery_commands(CLI::App& app, const Command& command, Options& options) {
    auto* alarms = command(app, "alarms", "What somebody must look into: copies, losses", [&] {
        return perform(options.data, "alarms", {{"all", options.full}});
    });
    alarms->require_subcommand(0, 1);
    alarms->add_flag("--all", options.full, "Also those that were closed");
    command(*alarms, "list", "The same", [&] {
        return perform(options.data, "alarms", {{"all", options.full}});
    });
    auto* show = command(*alarms, "show", "Everything about one", [&] {
        return perform(options.data, "alarms show", {{"ID", options.number}});
    });
    show->add_option("ID", options.number, "Its number in the list")->required();
    auto* close = command(*alarms, "close", "It was looked into", [&] {
        return perform(
            options.data, "alarms close", {{"ID", options.number}, {"note", options.reason}});
    });
    close->add_option("ID", options.number, "Its number in the list")->required();
    close->add_option("--note", options.reason, "What came of it")->required();

    auto* recovery =
        command(app, "recovery", "What this hub lost, and what has not come back", [&] {
            return perform(options.data, "recovery", {});
        });
    recovery->require_subcommand(0, 1);
    auto* off =
        command(*recovery, "write-off", "Nobody will bring what is missing of a device", [&] {
            return perform(options.data,
                           "recovery write-off",
                           {{"DEVICE", options.id},
                            {"incarnation", options.number},
                            {"reason", options.reason}});
        });
    off->add_option("DEVICE", options.id, "Id of the device")->required();
    off->add_option("--incarnation", options.number, "Which, as in the list")->required();
    off->add_option("--reason", options.reason, "Why")->required();
}

Result<json::object> init(const Options& options) {
    net::SystemRandom random;
    const auto root_key = root_key_of(options);
    STREETLOG_TRY(const auto keep, keep_root_key_in(root_key, options.data));
    STREETLOG_TRY(const auto id, init_hub(options.data, random, keep, options.simulated_clock));
    return json::object{{"hub", to_string(id)},
                        {"data", options.data.string()},
                        {"root_key", root_key.string()},
                        {"next", what_to_do_with(root_key)},
                        {"clock", options.simulated_clock.empty() ? kReal : kSimulated}};
}

/// The usual 1,024 open files are what the connections alone may take.
void allow_many_connections() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16'384);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<json::object> serve(const Options& options) {
    allow_many_connections();
    STREETLOG_TRY(const auto lock, store::DirectoryLock::take(options.data));
    STREETLOG_TRY(const auto clock, open_clock(options.data));
    net::SystemRandom random;
    net::JsonLogger log{*clock};
    if (!options.high_water.empty())
        STREETLOG_CHECK(set_high_water_path(options.data, fs::absolute(options.high_water)));
    STREETLOG_TRY(auto hub, open_hub(options.data, *clock));
    Ledger& ledger = hub.ledger;
    STREETLOG_TRY(const std::size_t released, ledger.release_understood());
    if (released > 0) log.event(LogLevel::kInfo, "held_records_released", {{"count", released}});
    const bool simulated = clock_kind(ledger.log()) == kSimulated;
    asio::io_context io{1};
    ServeOptions serving;
    serving.directory = options.data;
    serving.address = options.address;
    serving.port = options.port;
    serving.snapshots.records_min = options.snapshot_records;
    serving.high_water = hub.high_water;
    STREETLOG_TRY(auto service,
                  Service::start(io, serving, std::move(ledger), *clock, random, log));
    STREETLOG_TRY(auto controls,
                  net::ControlServer::listen(
                      io.get_executor(),
                      control_socket(options.data),
                      [&](sync::Bytes request, net::ControlServer::Progress progress) {
                          return answer_request(
                              *service, random, std::move(request), std::move(progress));
                      },
                      log,
                      ::getuid()));
    const net::SignalStop stop{
        io.get_executor(), [&] {
            asio::co_spawn(io, service->stop(), [&](const std::exception_ptr&) { io.stop(); });
        }};
    // For people and for scripts alike: the port may have been chosen by the system.
    fmt::print("{}\n",
               json::serialize(json::object{
                   {"listening", fmt::format("{}:{}", options.address, service->port())},
                   {"port", service->port()},
                   {"clock", simulated ? kSimulated : kReal}}));
    std::fflush(stdout);
    log.event(LogLevel::kInfo,
              "hub_started",
              {{"port", service->port()}, {"clock_simulated", simulated}});
    io.run();
    controls.reset();
    service.reset();
    log.event(LogLevel::kInfo, "hub_stopped");
    return json::object{};
}

}  // namespace

int run_command_line(int argc, char** argv) {
    ::umask(S_IRWXG | S_IRWXO);  // what this program makes holds what people typed
    Options options;
    CLI::App app{
        "The Streetlog hub: takes in what the field agents recorded, keeps it, and says what came "
        "late."};
    app.set_version_flag("--version", "streetlog-hub 0.1.0");
    app.add_option("--data", options.data, "Data directory")->capture_default_str();
    app.add_flag("--json", options.json, "Answer as one JSON object");
    app.require_subcommand(1);
    app.fallthrough();
    std::function<Result<json::object>()> job;
    const auto command = [&](CLI::App& parent, const char* name, const char* help, auto what) {
        auto* sub = parent.add_subcommand(name, help);
        // A parent's callback comes after that of the command below it, which is the one meant.
        sub->callback([&job, sub, what] {
            if (sub->get_subcommands().empty()) job = what;
        });
        return sub;
    };
    auto* making =
        command(app, "init", "Make a new hub in the data directory", [&] { return init(options); });
    making->add_option("--simulated-clock",
                       options.simulated_clock,
                       "Demonstration only: live by this clock file, copied to <data>/clock; "
                       "status and log say so");
    making->add_option("--root-key",
                       options.root_key,
                       "Where to write the key of the deployment's root; DATA-root.key beside the "
                       "data directory without it");
    auto* serving = command(app, "serve", "Run until stopped", [&] { return serve(options); });
    serving->add_option("--port", options.port, "Port; 0: any free one")->capture_default_str();
    serving->add_option("--address", options.address, "Address to listen on")
        ->capture_default_str();
    serving
        ->add_option("--snapshot-after",
                     options.snapshot_records,
                     "A device that lacks this many records or more loads a snapshot; 0: never")
        ->capture_default_str();
    serving->add_option("--high-water",
                        options.high_water,
                        "Note there, best on another disk, how far the log has come; remembered");

    add_device_commands(app, command, options);
    add_ca_commands(app, command, options);

    auto* user = app.add_subcommand("user", "The people who hold the devices");
    user->require_subcommand(1);
    auto* person = command(*user, "add", "Add a user", [&] {
        return perform(
            options.data, "user add", {{"name", options.name}, {"email", options.email}});
    });
    person->add_option("--name", options.name, "Name")->required();
    person->add_option("--email", options.email, "E-mail address");
    command(*user, "list", "Every user", [&] { return perform(options.data, "user list", {}); });

    command(
        app, "status", "What the hub holds", [&] { return perform(options.data, "status", {}); });
    auto* verify = command(app, "verify", "Check every record of the log against its hashes", [&] {
        return verify_hub(options);
    });
    verify->add_flag("--dump-hash",
                     options.dump_hash,
                     "Also say the hash of everything the records come to; equal on a device that "
                     "has pulled everything");
    verify->add_option(
        "--dump", options.dump_file, "Also write what is hashed to this file; it holds names");
    command(app, "rebuild", "Throw away everything made from the log and make it again", [&] {
        return perform(options.data, "rebuild", {});
    });
    add_desk_commands(app, command, options);
    add_scope_commands(app, command, options);
    add_review_commands(app, command, options);
    add_care_commands(app, command, options);
    add_recovery_commands(app, command, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int code = app.exit(e);
        return code == 0 ? 0 : exit_code(ErrorCode::kUsage);
    }
    const auto result = job();
    if (result && result->empty()) return 0;
    const int code = net::answer(result, options.form());
    return code == 0 ? options.exit_code : code;
}

}  // namespace streetlog::hub
