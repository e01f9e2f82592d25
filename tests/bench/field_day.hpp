#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/workflow/build.hpp"
#include "agent/workflow/screen.hpp"

namespace streetlog::bench {

/// What a device knows of the clients it met, kept in memory: the screen in front of the worker of
/// a load.
class FieldDay final : public agent::Screen {
  public:
    explicit FieldDay(const sync::Replica& self) : self_(self) {}

    void add(EntityId entity, std::uint16_t table) { things_[entity].table = table; }

    /// Takes over what record `seq` wrote.
    void apply(const agent::BuiltSave& save, std::uint64_t seq);

    [[nodiscard]] const std::vector<EntityId>& clients() const { return clients_; }

    [[nodiscard]] const std::vector<EntityId>& open_stays() const { return open_; }

    [[nodiscard]] bool exists(EntityId entity, std::uint16_t table) const override;
    [[nodiscard]] std::vector<sync::Dot> on_screen(EntityId entity,
                                                   std::uint16_t table,
                                                   std::uint16_t group) const override;
    [[nodiscard]] std::vector<sync::Cell> winner(EntityId entity,
                                                 std::uint16_t table,
                                                 std::uint16_t group) const override;
    [[nodiscard]] std::vector<EntityId> profile(EntityId client) const override;
    [[nodiscard]] std::optional<Stay> stay(EntityId enrollment) const override;
    [[nodiscard]] std::vector<EntityId> open_enrollments(EntityId client) const override;

  private:
    struct Register {
        std::uint16_t table = 0;
        std::uint16_t group = 0;
        sync::Dot dot;
        std::vector<sync::Cell> cells;
    };

    struct Thing {
        std::uint16_t table = 0;
        std::optional<Stay> stay;
        std::vector<Register> registers;
    };

    [[nodiscard]] const Register* find(EntityId entity,
                                       std::uint16_t table,
                                       std::uint16_t group) const;

    sync::Replica self_;
    std::unordered_map<EntityId, Thing> things_;
    std::vector<EntityId> clients_;
    std::vector<EntityId> open_;  // stays without an exit
};

}  // namespace streetlog::bench
