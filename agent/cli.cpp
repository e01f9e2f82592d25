#include "agent/cli.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/app/acts.hpp"
#include "agent/app/device.hpp"
#include "agent/app/doctor.hpp"
#include "agent/app/enrol.hpp"
#include "agent/app/files.hpp"
#include "agent/app/serve.hpp"
#include "agent/app/sync_once.hpp"
#include "agent/workflow/json_tree.hpp"
#include "sync/net/checkup_answer.hpp"
#include "sync/net/control_socket.hpp"
#include "sync/net/json_logger.hpp"
#include "sync/net/terminal.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr Millis kControlSilence{60'000};
/// Another command may hold the lock for the moment it takes.
constexpr Millis kLockPatience{10'000};
constexpr Millis kLockLook{20};

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 2 wrong use, 3 invalid value, 4 not found, 5 conflict, 6 not permitted,\n"
    "7 malformed bytes, 8 too large, 9 hub or program not reachable, 10 disk or database failed,\n"
    "11 not our database, 12 locked, 13 damaged, 14 unsupported, 15 internal, 16 interrupted.";

struct Options {
    fs::path data = "agent-data";
    bool json = false;
    fs::path enrolment;
    std::string hub;
    std::string code;
    std::string fingerprint;
    std::string project;
    std::string coc;
    fs::path simulated_clock;
    fs::path file;
    std::vector<std::string> words;
    json::object form;
    json::object arguments;
    bool full = false;
    int exit_code = 0;  // of a command that answers and still does not end well

    [[nodiscard]] net::OutputForm form_of_output() const {
        return json ? net::OutputForm::kJson : net::OutputForm::kText;
    }

    [[nodiscard]] fs::path control() const { return data / "control"; }
};

void say(std::string_view line) { fmt::print(stderr, "{}\n", line); }

Answer plain(Result<json::object> result) {
    if (!result) return std::unexpected(std::move(result).error());
    return *std::move(result);
}

Answer ask_running(const Options& options,
                   std::string_view command,
                   const json::object& arguments) {
    const std::string request =
        json::serialize(json::object{{"command", command}, {"arguments", arguments}});
    STREETLOG_TRY(
        const auto reply,
        net::control_request(
            options.control(), sync::Bytes{request.begin(), request.end()}, kControlSilence, say));
    return decode_answer({reinterpret_cast<const char*>(reply.data()), reply.size()});
}

/// Here under the lock, or in the program that holds it.
Answer perform(const Options& options, std::string_view command, const json::object& arguments) {
    const auto patience = std::chrono::steady_clock::now() + kLockPatience;
    for (;;) {
        auto device = Device::open(options.data);
        if (device) {
            net::SystemClock clock;
            net::JsonLogger log{clock, LogLevel::kWarning};
            if (command == "enrol") {
                STREETLOG_CHECK(accept_code(**device, arguments));
                return plain(enrol_now(**device, log));
            }
            if (command != "sync") return Acts{**device}.run(command, arguments);
            return plain(sync_once(**device, log, say));
        }
        if (device.error().code != ErrorCode::kLocked) return std::unexpected(device.error());
        if (net::control_listens(options.control()))
            return ask_running(options, command, arguments);
        if (std::chrono::steady_clock::now() > patience) return std::unexpected(device.error());
        std::this_thread::sleep_for(kLockLook);
    }
}

/// Whatever becomes of the first contact, the device is one: people can record with it.
Answer first_contact(const Options& options, json::object made) {
    STREETLOG_TRY(const auto device, Device::open(options.data));
    net::SystemClock clock;
    net::JsonLogger log{clock, LogLevel::kError};
    auto enrolled = enrol_now(*device, log);
    if (!enrolled && enrolled.error().code != ErrorCode::kUnavailable) {
        auto error = std::move(enrolled).error();
        error.message += "; the device is set up all the same";
        return std::unexpected(std::move(error));
    }
    for (const auto& [name, value] : trust_state(*device)) made[name] = value;
    if (!enrolled) made["next"] = "The hub was not reached. The first sync enrols the device.";
    return made;
}

Result<DeviceSetup> setup_of(const Options& options) {
    DeviceSetup setup;
    if (!options.project.empty()) {
        const auto id = parse_id<EntityId>(options.project);
        if (!id) return fail(ErrorCode::kInvalidInput, "--project needs an id of 32 hex digits");
        setup.project = *id;
    }
    setup.coc = options.coc;
    setup.simulated_clock = options.simulated_clock;
    return setup;
}

Answer init(const Options& options) {
    net::SystemRandom random;
    STREETLOG_TRY(auto setup, setup_of(options));
    if (!options.enrolment.empty()) {
        STREETLOG_TRY(setup.enrolment, read_enrolment(options.enrolment));
        STREETLOG_CHECK(make_device(options.data, setup, random));
    } else {
        sync::Hash fingerprint{};
        if (options.code.empty() || options.hub.empty() ||
            !from_hex(options.fingerprint, fingerprint))
            return std::unexpected(
                Error{ErrorCode::kUsage,
                      "say --enrolment FILE, or --hub, --code and --ca-fingerprint (64 hex digits)",
                      "streetlog-hub device add gives out all of them."});
        const auto address = parse_address(options.hub);
        if (!address)
            return std::unexpected(Error{ErrorCode::kInvalidInput, "--hub needs ADDRESS:PORT", {}});
        net::SystemClock clock;
        net::JsonLogger log{clock, LogLevel::kError};
        STREETLOG_CHECK(make_device_by_code(
            options.data, *address, options.code, fingerprint, std::move(setup), log));
    }
    STREETLOG_TRY(auto made, [&]() -> Result<json::object> {
        STREETLOG_TRY(const auto device, Device::open(options.data));
        const auto& settings = device->settings();
        return json::object{
            {"device", to_string(settings.self.device)},
            {"name", settings.device_name},
            {"data", options.data.string()},
            {"hub", settings.hub_address},
            {"clock", settings.clock == store::ClockMode::kReal ? "real" : "simulated"}};
    }());
    return first_contact(options, std::move(made));
}

Answer enrol(const Options& options) {
    json::object arguments;
    if (!options.enrolment.empty()) {
        STREETLOG_TRY(arguments["document"], read_text(options.enrolment, kJsonBytesMax));
    }
    if (!options.code.empty()) arguments["code"] = options.code;
    return perform(options, "enrol", arguments);
}

Answer save(const Options& options, std::string_view command) {
    json::object arguments;
    if (!options.file.empty()) {
        if (!options.form.empty())
            return std::unexpected(Error{ErrorCode::kUsage,
                                         "--file and flags say the same thing twice",
                                         "Put everything into the document."});
        STREETLOG_TRY(const auto text, read_text(options.file, kJsonBytesMax));
        arguments["document"] = text;
    } else {
        arguments["form"] = options.form;
    }
    return perform(options, command, arguments);
}

Answer run_server(const Options& options) {
    STREETLOG_TRY(const auto device, Device::open(options.data));
    net::JsonLogger log{device->clock()};
    STREETLOG_CHECK(serve(*device, options.control(), log, [](const std::string& line) {
        fmt::print("{}\n", line);
        std::fflush(stdout);
    }));
    return json::object{};
}

/// Declares the commands. `job` is what the chosen one does.
class Commands {
  public:
    Commands(CLI::App& app, Options& options, std::function<Answer()>& job)
        : app_(app), options_(options), job_(job) {}

    void declare() {
        declare_device();
        declare_bundles();
        declare_reading();
        declare_saving();
    }

  private:
    template <class What>
    CLI::App& command(const char* name, const char* help, What what) {
        auto* sub = app_.add_subcommand(name, help);
        sub->footer(kExitCodes);
        sub->callback([this, what] { job_ = what; });
        return *sub;
    }

    /// A flag with a value, kept in the form under its own name.
    void flag(CLI::App& sub, const std::string& name, const char* help) {
        sub.add_option_function<std::string>(
            "--" + name,
            [this, name](const std::string& value) { options_.form[name] = value; },
            help);
    }

    void list(CLI::App& sub, const std::string& name, const std::string& as, const char* help) {
        auto* option = sub.add_option_function<std::vector<std::string>>(
            as,
            [this, name](const std::vector<std::string>& values) {
                options_.form[name] = json::array(values.begin(), values.end());
            },
            help);
        // Each --client takes one id, so that answers may follow it.
        if (as.starts_with("--")) option->allow_extra_args(false);
    }

    CLI::App& saving(const char* name, const char* help, bool timed = true) {
        auto& sub = command(name, help, [this, name] { return save(options_, name); });
        sub.add_option("--file", options_.file, "JSON document; -: from standard input");
        if (timed)
            flag(sub,
                 "at",
                 "When it happened, with its zone: 2026-11-23T14:00:00-05:00. Without it: now");
        return sub;
    }

    void declare_device();
    void declare_bundles();
    void declare_reading();
    void declare_saving();

    CLI::App& app_;
    Options& options_;
    std::function<Answer()>& job_;
};

void Commands::declare_device() {
    auto& making =
        command("init", "Make this directory a device of a hub", [this] { return init(options_); });
    making.add_option("--enrolment",
                      options_.enrolment,
                      "File from streetlog-hub device add --out; the hub need not be reachable");
    making.add_option("--hub", options_.hub, "Without such a file: the hub's ADDRESS:PORT");
    making.add_option("--code", options_.code, "and the one-time code");
    making.add_option(
        "--ca-fingerprint", options_.fingerprint, "and the fingerprint of the root, 64 hex digits");
    making.add_option(
        "--project", options_.project, "Where intakes enroll unless they say otherwise");
    making.add_option("--coc", options_.coc, "CoC of heads of household, as CA-600");
    making.add_option("--simulated-clock",
                      options_.simulated_clock,
                      "Demonstration only: live by this clock file; it is copied to <data>/clock "
                      "and every record is marked");
    auto& enrolling = command("enrol", "Give a device that is there a new code, and enrol", [this] {
        return enrol(options_);
    });
    enrolling.add_option(
        "--enrolment", options_.enrolment, "File from streetlog-hub device code --out");
    enrolling.add_option("--code", options_.code, "or the code alone");
    auto& user = command("user", "Say who holds the device, or list who may", [this] {
        return perform(options_, "user", options_.arguments);
    });
    user.add_option_function<std::string>(
        "who",
        [this](const std::string& who) { options_.arguments["who"] = who; },
        "Name or number; none: nobody");
    auto& sync = command(
        "sync", "Send and fetch once, then end", [this] { return perform(options_, "sync", {}); });
    sync.add_flag_callback("--once", [] {}, "One session; to stay in step, run serve");
    command("serve",
            "Run until stopped: stay in sync with the hub, do what other commands ask",
            [this] { return run_server(options_); });
    command("status", "What is saved, what is not sent yet, and how long there is left", [this] {
        return perform(options_, "status", {});
    });
    auto& verify = command("verify", "Check every own record against its hashes", [this] {
        return perform(options_, "verify", options_.arguments);
    });
    verify.add_flag_callback(
        "--dump-hash",
        [this] { options_.arguments["dump_hash"] = true; },
        "The hash of everything this device knows; equal on all that know the same");
    verify.add_option_function<std::string>(
        "--dump",
        [this](const std::string& file) {
            options_.arguments["dump"] = fs::absolute(file).string();
        },
        "Write what is hashed to this file. It holds what people typed");
    auto& doctor =
        command("doctor", "Look at everything the device needs, and say what to do", [this] {
            const auto found = examine_device(
                options_.data,
                options_.full ? store::CheckDepth::kFull : store::CheckDepth::kQuick);
            options_.exit_code = found.exit_code();
            return Answer{net::checkup_answer(found)};
        });
    doctor.add_flag("--full", options_.full, "Check every index against its table, too");
    doctor.footer(
        "Exit codes: 0 no trouble, 3 the clock is wrong, 4 nothing there, 6 others can read it,\n"
        "9 the running program does not answer, 10 disk or directory, 11 not our database,\n"
        "13 damaged. Attention alone ends with 0.");
    command("rebuild", "Make everything that is shown anew from the log", [this] {
        say("reading every record");
        return perform(options_, "rebuild", {});
    });
}

void Commands::declare_bundles() {
    const auto with_file = [this](const char* name, const char* help, const char* what) {
        auto& sub = command(
            name, help, [this, name] { return perform(options_, name, options_.arguments); });
        sub.add_option_function<std::string>(
               "FILE",
               [this](const std::string& file) {
                   options_.arguments["file"] = fs::absolute(file).string();
               },
               what)
            ->required();
    };
    with_file("export-bundle",
              "Write what is not sent yet to a file that only the hub can read",
              "New file; whoever carries it gives it to streetlog-hub import-bundle");
    with_file("import-bundle",
              "Take in the hub's receipts for a bundle",
              "The reply that streetlog-hub import-bundle wrote");
    with_file("carry",
              "Take another device's bundle along; the next session hands it to the hub",
              "The file that export-bundle wrote there");
    command("carried", "What is carried for other devices, and what the hub said of it", [this] {
        return perform(options_, "carried", {});
    });
    auto& drop = command("drop-carried", "Stop carrying a bundle that the hub refused", [this] {
        return perform(options_, "drop-carried", options_.arguments);
    });
    drop.add_option_function<std::string>(
            "BUNDLE",
            [this](const std::string& bundle) { options_.arguments["bundle"] = bundle; },
            "As carried names it; the device it is of has its records still")
        ->required();
}

void Commands::declare_reading() {
    auto& find = command("find", "Find a client", [this] {
        std::string text;
        for (const auto& word : options_.words) text += (text.empty() ? "" : " ") + word;
        options_.arguments["text"] = text;
        return perform(options_, "find", options_.arguments);
    });
    find.add_option("text",
                    options_.words,
                    "Beginnings of names in any order, digits of an SSN, a date of birth")
        ->required();
    find.add_option_function<int>(
        "--limit",
        [this](int limit) { options_.arguments["limit"] = limit; },
        "People at most; 50");
    auto& show = command("show", "Everything known of a client, enrollment or other entry", [this] {
        return perform(options_, "show", options_.arguments);
    });
    show.add_option_function<std::string>(
            "id", [this](const std::string& id) { options_.arguments["id"] = id; }, "Its id")
        ->required();
    command("projects", "The projects this device knows", [this] {
        return perform(options_, "projects", {});
    });
}

void Commands::declare_saving() {
    const char* const values = "Further answers under HUD's names, as VeteranStatus=0";
    auto& intake = saving("intake", "Take in a person (flags) or a family (document)");
    flag(intake, "first", "First name");
    flag(intake, "middle", "Middle name");
    flag(intake, "last", "Last name");
    flag(intake, "suffix", "Name suffix");
    flag(intake, "dob", "Date of birth, as 1980-04-04");
    flag(intake, "ssn", "Nine digits, x for an unknown one; or the last four");
    list(intake, "client", "--client", "Enroll this client, who is known already");
    flag(intake, "project", "Project to enroll in");
    flag(intake, "household", "Household to join");
    flag(intake, "entry-date", "Start of the stay; the day of the interaction without it");
    flag(intake, "coc", "CoC, as CA-600");
    list(intake, "set", "answers", values);

    auto& contact = saving("contact", "Record meeting one or more clients");
    list(contact, "client", "--client", "Who was met, with one open enrollment");
    list(contact, "enrollment", "--enrollment", "The enrollment under which they were met");
    flag(contact, "situation", "Current living situation, a code of HUD list 3.12.1");
    flag(contact, "note", "Note, kept with each of them");
    list(contact, "set", "answers", values);

    auto& exit = saving("exit", "End one or more enrollments");
    list(exit, "enrollment", "--enrollment", "Which ones");
    flag(exit, "destination", "Destination, a code of HUD list 3.12.1");
    flag(exit, "date", "Exit date; the day of the interaction without it");
    list(exit, "set", "answers", values);

    auto& update = saving("update", "Change what is recorded of a client or an enrollment");
    list(update, "client", "--client", "The client");
    list(update, "enrollment", "--enrollment", "The enrollment");
    list(update, "set", "answers", "Column=value; nothing after = empties it");

    auto& voiding = saving("void", "Mark an entry as made in error", false);
    list(voiding, "client", "--client", "The client");
    list(voiding, "enrollment", "--enrollment", "The enrollment");
    list(voiding, "contact", "--contact", "The contact");
    flag(voiding, "reason", "Why");
    flag(voiding, "replaced-by", "The entry that stands instead");
}

}  // namespace

int run_command_line(int argc, char** argv) {
    ::umask(S_IRWXG | S_IRWXO);  // what this program makes holds what people typed
    Options options;
    CLI::App app{
        "The Streetlog field agent: records outreach without a network and brings it to the hub "
        "when there is one."};
    app.set_version_flag("--version", fmt::format("streetlog-agent {}", kAppVersion));
    app.add_option("--data", options.data, "Data directory")->capture_default_str();
    app.add_flag("--json", options.json, "Answer as one JSON object");
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(kExitCodes);
    std::function<Answer()> job;
    Commands{app, options, job}.declare();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int code = app.exit(e);
        return code == 0 ? 0 : exit_code(ErrorCode::kUsage);
    }
    try {
        const int code = print_answer(job(), options.form_of_output());
        return code == 0 ? options.exit_code : code;
    } catch (const std::exception& e) {
        const Error error{ErrorCode::kInternal, fmt::format("unexpected: {}", e.what()), {}};
        return print_answer(std::unexpected(error), options.form_of_output());
    }
}

}  // namespace streetlog::agent
