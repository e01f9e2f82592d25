#include "tests/bench/wire_bytes.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace streetlog::bench {
namespace {

/// By descriptor.
std::map<int, WireBytes> connections() {
    constexpr int kDescriptorsMax = 512;  // a role opens far fewer, and low ones come first
    constexpr int kEstablished = 1;
    std::map<int, WireBytes> out;
    for (int fd = 3; fd < kDescriptorsMax; ++fd) {
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
        if (info.tcpi_state != kEstablished) continue;
        out[fd] = {info.tcpi_bytes_acked, info.tcpi_bytes_received};
    }
    return out;
}

void add(WireBytes& sum, const WireBytes& more) {
    sum.sent += more.sent;
    sum.received += more.received;
}

}  // namespace

WireBytes open_connections() {
    WireBytes out;
    for (const auto& [fd, bytes] : connections()) add(out, bytes);
    return out;
}

void WireCounter::look() {
    auto now = connections();
    for (const auto& [fd, before] : open_) {
        const auto at = now.find(fd);
        // Counts of one connection never fall; lower ones are those of another.
        if (at == now.end() || at->second.sent < before.sent ||
            at->second.received < before.received)
            add(ended_, before);
    }
    open_ = std::move(now);
}

WireBytes WireCounter::total() const {
    WireBytes out = ended_;
    for (const auto& [fd, bytes] : open_) add(out, bytes);
    return out;
}

}  // namespace streetlog::bench
