#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "tests/bench/office.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {

/// An empty device meets a hub that holds a town.
struct FirstSyncShape {
    std::uint64_t clients = 100'000;
    bool snapshot = true;  // false: it reads the log
};

struct FirstSyncFigures {
    FirstSyncShape shape;
    std::uint64_t records = 0;   // in the hub's log
    std::uint64_t clients = 0;   // on the device afterwards
    std::uint64_t entities = 0;  // in the snapshot
    double snapshot_mib = 0;     // its file
    double seconds = 0;          // from connecting until all is stored and readable
    double live_seconds =
        0;  // until the clients can be found; then what was there before is cleared away
    double mib_received = 0;                               // over the connection, framing and all
    double device_rss_mib = 0, device_rss_before_mib = 0;  // peaks
    double hub_rss_mib = 0, hub_rss_before_mib = 0;
    double device_cpu_seconds = 0, hub_cpu_seconds = 0;
    // A person saves an intake every 20 ms meanwhile; from when it was due until it was on the
    // disk.
    std::uint64_t saves = 0;
    double save_p50_ms = 0, save_max_ms = 0;
    bool verified = false;  // the device's dump hash is the hub's
};

[[nodiscard]] Result<FirstSyncFigures> run_first_sync(
    const FirstSyncShape& shape,
    const std::filesystem::path& hub_program,
    const std::filesystem::path& directory,
    const std::function<void(const std::string&)>& progress);

[[nodiscard]] boost::json::object to_json(const FirstSyncFigures& figures);
[[nodiscard]] std::string to_table(const FirstSyncFigures& figures);

}  // namespace streetlog::bench
