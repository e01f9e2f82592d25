#include "hub/admin/doctor_command.hpp"
#include "hub/backup/backup_commands.hpp"
#include "hub/cli/command_line.hpp"
#include "hub/commands.hpp"
#include "sync/net/checkup_answer.hpp"

namespace streetlog::hub::cli {
namespace {

namespace json = boost::json;

void add_backup_and_doctor(CLI::App& app, const Command& command, Options& options) {
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

}  // namespace

void add_care_commands(CLI::App& app, const Command& command, Options& options) {
    add_backup_and_doctor(app, command, options);
    add_recovery_commands(app, command, options);
}

}  // namespace streetlog::hub::cli
