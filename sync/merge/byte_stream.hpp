#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "sync/change/hash.hpp"

namespace streetlog::sync {

/// Appends the primitives of the state format (state_codec.hpp).
class ByteWriter {
  public:
    void byte(Byte value) { bytes_.push_back(value); }

    /// Unsigned LEB128.
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<Byte>(value | 0x80));
        bytes_.push_back(static_cast<Byte>(value));
    }

    /// value - from modulo 2^64, zigzagged: small either way is short.
    void difference(std::int64_t value, std::int64_t from) {
        const auto d = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(from);
        number(d << 1 ^ (d >> 63 == 0 ? 0 : ~std::uint64_t{0}));
    }

    void raw(BytesView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

    [[nodiscard]] Bytes take() && { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

/// Reads them from bytes nobody vouches for. The first thing that does not fit makes the reader bad
/// for good; from then on every read gives zero and consumes nothing.
class ByteReader {
  public:
    explicit ByteReader(BytesView bytes) : rest_(bytes) {}

    [[nodiscard]] bool good() const { return good_; }

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    void require(bool condition) {
        if (condition) return;
        good_ = false;
        rest_ = {};
    }

    Byte byte() {
        require(!rest_.empty());
        if (!good_) return 0;
        const Byte b = rest_.front();
        rest_ = rest_.subspan(1);
        return b;
    }

    /// Refuses more than 64 bits and any longer form than the shortest.
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; good_; shift += 7) {
            const Byte b = byte();
            require(shift < 63 || b <= 1);
            require(b != 0 || shift == 0);
            if (!good_) break;
            value |= std::uint64_t{b & 0x7fU} << shift;
            if (b < 0x80) return value;
        }
        return 0;
    }

    std::uint16_t number16() {
        const auto value = number();
        require(value <= 0xffff);
        return good_ ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
    }

    std::int64_t difference(std::int64_t from) {
        const auto z = number();
        const auto d = z >> 1 ^ ((z & 1) == 0 ? 0 : ~std::uint64_t{0});
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) + d);
    }

    /// A count of things that take at least `bytes_min` each, so no more than the rest can hold.
    std::size_t count(std::size_t bytes_min) {
        const auto value = number();
        require(value <= rest_.size() / bytes_min);
        return good_ ? static_cast<std::size_t>(value) : 0;
    }

    /// The next `size` bytes, where they are.
    BytesView view(std::size_t size) {
        require(size <= rest_.size());
        if (!good_) return {};
        const BytesView out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }

    void raw(std::span<Byte> out) {
        const BytesView in = view(out.size());
        if (good_) std::ranges::copy(in, out.begin());
    }

  private:
    BytesView rest_;
    bool good_ = true;
};

}  // namespace streetlog::sync
