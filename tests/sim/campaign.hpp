#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/planted.hpp"
#include "tests/sim/totals.hpp"

/// Many runs, and what to do about those that break something.
namespace streetlog::sim {

/// What decides a run: the seed, and what it is run with unless that is drawn.
struct Seed {
    std::uint64_t number = 0;
    std::optional<Extras> extras;
};

struct Arguments {
    std::uint64_t first = 1;
    std::uint64_t last = 200;
    std::size_t jobs = 1;
    bool twice = false;
    bool shrink = false;
    bool crash_points = false;
    bool failing_operations = false;
    bool planted = false;       // look for every planted bug
    std::string planted_seeds;  // a file that says with which seed to begin for which bug
    std::string seeds_file;
    Bug bug = Bug::kNone;
    WorldOptions world;
};

[[nodiscard]] double cpu_seconds();
/// A violation that begins with this is of the program's own making, whatever happened to it:
/// SQLite was asked for what it cannot do, or a row was against the table's rules.
inline constexpr std::string_view kWrongStatement = "a statement is wrong: ";

[[nodiscard]] Outcome run_one(const WorldOptions& options);

/// Prints what broke, the faults that led there, and how to see it again.
void report(const WorldOptions& options, const Outcome& outcome);

/// The sums of what several processes come to: there is one default file system a process, so
/// threads would not do.
[[nodiscard]] Totals in_processes(std::size_t jobs,
                                  const std::function<Totals(std::size_t job)>& work);

/// The sums over `seeds`; in arguments.jobs processes.
[[nodiscard]] Totals run_seeds(const Arguments& arguments, const std::vector<Seed>& seeds);

/// How many seeds each planted bug lives through. 1 when one lives through all of them. The seed
/// that `planted_seeds` names for a bug comes first, and then all others as if it did not.
[[nodiscard]] int hunt(const Arguments& arguments);

/// One short day again and again, in which the n-th operation of a disk goes wrong, for every n.
[[nodiscard]] int every_operation(const Arguments& arguments);

}  // namespace streetlog::sim
