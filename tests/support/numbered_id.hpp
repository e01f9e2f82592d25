#pragma once

#include <cstdint>

#include "schema/id.hpp"

namespace streetlog::test {

/// The n-th id of a kind; the kind is its first byte.
template <class IdType = EntityId>
IdType id_of(Byte kind, std::uint32_t n) {
    IdType id;
    id.bytes[0] = kind;
    for (unsigned i = 0; i < 4; ++i) id.bytes[15 - i] = static_cast<Byte>(n >> (8 * i));
    return id;
}

}  // namespace streetlog::test
