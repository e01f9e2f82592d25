#pragma once

#include "schema/id.hpp"
#include "schema/wire/record.capnp.h"

namespace streetlog::sync {

template <class IdType>
[[nodiscard]] IdType read_id(wire::Id128::Reader in) {
    IdType id;
    const std::uint64_t halves[] = {in.getHi(), in.getLo()};
    for (std::size_t i = 0; i < 16; ++i)
        id.bytes[i] = static_cast<Byte>(halves[i / 8] >> (56 - 8 * (i % 8)));
    return id;
}

template <class IdType>
void write_id(wire::Id128::Builder out, const IdType& id) {
    std::uint64_t halves[] = {0, 0};
    for (std::size_t i = 0; i < 16; ++i) halves[i / 8] = halves[i / 8] << 8 | id.bytes[i];
    out.setHi(halves[0]);
    out.setLo(halves[1]);
}

}  // namespace streetlog::sync
