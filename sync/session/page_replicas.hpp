#pragma once

#include <map>

#include "sync/merge/byte_stream.hpp"
#include "sync/merge/state_codec.hpp"

/// The replicas that the states of a page's body name, by their places in it, from 1:
/// n replicas, then for each: 16 bytes device, n incarnation.
namespace streetlog::sync {

/// Of a body that is being written.
class GivenNumbers final : public ReplicaNumbers {
  public:
    std::uint32_t number_of(const Replica& replica) override;
    [[nodiscard]] std::optional<Replica> replica_of(std::uint32_t number) const override;

    /// Most bytes they take in front of the rows.
    [[nodiscard]] std::size_t bytes() const { return 16 + 22 * replicas_.size(); }

    void write(ByteWriter& out) const;

  private:
    std::vector<Replica> replicas_;
    std::map<Replica, std::uint32_t> numbers_;
};

/// Of a body that is being read.
class ReadNumbers final : public ReplicaNumbers {
  public:
    void read(ByteReader& in);

    std::uint32_t number_of(const Replica& replica) override;
    [[nodiscard]] std::optional<Replica> replica_of(std::uint32_t number) const override;

  private:
    std::vector<Replica> replicas_;
};

}  // namespace streetlog::sync
