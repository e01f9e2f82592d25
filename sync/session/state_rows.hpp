#pragma once

#include "sync/session/page_replicas.hpp"

/// The body of a page of a scope of states (Page::states, unpacked): of every entity that was
/// written, all that the scope shows of it, which takes the place of what the reader had.
///
///   body   byte 1 (version), n replicas, then for each: 16 bytes device, n incarnation; row*
///   row    16 bytes entity, byte flags (1: it left the scope, 2: with a day), [z day], n, state
///
/// Numbers as in state_codec.hpp, whose states stand in the rows; their replicas are counted from 1
/// in the order of the body. The day is that on which the client was last seen, in days since 1970.
/// A row that left has an empty state.
namespace streetlog::sync {

struct StateRow {
    EntityId entity;
    bool left = false;
    std::optional<std::int64_t> last_seen_day;
    EntityState state;
};

/// Collects rows until they make a page.
class StateRows {
  public:
    void add(const StateRow& row);

    /// Bytes so far, before packing.
    [[nodiscard]] std::size_t bytes() const;

    [[nodiscard]] std::size_t count() const { return ends_.size(); }

    /// Takes back the rows after the first `count`.
    void cut(std::size_t count);

    [[nodiscard]] Bytes take() &&;

  private:
    GivenNumbers numbers_;
    Bytes rows_;
    std::vector<std::size_t> ends_;
};

/// kMalformed when the bytes are not such a body; then nothing was handed over.
[[nodiscard]] Result<std::vector<StateRow>> decode_state_rows(BytesView body);

}  // namespace streetlog::sync
