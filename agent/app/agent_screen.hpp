#pragma once

#include "agent/workflow/screen.hpp"
#include "sync/store/agent_reader.hpp"

namespace streetlog::agent {

/// What is before the worker, read from the device's store: clients as their merged profile shows
/// them, everything else by itself. The port has no errors; when a read failed the answers are
/// empty and `failure` says so, and nothing built from them may be saved.
class AgentScreen final : public Screen {
  public:
    explicit AgentScreen(store::AgentReader& reader) : reader_(reader) {}

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

    /// The first read that failed.
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

  private:
    [[nodiscard]] store::GroupView group(EntityId entity, sync::RegisterId reg) const;

    /// Keeps what went wrong; that something is not known here is an answer.
    void note(const Error& error) const;

    store::AgentReader& reader_;
    mutable std::optional<Error> failure_;
};

}  // namespace streetlog::agent
