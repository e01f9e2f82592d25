#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"
#include "sync/change/record.hpp"

namespace streetlog::hub {

/// What an import asks of the hub and gives to it. One thread; calls come in the order rows are
/// read. Answers need not show what `write` took since the last `flush`, as no import writes one
/// register twice.
struct ImportSink {
    ImportSink() = default;
    ImportSink(const ImportSink&) = delete;
    ImportSink& operator=(const ImportSink&) = delete;
    virtual ~ImportSink() = default;

    /// Some record created the entity.
    [[nodiscard]] virtual bool exists(const EntityId& entity) = 0;

    /// Cells of the winner of a group; nothing when the group was never written. Group 0: the key
    /// cells of the create op.
    [[nodiscard]] virtual std::optional<std::vector<sync::Cell>> group_cells(
        const EntityId& entity, std::uint16_t table, std::uint16_t group) = 0;

    /// The visible writes of a group: what a new write supersedes.
    [[nodiscard]] virtual std::vector<sync::Dot> on_screen(const EntityId& entity,
                                                           std::uint16_t table,
                                                           std::uint16_t group) = 0;

    /// Takes one record. Of the header only `kind` and `source` are filled; author, sequence and
    /// times are the sink's. An error ends the import.
    [[nodiscard]] virtual Result<void> write(sync::Header header, std::vector<sync::Op> ops) = 0;

    /// Everything taken so far is to be durable.
    [[nodiscard]] virtual Result<void> flush() = 0;
};

struct ImportProgress {
    std::string_view file;
    std::uint64_t rows = 0;  // of this file, read so far
};

struct ImportOptions {
    /// Part of every entity's id, so two systems never meet by accident; empty: the
    /// ImplementationID of Export.csv.
    std::string source_system;
    std::function<void(const ImportProgress&)> progress;  // every thousand rows and after each file
};

/// A row that was not imported. Never holds a value of the row.
struct ImportReject {
    std::string file;
    std::uint64_t line = 0;  // where the row begins, from 1
    std::string column;      // empty when the whole row is meant
    std::string reason;
};

/// Something to look at that kept nothing out, counted over the rows it was met in.
struct ImportFinding {
    std::string file;
    std::string column;
    std::string what;
    std::uint64_t first_line = 0;  // 0: it is about the file
    std::uint64_t count = 0;
};

struct ImportCounts {
    std::string_view table;
    std::uint64_t rows = 0;
    std::uint64_t created = 0;
    std::uint64_t changed = 0;  // of entities that were known, voided ones included
    std::uint64_t unchanged = 0;
    std::uint64_t rejected = 0;
};

struct ImportReport {
    std::string source_system;
    std::string export_id;
    std::string source_id;
    std::vector<ImportCounts> tables;  // in the order of reading; those whose file was there
    std::vector<ImportReject> rejects;
    std::vector<ImportFinding> findings;
    /// Why the import ended early. What the sink had taken until then stays; running the import
    /// again goes on where it stopped, since rows that are known are not written twice.
    std::optional<Error> failure;

    [[nodiscard]] const ImportCounts* find(std::string_view table) const;
};

/// Imports a directory of HMIS CSV files, FY2026: every table of the catalogue that has a file, in
/// CSV order, so parents come before children; and one Household for each HouseholdID. Each row is
/// one record of the kind kImport.
///
/// An entity that is known gets only the groups that differ from its winner. A blank value differs
/// from a filled one; a column the file lacks does not. A row with DateDeleted becomes a void
/// entity without values. Rows that cannot be read, repeat an id or refer to nothing are rejects;
/// the others go in. A set with hashed names is refused (kUnsupported) before anything is written.
[[nodiscard]] ImportReport import_set(const std::filesystem::path& directory,
                                      ImportSink& sink,
                                      const ImportOptions& options = {});

/// File,Line,Column,Reason; one row a reject.
[[nodiscard]] Result<void> write_rejects_csv(const std::filesystem::path& path,
                                             std::span<const ImportReject> rejects);

}  // namespace streetlog::hub
