#include "hub/cli.hpp"

#include <functional>
#include <utility>

#include <sys/stat.h>

#include "hub/cli/command_line.hpp"

namespace streetlog::hub {

int run_command_line(int argc, char** argv) {
    ::umask(S_IRWXG | S_IRWXO);  // what this program makes holds what people typed
    cli::Options options;
    CLI::App app{
        "The Streetlog hub: takes in what the field agents recorded, keeps it, and says what came "
        "late."};
    app.set_version_flag("--version", "streetlog-hub 0.1.0");
    app.add_option("--data", options.data, "Data directory")->capture_default_str();
    app.add_flag("--json", options.json, "Answer as one JSON object");
    app.require_subcommand(1);
    app.fallthrough();
    std::function<cli::Answer()> job;
    const cli::Command command = [&](CLI::App& parent,
                                     const char* name,
                                     const char* help,
                                     std::function<cli::Answer()> what) {
        auto* sub = parent.add_subcommand(name, help);
        // A parent's callback comes after that of the command below it, which is the one meant.
        sub->callback([&job, sub, what = std::move(what)] {
            if (sub->get_subcommands().empty()) job = what;
        });
        return sub;
    };
    cli::add_running_commands(app, command, options);
    cli::add_trust_commands(app, command, options);
    cli::add_desk_commands(app, command, options);
    cli::add_review_commands(app, command, options);
    cli::add_care_commands(app, command, options);
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
