#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/sim/campaign.hpp"

/// streetlog-sim: many seeds, or one again. See DESIGN.md.
namespace streetlog::sim {
namespace {

std::uint64_t number(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) {
        std::cerr << "not a number: " << text << '\n';
        std::exit(2);
    }
    return out;
}

/// "A..B", or one.
std::pair<std::uint64_t, std::uint64_t> range(std::string_view text) {
    const auto dots = text.find("..");
    const auto first = number(text.substr(0, dots));
    return {first, dots == std::string_view::npos ? first : number(text.substr(dots + 2))};
}

Extras extras_in(const std::string& list) {
    if (const auto out = named(list)) return *out;
    std::cerr << "no such list: " << list << '\n';
    std::exit(2);
}

Arguments parse(const std::vector<std::string>& args) {
    Arguments out;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const auto& arg = args[i];
        const auto next = [&]() -> const std::string& {
            if (++i < args.size()) return args[i];
            std::cerr << arg << " needs a value\n";
            std::exit(2);
        };
        if (arg == "--seed") {
            out.first = out.last = number(next());
        } else if (arg == "--seeds") {
            std::tie(out.first, out.last) = range(next());
        } else if (arg == "--lane") {
            const char* wanted = std::getenv("STREETLOG_SEEDS");
            std::tie(out.first, out.last) = range(wanted == nullptr ? "1..200" : wanted);
        } else if (arg == "--days") {
            out.world.days = static_cast<int>(number(next()));
        } else if (arg == "--drop") {
            std::string list = next();
            for (std::size_t from = 0; from < list.size();) {
                const auto comma = std::min(list.find(',', from), list.size());
                out.world.drop.insert(number(std::string_view{list}.substr(from, comma - from)));
                from = comma + 1;
            }
        } else if (arg == "--file") {
            out.seeds_file = next();
        } else if (arg == "--plant") {
            const auto& name = next();
            const auto at = std::ranges::find(kBugs, std::string_view{name}, &PlantedBug::name);
            if (at == kBugs.end()) {
                std::cerr << "no such bug: " << name << '\n';
                std::exit(2);
            }
            out.bug = at->bug;
        } else if (arg == "--jobs") {
            out.jobs = number(next());
        } else if (arg == "--crash-points") {
            out.crash_points = true;
        } else if (arg == "--failing-operations") {
            out.failing_operations = true;
        } else if (arg == "--planted") {
            out.planted = true;
        } else if (arg == "--planted-seeds") {
            out.planted = true;
            out.planted_seeds = next();
        } else if (arg == "--no-faults") {
            out.world.faults = false;
        } else if (arg == "--with") {
            out.world.extras = extras_in(next());
        } else if (arg == "--narrate") {
            out.world.narrate = true;
        } else if (arg == "--twice") {
            out.twice = true;
        } else if (arg == "--shrink") {
            out.shrink = true;
        } else {
            std::cerr
                << "usage: streetlog-sim [--seeds A..B | --seed N | --file SEEDS | --lane] "
                   "[--days N] "
                   "[--jobs N] "
                   "[--twice] [--shrink] [--drop FAULT,...] [--no-faults] [--narrate] "
                   "[--with scopes,snapshots,carried,old-hub,restores,copies | --with nothing] "
                   "[--plant BUG | --planted | --planted-seeds FILE] [--crash-points | "
                   "--failing-operations]\n";
            std::exit(2);
        }
    }
    return out;
}

/// Lines "SEED WITH what it found"; WITH is as for --with.
std::vector<Seed> seeds_in(const std::string& file) {
    std::ifstream in{file};
    std::vector<Seed> out;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words{line};
        std::string seed;
        std::string with;
        words >> seed >> with;
        out.push_back({number(seed), extras_in(with)});
    }
    return out;
}

int run(const Arguments& arguments) {
    if (arguments.planted) return hunt(arguments);
    if (arguments.crash_points || arguments.failing_operations) return every_operation(arguments);
    planted_bug = arguments.bug;
    std::vector<Seed> seeds;
    if (!arguments.seeds_file.empty()) seeds = seeds_in(arguments.seeds_file);
    for (auto seed = arguments.first; arguments.seeds_file.empty() && seed <= arguments.last;)
        seeds.push_back({seed++, {}});
    if (seeds.empty()) return 2;
    const Totals totals = run_seeds(arguments, seeds);
    totals.print();
    return totals.of("violations") == 0 && totals.of("two traces") == 0 &&
                   totals.of("seeds") == static_cast<double>(seeds.size())
               ? 0
               : 1;
}

}  // namespace
}  // namespace streetlog::sim

int main(int argc, char** argv) {
    return streetlog::sim::run(
        streetlog::sim::parse(std::vector<std::string>(argv + 1, argv + argc)));
}
