#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streetlog::net {

/// Protocol versions a program speaks, both ends included.
struct VersionRange {
    std::uint32_t min = 1;
    std::uint32_t max = 1;

    friend bool operator==(VersionRange, VersionRange) = default;
};

/// "hmis-sync#<min>-<max>": what a WebSocket upgrade offers in Sec-WebSocket-Protocol. The whole
/// range is one name, so the versions are settled before any message; the highest both speak is
/// used.
[[nodiscard]] std::string format_subprotocol(VersionRange range);

/// Nothing for any other text, and when min > max or min is 0.
[[nodiscard]] std::optional<VersionRange> parse_subprotocol(std::string_view name);

/// The first of the comma-separated names in `offers` that shares a version with `ours`, as it was
/// written, which is what the answer must repeat (RFC 6455, 4.2.2); nothing when there is none.
[[nodiscard]] std::optional<std::string_view> choose_subprotocol(std::string_view offers,
                                                                 VersionRange ours);

}  // namespace streetlog::net
