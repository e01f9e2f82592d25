#pragma once

#include <cstdint>
#include <optional>

#include "sync/change/hash.hpp"

namespace streetlog::sync {

/// LEB128: seven bits a byte, low ones first.
inline void put_varint(Bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<Byte>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<Byte>(value));
}

/// Small for small magnitudes of either sign.
inline void put_signed(Bytes& out, std::int64_t value) {
    put_varint(out,
               static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

/// Reads forward through bytes that may be hostile; after the first failure everything fails.
class VarintReader {
  public:
    explicit VarintReader(BytesView bytes) : bytes_(bytes) {}

    [[nodiscard]] std::optional<std::uint64_t> next() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (bytes_.empty()) return std::nullopt;
            const Byte b = bytes_.front();
            bytes_ = bytes_.subspan(1);
            value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
            if ((b & 0x80) == 0) return value;
        }
        bytes_ = {};
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::int64_t> next_signed() {
        const auto value = next();
        if (!value) return std::nullopt;
        return static_cast<std::int64_t>(*value >> 1 ^ (~(*value & 1) + 1));
    }

    [[nodiscard]] std::optional<BytesView> take(std::size_t n) {
        if (n > bytes_.size()) return std::nullopt;
        const auto out = bytes_.first(n);
        bytes_ = bytes_.subspan(n);
        return out;
    }

    [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  private:
    BytesView bytes_;
};

}  // namespace streetlog::sync
