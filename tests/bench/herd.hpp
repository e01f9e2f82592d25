#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "tests/bench/office.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {

/// Many devices that come back at the same moment, each with what it recorded offline.
struct HerdShape {
    std::size_t devices = 500;
    std::uint64_t records = 200;  // of each
};

struct HerdFigures {
    HerdShape shape;
    double seconds = 0;  // from the moment they start to the last acknowledgement
    double per_s = 0;    // records
    // From that moment until a record is acknowledged, over all records.
    double ack_p50_ms = 0, ack_p99_ms = 0, ack_max_ms = 0;
    // Until the first record of a device is, over all devices: nobody waits for all the others.
    double first_p50_ms = 0, first_max_ms = 0;
    // Until all records of a device are.
    double done_p50_ms = 0, done_max_ms = 0;
    double hub_rss_before_mib = 0, hub_rss_mib = 0;  // peaks
    double hub_cpu_us = 0;                           // a record
    std::uint64_t attempts = 0;                      // connections begun, by all
    bool verified = false;  // the hub holds every record, and every hash is right
};

/// Sets up `directory` and runs it.
[[nodiscard]] Result<HerdFigures> run_herd(const HerdShape& shape,
                                           const std::filesystem::path& hub_program,
                                           const std::filesystem::path& directory,
                                           const std::function<void(const std::string&)>& progress);

[[nodiscard]] boost::json::object to_json(const HerdFigures& figures);
[[nodiscard]] std::string to_table(const HerdFigures& figures);

/// The devices of a herd, all in this process, a thread each.
[[nodiscard]] std::unique_ptr<Role> make_herd_role();

}  // namespace streetlog::bench
