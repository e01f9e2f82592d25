#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "schema/error.hpp"
#include "schema/id.hpp"

namespace streetlog::net {

constexpr Byte kControlProgress = 'P';
constexpr Byte kControlResult = 'R';

/// The u32 little endian in front of every message on the control socket.
[[nodiscard]] constexpr std::array<Byte, 4> encode_length(std::uint32_t length) {
    return {static_cast<Byte>(length),
            static_cast<Byte>(length >> 8),
            static_cast<Byte>(length >> 16),
            static_cast<Byte>(length >> 24)};
}

[[nodiscard]] constexpr std::uint32_t decode_length(const std::array<Byte, 4>& bytes) {
    return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
}

/// kInvalidInput when `path` does not fit into a sockaddr_un.
[[nodiscard]] Result<void> check_socket_path(const std::filesystem::path& path);

/// The user of the process at the other end of Unix socket `fd`, as the kernel recorded it; -1 when
/// it will not say.
[[nodiscard]] std::int64_t peer_user(int fd);

}  // namespace streetlog::net
