#pragma once

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::sync {

/// How a batch body travels and is stored. Numbers are on the wire.
enum class Encoding : std::uint16_t { kPlain = 0, kZstd = 1, kNone = 2 };

/// Bodies under this size are sent as they are: zstd would not earn its frame.
inline constexpr std::size_t kCompressBytesMin = 512;

/// Most a body may unfold to, and to how many times its size: a batch holds at most one message's
/// worth of records, or one record of the largest size (a decompression bomb ends here).
inline constexpr std::size_t kBodyBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kBodyRatioMax = 200;

struct Packed {
    Encoding encoding = Encoding::kPlain;
    std::uint32_t raw_bytes = 0;
    Bytes body;
};

/// Compresses when it pays. Thread-safe; contexts are kept per thread.
[[nodiscard]] Packed pack(Bytes raw);

/// kTooLarge over the limits above, kMalformed when the bytes do not unfold to exactly `raw_bytes`.
[[nodiscard]] Result<Bytes> unpack(Encoding encoding, std::uint32_t raw_bytes, BytesView body);

}  // namespace streetlog::sync
