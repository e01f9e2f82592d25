#pragma once

#include <cstdint>
#include <map>

namespace streetlog::bench {

/// Bytes that this process's TCP connections sent and received, framing included, as the kernel
/// counts them.
struct WireBytes {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
};

/// Of all connections that are open now.
[[nodiscard]] WireBytes open_connections();

/// Keeps counting across the ends of connections, as far as it is shown them in time: bytes that a
/// connection carried after the last look() are lost.
class WireCounter {
  public:
    void look();

    [[nodiscard]] WireBytes total() const;

  private:
    std::map<int, WireBytes> open_;  // by descriptor
    WireBytes ended_;
};

}  // namespace streetlog::bench
