#include "hub/cli/command_line.hpp"
#include "hub/commands.hpp"

namespace streetlog::hub::cli {

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

}  // namespace streetlog::hub::cli
