#pragma once

#include <memory>

#include "sync/session/hub_session.hpp"
#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

/// Makes the pages of scopes of states (sync/session/state_rows.hpp) and of the client index
/// (sync/session/index_rows.hpp) from the projection as it stands, each in one read transaction: of
/// every entity written in the scope after the cursor, all that devices may see of it, in the order
/// in which they were written last. An entity that is written often comes once; a device that was
/// never here, and one that was away for a year, read what there is and not what there was. Over
/// connections of its own; one thread; reads only.
class StatePages {
  public:
    struct Read {
        sync::Page page;
        std::optional<sync::RowPlace> within;  // as in HubSession::on_page_ready
        std::uint32_t left_out = 0;            // entities that no message can hold
    };

    [[nodiscard]] static Result<StatePages> open(const std::filesystem::path& directory);

    StatePages(StatePages&&) noexcept;
    StatePages& operator=(StatePages&&) noexcept;
    ~StatePages();

    /// About `max_bytes`, what one record wrote together unless no message holds it. kNotFound when
    /// the log does not have the cursor; kUnavailable when the projection is not as far as it.
    [[nodiscard]] Result<Read> read(store::HubLog& log,
                                    std::uint32_t scope,
                                    const sync::Position& cursor,
                                    std::size_t max_bytes,
                                    const std::optional<sync::RowPlace>& within);

    /// The same of the client index: every person whose row changed after the cursor.
    [[nodiscard]] Result<Read> read_index(store::HubLog& log,
                                          const sync::Position& cursor,
                                          std::size_t max_bytes,
                                          const std::optional<sync::RowPlace>& within);

    /// Runs that every device needs, with where the projection stands.
    struct Office {
        store::HubHead stands;
        std::vector<HubSeq> runs;  // their first places, ascending
    };

    /// Of the runs after `after`, the first `max`. Errors as in read().
    [[nodiscard]] Result<Office> office_runs(store::HubLog& log,
                                             const sync::Position& after,
                                             std::size_t max);

    /// The body of a page with the states of those of `entities` that are there, as they are now.
    [[nodiscard]] Result<sync::Packed> states_of(std::span<const EntityId> entities);

    /// The scope of each of these projects that has one, in their order. kUnavailable while the
    /// projection is not as far as `least`.
    [[nodiscard]] Result<std::vector<std::uint32_t>> scopes_of(std::span<const EntityId> projects,
                                                               HubSeq least);

  private:
    struct Impl;
    explicit StatePages(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::hub
