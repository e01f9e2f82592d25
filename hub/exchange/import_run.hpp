#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "hub/exchange/import.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::hub {

/// What the files of one import share: the sink, what has been met so far, and the report. Keeps
/// some fifty bytes a row, so that repeated ids and dangling references are seen.
class ImportRun {
  public:
    ImportRun(ImportSink& sink, const ImportOptions& options) : sink_(sink), options_(options) {}

    [[nodiscard]] ImportSink& sink() { return sink_; }

    [[nodiscard]] ImportReport& report() { return report_; }

    [[nodiscard]] const std::string& system() const { return report_.source_system; }

    void progress(std::string_view file, std::uint64_t rows) const;

    /// False when a row of this id was met before, good or bad.
    [[nodiscard]] bool meet(const EntityId& row) { return met_.try_emplace(row, false).second; }

    void accept(const EntityId& row) { met_[row] = true; }

    /// A row of this import went in as this entity, or the sink knows it.
    [[nodiscard]] bool knows(const EntityId& entity);

    void enroll(const EntityId& enrollment, const EntityId& client) {
        client_of_.insert_or_assign(enrollment, client);
    }

    /// The client of an enrollment of this import; nothing for an earlier one.
    [[nodiscard]] std::optional<EntityId> client_of(const EntityId& enrollment) const;

    void find(std::string_view file,
              std::string_view column,
              std::string_view what,
              std::uint64_t line);

  private:
    ImportSink& sink_;
    const ImportOptions& options_;
    ImportReport report_;
    std::unordered_map<EntityId, bool> met_;
    std::unordered_map<EntityId, EntityId> client_of_;
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> findings_;
};

}  // namespace streetlog::hub
