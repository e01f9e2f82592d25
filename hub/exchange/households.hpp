#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/exchange/import_row.hpp"
#include "hub/exchange/import_run.hpp"

namespace streetlog::hub {

/// HUD has no file of households, only their id in each enrollment. Gathers them while
/// Enrollment.csv is read and writes them as entities after it: the project, and the head as a
/// register, which makes it one.
class Households {
  public:
    /// An enrollment that went in. `id`: the text of its HouseholdID; empty: it has none.
    void meet(ImportRun& run,
              std::string_view id,
              const EntityId& enrollment,
              const ImportRow& row,
              std::uint64_t line);

    /// Writes and counts them.
    [[nodiscard]] Result<void> write(ImportRun& run);

  private:
    struct Household {
        std::string id;
        EntityId project;
        std::optional<EntityId> head;
        std::optional<sync::Cell> entered;  // EntryDate of the head
        std::uint64_t line = 0;             // of the head, or else of the first member
    };

    std::vector<Household> households_;
    std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace streetlog::hub
