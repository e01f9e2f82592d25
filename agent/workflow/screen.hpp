#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schema/id.hpp"
#include "sync/change/record.hpp"

namespace streetlog::agent {

/// What the worker had before them: the read side of the device's store, as of the moment the form
/// was filled. A port, so that requests are turned into ops without a database.
class Screen {
  public:
    struct Stay {
        EntityId client;
        EntityId project;
    };

    Screen() = default;
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    virtual ~Screen() = default;

    /// The entity is known here and not void.
    [[nodiscard]] virtual bool exists(EntityId entity, std::uint16_t table) const = 0;

    /// Dots of the siblings shown in full for this register, in the merged view if the client is
    /// merged; ascending.
    [[nodiscard]] virtual std::vector<sync::Dot> on_screen(EntityId entity,
                                                           std::uint16_t table,
                                                           std::uint16_t group) const = 0;

    /// Cells of the shown winner, by ascending column; empty when there is none.
    [[nodiscard]] virtual std::vector<sync::Cell> winner(EntityId entity,
                                                         std::uint16_t table,
                                                         std::uint16_t group) const = 0;

    /// The other members of the client's merged profile.
    [[nodiscard]] virtual std::vector<EntityId> profile(EntityId client) const = 0;

    [[nodiscard]] virtual std::optional<Stay> stay(EntityId enrollment) const = 0;

    /// Enrollments of the merged client that have no exit.
    [[nodiscard]] virtual std::vector<EntityId> open_enrollments(EntityId client) const = 0;
};

}  // namespace streetlog::agent
