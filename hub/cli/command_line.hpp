#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "hub/feed/snapshot_shelf.hpp"
#include "schema/error.hpp"
#include "sync/net/terminal.hpp"

/// The command line in rooms: what each command is called, takes and does. Shared by the sources of
/// this folder.
namespace streetlog::hub::cli {

/// Everything that can be said on the command line.
struct Options {
    std::filesystem::path data = "hub-data";
    bool json = false;
    std::uint16_t port = 4180;
    std::string address = "127.0.0.1";
    std::string name;
    std::string email;
    std::filesystem::path out;
    std::filesystem::path simulated_clock;
    std::filesystem::path from_backup, bundle, reply;
    std::filesystem::path root_key;
    std::string device;
    bool new_key = false;
    std::filesystem::path high_water;
    bool full = false;
    std::uint64_t snapshot_records = SnapshotRules{}.records_min;
    int exit_code = 0;  // of a command that answers and still does not end well

    [[nodiscard]] net::OutputForm form() const {
        return json ? net::OutputForm::kJson : net::OutputForm::kText;
    }

    // Of the desk's commands.
    std::string id, other, group, reason, which = "open", directory, source, rejects, dump_file;
    std::string coc, kind, from, to, policy;
    std::int64_t number = 0;
    std::int64_t pick = 0, hub_seq = 0, limit = 1000, hours = 24, project_type = -1;
    std::vector<std::string> projects;
    bool dump_hash = false, everything = false;
};

using Answer = Result<boost::json::object>;

/// Declares a command below `parent`; `what` runs when it is the one that was given.
using Command = std::function<CLI::App*(
    CLI::App& parent, const char* name, const char* help, std::function<Answer()> what)>;

/// `init`, `serve`.
void add_running_commands(CLI::App& app, const Command& command, Options& options);
/// `device`, `ca`.
void add_trust_commands(CLI::App& app, const Command& command, Options& options);
/// `user`, `status`, `verify`, `rebuild`, `import`, `import-bundle`, `late`, `rule`, `show`,
/// `scope`, `policy`, `restrict`, `unrestrict`.
void add_desk_commands(CLI::App& app, const Command& command, Options& options);
/// `duplicates`, `conflicts`, `quarantine`: what waits for a person's decision.
void add_review_commands(CLI::App& app, const Command& command, Options& options);
/// `backup`, `restore`, `doctor`, `alarms`, `recovery`.
void add_care_commands(CLI::App& app, const Command& command, Options& options);

[[nodiscard]] std::filesystem::path root_key_of(const Options& options);

}  // namespace streetlog::hub::cli
