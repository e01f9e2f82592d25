#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/workflow/build.hpp"
#include "agent/workflow/screen.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {

/// A device that holds what the test says, or what earlier saves of the test made.
class FakeScreen final : public Screen {
  public:
    struct Shown {
        std::vector<sync::Dot> dots;
        std::vector<sync::Cell> cells;
    };

    using Key = std::tuple<EntityId, std::uint16_t, std::uint16_t>;

    std::set<std::pair<EntityId, std::uint16_t>> entities;
    std::map<Key, Shown> registers;
    std::map<EntityId, std::vector<EntityId>> profiles;
    std::map<EntityId, Stay> stays;

    void add(EntityId entity, std::uint16_t table) { entities.insert({entity, table}); }

    /// What a store does with a Save, as far as these tests need it: without concurrency.
    void apply(const BuiltSave& save, std::uint64_t seq) {
        for (std::uint16_t i = 0; i < save.ops.size(); ++i) {
            const sync::Op& op = save.ops[i];
            if (op.kind == sync::OpKind::kCreate) add(op.entity, op.table);
            const auto client =
                sync::id_in(sync::find_cell(op.cells, hud::col::enrollment::kPersonalID));
            const auto project =
                sync::id_in(sync::find_cell(op.cells, hud::col::enrollment::kProjectID));
            if (client && project) stays[op.entity] = Stay{*client, *project};
            Shown& shown = registers[{op.entity, op.table, op.group}];
            shown.dots = {sync::Dot{.replica = {}, .seq = seq, .op = i}};
            shown.cells.clear();
            for (const sync::Cell& cell : op.cells) {
                const hud::Column* column = hud::find_column(cell.column);
                if (column->group == op.group) shown.cells.push_back(cell);
            }
        }
    }

    [[nodiscard]] bool exists(EntityId entity, std::uint16_t table) const override {
        return entities.contains({entity, table});
    }

    [[nodiscard]] std::vector<sync::Dot> on_screen(EntityId entity,
                                                   std::uint16_t table,
                                                   std::uint16_t group) const override {
        const auto found = registers.find({entity, table, group});
        return found == registers.end() ? std::vector<sync::Dot>{} : found->second.dots;
    }

    [[nodiscard]] std::vector<sync::Cell> winner(EntityId entity,
                                                 std::uint16_t table,
                                                 std::uint16_t group) const override {
        const auto found = registers.find({entity, table, group});
        return found == registers.end() ? std::vector<sync::Cell>{} : found->second.cells;
    }

    [[nodiscard]] std::vector<EntityId> profile(EntityId client) const override {
        const auto found = profiles.find(client);
        return found == profiles.end() ? std::vector<EntityId>{} : found->second;
    }

    [[nodiscard]] std::optional<Stay> stay(EntityId enrollment) const override {
        const auto found = stays.find(enrollment);
        if (found == stays.end()) return std::nullopt;
        return found->second;
    }

    [[nodiscard]] std::vector<EntityId> open_enrollments(EntityId client) const override {
        std::vector<EntityId> out;
        for (const auto& [enrollment, stay] : stays) {
            const bool exited =
                !on_screen(enrollment, hud::tbl::kExit, hud::grp::kExitExit).empty();
            if (stay.client == client && !exited) out.push_back(enrollment);
        }
        return out;
    }
};

/// 1, 2, 3, ... in the last bytes, so that ids of a failing test can be read.
class CountingRandom final : public Random {
  public:
    void fill(std::span<Byte> out) override {
        ++count_;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const std::size_t from_end = out.size() - 1 - i;
            out[i] = from_end < 8 ? static_cast<Byte>(count_ >> (8 * from_end)) : Byte{0};
        }
    }

  private:
    std::uint64_t count_ = 0;
};

}  // namespace streetlog::agent
