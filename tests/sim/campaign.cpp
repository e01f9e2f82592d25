#include "tests/sim/campaign.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace streetlog::sim {
namespace {

std::string joined(const std::set<std::uint64_t>& numbers) {
    std::string out;
    for (const auto n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
    return out;
}

std::string command(const WorldOptions& options) {
    std::string out = fmt::format("streetlog-sim --seed {}", options.seed);
    if (options.days != 7) out += fmt::format(" --days {}", options.days);
    out += " --with " + list_of(options.extras.value_or(drawn(options.seed)));
    if (!options.drop.empty()) out += " --drop " + joined(options.drop);
    return out;
}

/// Leaves out faults, half of them first, as long as something still breaks.
WorldOptions shrunk(WorldOptions options, std::size_t most_runs) {
    auto failing = run_one(options);
    std::size_t runs = 0;
    for (std::size_t chunk = std::max<std::size_t>(failing.fault_list.size() / 2, 1);;) {
        bool smaller = false;
        const auto list = failing.fault_list;
        for (std::size_t from = 0; from < list.size() && runs < most_runs; from += chunk) {
            auto tried = options;
            for (std::size_t i = from; i < std::min(list.size(), from + chunk); ++i)
                tried.drop.insert(list[i].first);
            if (tried.drop.size() == options.drop.size()) continue;
            ++runs;
            auto again = run_one(tried);
            if (!again.violation) continue;
            options = std::move(tried);
            failing = std::move(again);
            smaller = true;
        }
        if (runs >= most_runs || (chunk == 1 && !smaller)) return options;
        if (!smaller) chunk = std::max<std::size_t>(chunk / 2, 1);
    }
}

Totals run_here(const Arguments& arguments, const std::vector<Seed>& seeds) {
    Totals totals;
    const double before = cpu_seconds();
    for (const auto& seed : seeds) {
        auto options = arguments.world;
        options.seed = seed.number;
        if (seed.extras) options.extras = seed.extras;
        auto outcome = run_one(options);
        totals.add(outcome);
        if (outcome.violation && arguments.shrink) {
            options = shrunk(options, 300);
            outcome = run_one(options);
        }
        if (outcome.violation) report(options, outcome);
        if (seeds.size() == 1)
            std::cout << fmt::format("trace {:016x} of {}\n", outcome.trace, command(options));
        if (!arguments.twice) continue;
        if (const auto again = run_one(options); again.trace != outcome.trace) {
            totals.count("two traces", 1);
            std::cout << fmt::format("seed {} gave two traces: {:016x} and {:016x}\n",
                                     seed.number,
                                     outcome.trace,
                                     again.trace);
        }
    }
    totals.count("cpu", cpu_seconds() - before);
    std::cout << std::flush;
    return totals;
}

std::string wrong_statement;

void note_wrong_statement(void* /*nothing*/, int code, const char* message) {
    switch (code & 0xff) {
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
            if (wrong_statement.empty()) wrong_statement = message;
            break;
        default:
            break;
    }
}

}  // namespace

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Outcome run_one(const WorldOptions& options) {
    // Once, before SQLite is used for the first time; later it is refused and changes nothing.
    sqlite3_config(SQLITE_CONFIG_LOG, note_wrong_statement, nullptr);
    wrong_statement.clear();
    auto outcome = World{options}.run();
    if (!wrong_statement.empty())
        outcome.violation = std::string{kWrongStatement} + wrong_statement;
    return outcome;
}

void report(const WorldOptions& options, const Outcome& out) {
    std::cout << fmt::format(
        "VIOLATION with seed {} at {}: {}\n", options.seed, format_instant(out.at), *out.violation);
    std::cout << fmt::format("  {} faults:\n", out.fault_list.size());
    for (const auto& [number, what] : out.fault_list)
        std::cout << fmt::format("    {:4} {}\n", number, what);
    std::cout << "  again: " << command(options) << " --narrate\n";
}

Totals in_processes(std::size_t jobs, const std::function<Totals(std::size_t job)>& work) {
    Totals totals;
    std::vector<std::pair<pid_t, int>> children;
    for (std::size_t job = 0; job < jobs; ++job) {
        std::array<int, 2> pipe_ends{};
        if (pipe(pipe_ends.data()) != 0) std::exit(3);
        std::cout << std::flush;
        const pid_t child = fork();
        if (child == 0) {
            const auto text = work(job).text();
            std::cout << std::flush;
            const auto written = write(pipe_ends[1], text.data(), text.size());
            _exit(std::cmp_equal(written, text.size()) ? 0 : 3);
        }
        close(pipe_ends[1]);
        children.emplace_back(child, pipe_ends[0]);
    }
    for (const auto& [child, from] : children) {
        std::string text;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = read(from, part.data(), part.size())) > 0;)
            text.append(part.data(), static_cast<std::size_t>(n));
        close(from);
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) {
            totals.count("violations", 1);
            std::cout << "a process of the simulator ended badly\n";
        }
        totals.add_text(text);
    }
    return totals;
}

Totals run_seeds(const Arguments& arguments, const std::vector<Seed>& seeds) {
    if (arguments.jobs < 2) return run_here(arguments, seeds);
    return in_processes(arguments.jobs, [&](std::size_t job) {
        std::vector<Seed> mine;
        for (std::size_t i = job; i < seeds.size(); i += arguments.jobs) mine.push_back(seeds[i]);
        return run_here(arguments, mine);
    });
}

}  // namespace streetlog::sim
