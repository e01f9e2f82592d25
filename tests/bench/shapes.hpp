#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/bench/office.hpp"

namespace streetlog::bench {

/// Devices that recorded offline and push at once.
struct PushShape {
    std::size_t devices = 1;
    std::uint64_t records = 0;  // of each
};

/// One side of a push and of the pull that follows it.
struct SideFigures {
    double push_seconds = 0;
    double push_per_s = 0;
    double push_up = 0;  // bytes a record, 0 where not counted
    double push_down = 0;
    double hub_cpu_us = 0;  // a record pushed
    double hub_rss_mib = 0;
    double device_cpu_us = 0;
    double device_rss_mib = 0;  // of the largest device
    double settle_seconds = 0;  // after the push: receipts are put to the records
    double follow_seconds = 0;  // then, until the hub's projection was there, too, and verified
    double pull_per_s = 0;
    double pull_down = 0;
    double pull_up = 0;
    double pull_hub_cpu_us = 0;
    double pull_device_cpu_us = 0;
    double pull_device_rss_mib = 0;
    std::uint64_t pulled = 0;  // records
};

/// What the hub holds afterwards.
struct Check {
    bool records_verified = false;  // every record read back, and as many as were recorded
    bool dump_equal = false;  // the hub's dump hash and that of a device that pulled everything
};

struct PushFigures {
    SideFigures product;
    SideFigures floor;
    Check check;
    std::uint64_t records = 0;
    std::size_t devices = 0;
    std::uint64_t value_bytes = 0;  // mean size of a record, which the floor's rows have, too

    [[nodiscard]] double ratio() const { return product.push_per_s / floor.push_per_s; }

    [[nodiscard]] double pull_ratio() const { return product.pull_per_s / floor.pull_per_s; }
};

struct VisibleFigures {
    double p50_ms = 0;
    double p99_ms = 0;
    double floor_p50_ms = 0;
    double floor_p99_ms = 0;
    std::size_t samples = 0;
    Check check;
};

struct Ruler {
    double fdatasync_p50_ms = 0;
    double fdatasync_p99_ms = 0;
};

/// Runs shapes beside the floor. Everything happens under `directory`, which it leaves behind.
class Bench {
  public:
    using Progress = std::function<void(const std::string&)>;

    Bench(const Office& office, std::filesystem::path directory, Progress progress)
        : office_(office), directory_(std::move(directory)), progress_(std::move(progress)) {}

    /// The repetition with the median ratio of `runs`; in each the floor goes first.
    [[nodiscard]] Result<PushFigures> push(const PushShape& shape, std::size_t runs);
    [[nodiscard]] Result<VisibleFigures> visible(std::size_t samples);
    /// 4 KiB appended and synced, again and again.
    [[nodiscard]] Ruler ruler() const;

    /// Devices of the office: 0 to kPushersMax - 1 push, the next one pulls, the last one preloads.
    static constexpr std::size_t kPushersMax = 50;
    static constexpr std::size_t kPuller = kPushersMax;
    static constexpr std::size_t kDevices = kPushersMax + 2;

  private:
    struct Side;

    [[nodiscard]] Result<std::uint64_t> record(const Side& side,
                                               const PushShape& shape,
                                               std::uint64_t value_bytes);
    [[nodiscard]] Result<void> run(const Side& side, const PushShape& shape, PushFigures& out);
    [[nodiscard]] Result<std::pair<Process, std::uint16_t>> start_hub(const Side& side);
    [[nodiscard]] Result<Process> start_device(const Side& side,
                                               std::size_t device,
                                               const std::filesystem::path& directory,
                                               std::uint16_t port) const;
    [[nodiscard]] Result<std::string> pull(const Side& side,
                                           Process& hub,
                                           std::uint16_t port,
                                           SideFigures& out);
    [[nodiscard]] Check compare(const Office::Verified& verified,
                                std::uint64_t records,
                                const std::string& dump_hash) const;
    [[nodiscard]] Result<std::vector<double>> visible_ms(const Side& side,
                                                         std::size_t samples,
                                                         Process& writer,
                                                         Process& reader);

    const Office& office_;
    std::filesystem::path directory_;
    Progress progress_;
    std::uint64_t value_bytes_ = 0;  // of the newest push shape
};

}  // namespace streetlog::bench
