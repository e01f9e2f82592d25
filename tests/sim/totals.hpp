#pragma once

#include <map>
#include <string>

#include "tests/sim/world.hpp"

namespace streetlog::sim {

/// Sums of what the runs came to, by name, so that several processes can add theirs up. Names that
/// begin with "most" keep the largest.
class Totals {
  public:
    void add(const Outcome& outcome);
    void count(const std::string& name, double more);
    [[nodiscard]] double of(const std::string& name) const;

    [[nodiscard]] std::string text() const;
    void add_text(const std::string& text);

    void print() const;

  private:
    void print_all(std::string_view title, std::string_view prefix) const;

    std::map<std::string, double> all_;
};

}  // namespace streetlog::sim
