#pragma once

#include <unordered_map>
#include <vector>

#include "sync/merge/state_codec.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

/// The table `replica`, held in memory. Numbers count from 1. Only the writing connection gives out
/// new ones, inside its transaction; call `load` after a rollback.
class DbReplicaNumbers final : public sync::ReplicaNumbers {
  public:
    explicit DbReplicaNumbers(Db& db);

    void load();

    [[nodiscard]] std::uint32_t number_of(const sync::Replica& replica) override;
    [[nodiscard]] std::optional<sync::Replica> replica_of(std::uint32_t number) const override;

  private:
    Stmt all_;
    Stmt add_;
    std::vector<sync::Replica> by_number_;
    std::unordered_map<sync::Replica, std::uint32_t> numbers_;
};

}  // namespace streetlog::store
