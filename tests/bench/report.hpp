#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "tests/bench/shapes.hpp"

namespace streetlog::bench {

struct Report {
    Ruler ruler;
    std::uint64_t preloaded = 0;
    PushFigures one;   // 1 device
    PushFigures many;  // 50 devices
    VisibleFigures visible;

    /// Every hub held what was pushed, and no dump hash differed.
    [[nodiscard]] bool verified() const;
};

[[nodiscard]] boost::json::object to_json(const Report& report);
[[nodiscard]] std::string to_table(const Report& report);

}  // namespace streetlog::bench
