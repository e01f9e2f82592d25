#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/preload.hpp"
#include "tests/bench/process.hpp"

namespace streetlog::bench {

struct OfficeOptions {
    std::filesystem::path hub_program;
    std::filesystem::path directory;  // for everything; empty at the start
    std::uint64_t preload = 0;        // records; of a town: clients
    PreloadOf preload_of = PreloadOf::kLoad;
    std::uint64_t snapshot_after = 0;  // records after which a device loads a snapshot; 0: never
    std::size_t devices = 0;
};

/// A hub that is set up once, with its devices enrolled and, if asked, filled; each repetition of a
/// shape works on a copy of it.
class Office {
  public:
    [[nodiscard]] static Result<Office> set_up(OfficeOptions options);

    /// Enrolment file of device 0, 1, ...
    [[nodiscard]] std::filesystem::path enrolment(std::size_t device) const;

    /// Records of devices in the hub before a shape begins.
    [[nodiscard]] std::uint64_t device_records() const { return options_.preload; }

    /// A copy of the hub in `directory`, running.
    struct Open {
        Process hub;
        std::uint16_t port = 0;
        std::filesystem::path directory;
    };

    [[nodiscard]] Result<Open> open(const std::filesystem::path& directory) const;

    struct Verified {
        std::uint64_t records = 0;         // in all
        std::uint64_t device_records = 0;  // of those, from devices
        std::string dump_hash;
    };

    /// Has streetlog-hub check every record and say what they come to, once its projection has
    /// followed the log to its end. The hub may run.
    [[nodiscard]] Result<Verified> verify(const std::filesystem::path& directory) const;

  private:
    explicit Office(OfficeOptions options) : options_(std::move(options)) {}

    [[nodiscard]] std::vector<std::string> hub(const std::filesystem::path& directory,
                                               std::vector<std::string> words) const;
    [[nodiscard]] Result<Open> serve(const std::filesystem::path& directory) const;

    OfficeOptions options_;
};

}  // namespace streetlog::bench
