#include "tests/sim/totals.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace streetlog::sim {

void Totals::add(const Outcome& o) {
    count("seeds", 1);
    count("violations", o.violation ? 1 : 0);
    count("records", static_cast<double>(o.records));
    count("acts", static_cast<double>(o.hub_acts));
    count("sessions", static_cast<double>(o.sessions));
    count("messages", static_cast<double>(o.messages));
    count("lost", static_cast<double>(o.lost_messages));
    count("cut", static_cast<double>(o.cut_messages));
    count("late", static_cast<double>(o.late_messages));
    count("restarts", static_cast<double>(o.restarts));
    count("refusals", static_cast<double>(o.refusals));
    count("failed", static_cast<double>(o.failed_saves));
    count("wall", static_cast<double>(o.leans_on_wall));
    count("device-days", o.device_days);
    count("most seconds to be in step", static_cast<double>(o.converged_ms) / 1'000);
    for (std::size_t i = 0; i < kFaultKinds; ++i)
        count(fmt::format("fault {}", name_of(static_cast<FaultKind>(i))),
              static_cast<double>(o.faults[i]));
    for (std::size_t i = 0; i < kDiskFaults; ++i)
        count(fmt::format("disk {}", name_of(static_cast<DiskFault>(i))),
              static_cast<double>(o.disk_faults[i]));
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t k = 0; k < 4; ++k)
            count(fmt::format("verdict {} {}", i, k), static_cast<double>(o.verdicts[i][k]));
    for (const auto& [shape, n] : o.shapes) count("shape " + shape, static_cast<double>(n));
}

void Totals::count(const std::string& name, double more) {
    double& at = all_[name];
    at = name.starts_with("most") ? std::max(at, more) : at + more;
}

double Totals::of(const std::string& name) const {
    const auto at = all_.find(name);
    return at == all_.end() ? 0 : at->second;
}

std::string Totals::text() const {
    std::string out;
    for (const auto& [name, n] : all_) out += fmt::format("{}\t{}\n", n, name);
    return out;
}

void Totals::add_text(const std::string& text) {
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        const auto tab = line.find('\t');
        count(line.substr(tab + 1), std::stod(line.substr(0, tab)));
    }
}

void Totals::print() const {
    const double cpu = std::max(of("cpu"), 0.001);
    std::cout << fmt::format(
        "seeds {:.0f}, simulated device-days {:.0f}, simulated hours per CPU-second {:.0f} "
        "({:.1f} CPU s), violations {:.0f}\n",
        of("seeds"),
        of("device-days"),
        of("device-days") * 24 / cpu,
        cpu,
        of("violations"));
    std::cout << fmt::format(
        "records {:.0f}, acts of the hub {:.0f}, sessions {:.0f}, messages {:.0f} (lost "
        "{:.0f}, cut in the middle {:.0f}, over connections given up {:.0f}), starts of "
        "programs {:.0f}, forms refused {:.0f}, Saves that failed and said so {:.0f}; slowest "
        "to be in step again {:.0f} s\n",
        of("records"),
        of("acts"),
        of("sessions"),
        of("messages"),
        of("lost"),
        of("cut"),
        of("late"),
        of("restarts"),
        of("refusals"),
        of("failed"),
        of("most seconds to be in step"));
    print_all("faults", "fault ");
    print_all("disk operations that failed", "disk ");
    print_all("happened", "shape ");
    std::cout << "verdicts          on time     late  unproven\n";
    for (int i = 0; i < 2; ++i)
        std::cout << fmt::format("  truly {:8} {:9.0f} {:8.0f} {:9.0f}\n",
                                 i == 0 ? "on time" : "late",
                                 of(fmt::format("verdict {} 1", i)),
                                 of(fmt::format("verdict {} 2", i)),
                                 of(fmt::format("verdict {} 3", i)));
    std::cout << fmt::format("  of these {:.0f} lean on a wall clock\n", of("wall"));
}

void Totals::print_all(std::string_view title, std::string_view prefix) const {
    std::cout << title << ':';
    bool first = true;
    for (const auto& [name, n] : all_) {
        if (!name.starts_with(prefix)) continue;
        std::cout << fmt::format(
            "{} {} {:.0f}", std::exchange(first, false) ? "" : ",", name.substr(prefix.size()), n);
    }
    std::cout << '\n';
}

}  // namespace streetlog::sim
