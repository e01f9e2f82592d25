#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "tests/bench/floor_table.hpp"

namespace streetlog::bench::floor {

/// The floor's client. Throws when the connection or the disk fails: then there is no figure.
class FloorDevice {
  public:
    FloorDevice(const std::filesystem::path& directory, std::uint16_t port);
    ~FloorDevice();

    [[nodiscard]] Table& table();
    /// Connects, sends everything, returns when the last batch is acknowledged.
    void push();
    /// Connects, stores everything the hub has.
    void pull();
    /// Connects and stores whatever others push from now on; `seen` gets the id of each row after
    /// it is stored.
    void listen(std::function<void(const std::string& id)> seen);
    /// Requires: it listens.
    void write(const Row& row);

  private:
    struct Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::bench::floor
