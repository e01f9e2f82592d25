#include <filesystem>

#include <boost/json/array.hpp>

#include "hub/cli/command_line.hpp"
#include "hub/commands.hpp"

namespace streetlog::hub::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

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

void add_data_commands(CLI::App& app, const Command& command, Options& options) {
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

/// What devices are told.
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

/// What the client index says, and of whom.
void add_index_commands(CLI::App& app, const Command& command, Options& options) {
    auto* policy = command(app, "policy", "What devices may know of other projects' clients", [&] {
        return perform(options.data, "policy", {});
    });
    policy->require_subcommand(0, 1);
    auto* ssn = command(*policy, "ssn", "Say what the client index holds of SSNs", [&] {
        return options.policy.empty()
                   ? perform(options.data, "policy", {})
                   : perform(options.data, "policy ssn", {{"POLICY", options.policy}});
    });
    ssn->add_option("POLICY",
                    options.policy,
                    "full; last4 (until another is said); keyed: hashes, by which a number that is "
                    "typed is found. Without one it is shown")
        ->check(CLI::IsMember({"full", "last4", "keyed"}));
    const auto keep = [&](const char* name, const char* help) {
        auto* keeping = command(app, name, help, [&options, name] {
            return perform(
                options.data, name, {{"CLIENT", options.id}, {"reason", options.reason}});
        });
        keeping->add_option("CLIENT", options.id, "PersonalID")->required();
        keeping->add_option("--reason", options.reason, "Why");
    };
    keep("restrict", "Keep a client, under all their ids, out of the client index");
    keep("unrestrict", "Let a client be in the client index again");
}

void add_log_commands(CLI::App& app, const Command& command, Options& options) {
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
}

}  // namespace

void add_desk_commands(CLI::App& app, const Command& command, Options& options) {
    add_log_commands(app, command, options);
    add_data_commands(app, command, options);
    add_scope_commands(app, command, options);
    add_index_commands(app, command, options);
}

}  // namespace streetlog::hub::cli
