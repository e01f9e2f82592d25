#pragma once

#include <utility>

#include "sync/change/hash.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// The bytes that are signed, made of their parts so that no two lists of parts give the same.
/// Numbers little-endian, 8 bytes each; byte strings of a length that may vary after their length.
class Statement {
  public:
    Statement& operator<<(std::uint64_t n) {
        for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<Byte>(n >> (8 * i)));
        return *this;
    }

    Statement& operator<<(std::int64_t n) { return *this << static_cast<std::uint64_t>(n); }

    Statement& operator<<(const Hash& hash) { return append(hash); }

    Statement& operator<<(const Replica& replica) {
        return append(replica.device.bytes) << std::uint64_t{replica.incarnation};
    }

    Statement& operator<<(BytesView bytes) {
        *this << std::uint64_t{bytes.size()};
        return append(bytes);
    }

    [[nodiscard]] Bytes take() { return std::move(bytes_); }

  private:
    Statement& append(BytesView bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }

    Bytes bytes_;
};

}  // namespace streetlog::sync
