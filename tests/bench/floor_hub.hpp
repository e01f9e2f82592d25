#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/wire_bytes.hpp"

namespace streetlog::bench::floor {

/// The floor's server: one thread reads, stores and answers; whoever listens gets every batch that
/// came from another.
class FloorHub {
  public:
    /// Serves on 127.0.0.1:`port` (0: any) when it returns. Throws when it cannot.
    FloorHub(const std::filesystem::path& directory, std::uint16_t port);
    ~FloorHub();

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] WireBytes bytes() const;
    [[nodiscard]] std::uint64_t count();

  private:
    struct Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::bench::floor
