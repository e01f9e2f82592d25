#pragma once

#include "sync/change/codec.hpp"

namespace streetlog::sync {

/// What the hub's writer must know of an op; the values stay where they are.
struct OpShape {
    EntityId entity;
    OpKind kind = OpKind::kSetGroup;
    std::uint16_t table = 0;
    std::uint16_t group = 0;
    bool known = true;  // this version understands its kind, table, group, columns and cells
};

struct RecordShape {
    Header header;
    std::vector<OpShape> ops;
    std::size_t edge_bytes = 0;  // what it would take in a page if it were hidden

    [[nodiscard]] bool known() const;
};

/// Reads a record as far as custody needs, at a fraction of decode()'s cost. kMalformed when header
/// or an op cannot be read.
[[nodiscard]] Result<RecordShape> inspect(const EncodedView& bytes);

}  // namespace streetlog::sync
