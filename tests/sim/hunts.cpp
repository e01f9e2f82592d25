#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tests/sim/campaign.hpp"

namespace streetlog::sim {
namespace {

/// What a line "NAME SEED" or "NAME SEED WITH" of the file says of the bug, if the seed is one of
/// those asked for.
std::optional<Seed> known_seed(const Arguments& arguments, std::string_view bug) {
    std::ifstream in{arguments.planted_seeds};
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::string name;
        std::string with;
        Seed out;
        words >> name >> out.number >> with;
        if (name != bug || out.number < arguments.first || out.number > arguments.last) continue;
        if (!with.empty()) out.extras = named(with);
        return out;
    }
    return std::nullopt;
}

/// How many seeds the bug lives through.
Totals hunt_one(const Arguments& arguments, const PlantedBug& planted) {
    planted_bug = planted.bug;
    const double before = cpu_seconds();
    std::optional<std::string> how;
    std::uint64_t seeds = 0;
    std::uint64_t last = 0;
    const auto lives_through = [&](std::uint64_t seed, const std::optional<Extras>& extras) {
        auto options = arguments.world;
        if (extras) options.extras = extras;
        options.seed = last = seed;
        how = run_one(options).violation;
        ++seeds;
        return !how;
    };
    const auto known = known_seed(arguments, planted.name);
    if (!known || lives_through(known->number, known->extras))
        for (auto seed = arguments.first; seed <= arguments.last; ++seed)
            if (!lives_through(seed, std::nullopt)) break;
    planted_bug = Bug::kNone;
    // Then it is not the bug that was noticed, but that it was planted badly.
    const bool caught = how && !how->starts_with(kWrongStatement);
    const auto line = how.value_or("").substr(0, 110);
    std::cout << fmt::format("{:26} {} {:3}, seeds tried: {}, {:5.1f} s  {}\n",
                             planted.name,
                             caught ? "caught by seed" : "NOT caught, not even by seed",
                             last,
                             seeds,
                             cpu_seconds() - before,
                             line.substr(0, line.find('\n')))
              << std::flush;
    Totals totals;
    totals.count(caught ? "caught" : "not caught", 1);
    totals.count("most seeds", static_cast<double>(seeds));
    return totals;
}

struct Way {
    DiskFault what;
    bool forever;
};

std::vector<Way> ways_to_fail(const Arguments& arguments) {
    if (arguments.crash_points) return {{DiskFault::kCrash, false}};
    std::vector<Way> ways;
    for (const auto what :
         {DiskFault::kIoError, DiskFault::kFull, DiskFault::kShortWrite, DiskFault::kSyncFails})
        for (const bool forever : {false, true}) ways.push_back({what, forever});
    return ways;
}

void run_script(WorldOptions options, const Script& script, Totals& totals) {
    options.script = script;
    const auto outcome = run_one(options);
    const auto what = static_cast<std::size_t>(script.plan.what);
    totals.count("runs", 1);
    totals.count("met", outcome.disk_faults[what] > 0 ? 1 : 0);
    if (!outcome.violation) return;
    totals.count("violations", 1);
    std::cout << fmt::format("VIOLATION with {}{} at operation {} of {}, damage {}: {}\n",
                             name_of(script.plan.what),
                             script.plan.forever ? ", from then on," : "",
                             script.plan.at,
                             script.machine,
                             script.damage,
                             *outcome.violation);
}

/// Every `jobs`-th operation of a machine's disk, from the `job`-th on.
Totals go_through(const Arguments& arguments,
                  const WorldOptions& options,
                  const std::string& machine,
                  std::uint64_t operations,
                  std::size_t job) {
    Totals totals;
    for (const Way& way : ways_to_fail(arguments)) {
        const std::uint64_t damages = way.what == DiskFault::kCrash ? 3 : 1;
        // What fails for good fails for the operations after it as well.
        const std::uint64_t step = way.forever ? 4 : 1;
        for (std::uint64_t at = 1 + job * step; at <= operations; at += step * arguments.jobs) {
            for (std::uint64_t damage = 0; damage < damages; ++damage) {
                FaultPlan plan;
                plan.at = at;
                plan.what = way.what;
                plan.forever = way.forever;
                run_script(options, {machine, plan, damage}, totals);
            }
        }
    }
    return totals;
}

}  // namespace

int hunt(const Arguments& arguments) {
    const auto totals = in_processes(arguments.jobs, [&](std::size_t job) {
        Totals mine;
        for (std::size_t i = job; i < kBugs.size(); i += arguments.jobs) {
            if (arguments.bug != Bug::kNone && arguments.bug != kBugs[i].bug) continue;
            mine.add_text(hunt_one(arguments, kBugs[i]).text());
        }
        return mine;
    });
    std::cout << fmt::format(
        "{:.0f} planted bugs caught by one of {} seeds, the hardest after {:.0f}; not caught: "
        "{:.0f}\n",
        totals.of("caught"),
        arguments.last - arguments.first + 1,
        totals.of("most seeds"),
        totals.of("not caught"));
    return totals.of("caught") > 0 && totals.of("not caught") == 0 && totals.of("violations") == 0
               ? 0
               : 1;
}

int every_operation(const Arguments& arguments) {
    auto options = arguments.world;
    options.seed = arguments.first;
    options.days = 1;
    options.script.emplace();
    const auto calm = run_one(options);
    if (calm.violation) {
        report(options, calm);
        return 1;
    }
    double violations = 0;
    double met = 0;
    for (const auto& [machine, operations] :
         {std::pair{"hub", calm.hub_changes}, std::pair{"tablet1", calm.tablet_changes}}) {
        const auto totals = in_processes(arguments.jobs, [&](std::size_t job) {
            return go_through(arguments, options, machine, operations, job);
        });
        std::cout << fmt::format(
            "{}: {} disk operations, {:.0f} runs of a day with {} records, in {:.0f} of which one "
            "went "
            "wrong; violations {:.0f}\n",
            machine,
            operations,
            totals.of("runs"),
            calm.records,
            totals.of("met"),
            totals.of("violations"));
        violations += totals.of("violations");
        met += totals.of("met");
    }
    return violations == 0 && met > 0 ? 0 : 1;
}

}  // namespace streetlog::sim
