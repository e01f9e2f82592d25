#include "hub/exchange/import.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "hub/exchange/csv_columns.hpp"
#include "hub/exchange/csv_reader.hpp"
#include "hub/exchange/import_run.hpp"
#include "hub/exchange/table_import.hpp"
#include "schema/hud/fields.hpp"
#include "schema/hud/values.hpp"

namespace streetlog::hub {
namespace {

constexpr std::string_view kUnhashed = "1";    // HashStatus, list 5.5
constexpr std::string_view kCsvYear = "2026";  // what CSVVersion must contain

/// What Export.csv says about the set.
Result<void> read_export(ImportRun& run,
                         const std::filesystem::path& directory,
                         const ImportOptions& options) {
    const hud::Table* table = hud::find_table(hud::tbl::kExport);
    STREETLOG_ASSERT(table != nullptr);
    STREETLOG_TRY(CsvReader reader, CsvReader::open(directory / table->file));
    const CsvColumns columns{*table, reader.header()};
    STREETLOG_TRY(const std::optional<CsvRow> row, reader.next());
    if (!row || !row->problem.empty()) {
        return fail(ErrorCode::kMalformed, fmt::format("{}: no row that can be read", table->file));
    }
    const auto text = [&](std::uint16_t id) {
        const hud::Column* column = hud::find_column(id);
        STREETLOG_ASSERT(column != nullptr);
        return std::string{columns.text(*row, *column)};
    };
    namespace col = hud::col::export_;
    const std::string hash_status = text(col::kHashStatus);
    if (hash_status != kUnhashed) {
        return fail(ErrorCode::kUnsupported,
                    fmt::format("{}: names and SSNs of this set are hashed, or HashStatus does not "
                                "say that they are not",
                                table->file),
                    "Export the set again unhashed (HashStatus 1).");
    }
    if (!text(col::kCSVVersion).contains(kCsvYear)) {
        run.find(table->file, "CSVVersion", "is not of the FY2026 format", row->line);
    }
    ImportReport& report = run.report();
    report.export_id = text(col::kExportID);
    report.source_id = text(col::kSourceID);
    report.source_system =
        options.source_system.empty() ? text(col::kImplementationID) : options.source_system;
    return {};
}

Result<void> check_source_system(const ImportReport& report) {
    if (report.source_system.empty()) {
        return fail(ErrorCode::kInvalidInput,
                    "Export.csv: ImplementationID is empty, so rows cannot be told from those of "
                    "other systems",
                    "Name the source system.");
    }
    const hud::Column* column = hud::find_column(hud::col::imported_row::kSourceSystem);
    STREETLOG_ASSERT(column != nullptr);
    STREETLOG_TRY([[maybe_unused]] const hud::Value checked,
                  hud::parse_value(*column, report.source_system));
    return {};
}

Result<void> import_files(ImportRun& run,
                          const std::filesystem::path& directory,
                          const ImportOptions& options) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
        return fail(ErrorCode::kNotFound,
                    fmt::format("{}: is no directory", directory.filename().string()));
    }
    STREETLOG_CHECK(read_export(run, directory, options));
    STREETLOG_CHECK(check_source_system(run.report()));
    for (const hud::Table& table : hud::tables()) {
        if (table.file.empty() || table.id == hud::tbl::kExport) continue;
        STREETLOG_CHECK(import_table(run, directory, table));
    }
    return {};
}

/// RFC 4180; quotes only where they are needed.
std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    return out += '"';
}

}  // namespace

const ImportCounts* ImportReport::find(std::string_view table) const {
    const auto found = std::ranges::find(tables, table, &ImportCounts::table);
    return found == tables.end() ? nullptr : &*found;
}

ImportReport import_set(const std::filesystem::path& directory,
                        ImportSink& sink,
                        const ImportOptions& options) {
    ImportRun run{sink, options};
    if (auto done = import_files(run, directory, options); !done) {
        run.report().failure = std::move(done).error();
    }
    return std::move(run.report());
}

Result<void> write_rejects_csv(const std::filesystem::path& path,
                               std::span<const ImportReject> rejects) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << "File,Line,Column,Reason\r\n";
    for (const ImportReject& reject : rejects) {
        file << fmt::format("{},{},{},{}\r\n",
                            csv_field(reject.file),
                            reject.line,
                            csv_field(reject.column),
                            csv_field(reject.reason));
    }
    file.close();
    if (file) return {};
    return fail(ErrorCode::kStorage,
                fmt::format("{}: cannot be written", path.filename().string()));
}

}  // namespace streetlog::hub
