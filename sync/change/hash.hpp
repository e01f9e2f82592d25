#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "schema/id.hpp"

namespace streetlog::sync {

using Bytes = std::vector<Byte>;
using BytesView = std::span<const Byte>;

/// SHA-256.
using Hash = std::array<Byte, 32>;

[[nodiscard]] Hash sha256(BytesView data);

/// The same over what comes in pieces.
class Sha256Stream {
  public:
    Sha256Stream();
    Sha256Stream(const Sha256Stream&) = delete;
    Sha256Stream& operator=(const Sha256Stream&) = delete;
    ~Sha256Stream();

    void add(BytesView data);
    /// Once, at the end.
    [[nodiscard]] Hash finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// SHA-256("hmis-rec/1" || header || SHA-256(op 1) || SHA-256(op 2) ...), over the bytes as first
/// encoded.
[[nodiscard]] Hash record_hash(BytesView header, std::span<const BytesView> ops);

/// SHA-256("hmis-sync/1" || previous || record): the chain of one replica. The chain starts from
/// all zeros.
[[nodiscard]] Hash chain_hash(const Hash& previous, const Hash& record);

/// SHA-256("hmis-hub/1" || previous || last record hash of the run): the hub's own chain, one step
/// a run of its log.
[[nodiscard]] Hash hub_chain_hash(const Hash& previous, const Hash& run_head);

}  // namespace streetlog::sync
