#include "hub/exchange/table_import.hpp"

#include <expected>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "hub/exchange/csv_columns.hpp"
#include "hub/exchange/csv_reader.hpp"
#include "hub/exchange/households.hpp"
#include "hub/exchange/import_row.hpp"
#include "hub/exchange/row_writer.hpp"
#include "hub/exchange/source_id.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::hub {
namespace {

constexpr std::uint64_t kProgressRows = 1000;

class TableImport {
  public:
    TableImport(ImportRun& run, const hud::Table& table, CsvReader reader)
        : run_(run),
          table_(table),
          reader_(std::move(reader)),
          columns_(table, reader_.header()),
          counts_{.table = table.name} {}

    Result<void> run();

  private:
    [[nodiscard]] bool header_is_usable();
    Result<void> take(const CsvRow& row);
    [[nodiscard]] std::expected<ImportRow, ImportRowProblem> read(const CsvRow& row);
    [[nodiscard]] std::expected<void, ImportRowProblem> check_parents(const ImportRow& row);
    [[nodiscard]] EntityId entity_for(const ImportRow& row) const;
    void accepted(const CsvRow& source, const ImportRow& row, const EntityId& entity);
    void reject(std::uint64_t line, std::string column, std::string_view reason);

    ImportRun& run_;
    const hud::Table& table_;
    CsvReader reader_;
    CsvColumns columns_;
    ImportCounts counts_;
    std::unordered_set<EntityId> facets_;  // parents whose facet was met
    Households households_;
};

bool TableImport::header_is_usable() {
    for (const std::string& name : columns_.unknown()) {
        run_.find(table_.file, name, "unknown column, not imported", 0);
    }
    for (const hud::Column* column : columns_.missing()) {
        run_.find(table_.file, column->name, "column is missing", 0);
    }
    for (const hud::Column* column : columns_.repeated()) {
        run_.find(table_.file, column->name, "column stands there twice; file not imported", 0);
    }
    if (const hud::Column* key = columns_.missing_key()) {
        run_.find(table_.file, key->name, "key column is missing; file not imported", 0);
        return false;
    }
    return columns_.repeated().empty();
}

void TableImport::reject(std::uint64_t line, std::string column, std::string_view reason) {
    ++counts_.rejected;
    run_.report().rejects.push_back(ImportReject{.file = std::string{table_.file},
                                                 .line = line,
                                                 .column = std::move(column),
                                                 .reason = std::string{reason}});
}

std::expected<void, ImportRowProblem> TableImport::check_parents(const ImportRow& row) {
    std::optional<EntityId> enrollment;
    std::optional<EntityId> client;
    for (const auto& [column, parent] : row.parents) {
        if (!run_.knows(parent)) {
            return std::unexpected(
                ImportRowProblem{std::string{column->name},
                                 "refers to a row that was not imported and is not known here"});
        }
        if (column->name == "EnrollmentID") enrollment = parent;
        if (column->name == "PersonalID") client = parent;
    }
    if (!enrollment || !client) return {};
    const auto owner = run_.client_of(*enrollment);
    if (owner && *owner != *client) {
        return std::unexpected(ImportRowProblem{"PersonalID", "is not the one of the enrollment"});
    }
    return {};
}

EntityId TableImport::entity_for(const ImportRow& row) const {
    if (table_.kind == hud::EntityKind::kFacet) {
        for (const auto& [column, parent] : row.parents) {
            if (column->carried == hud::Carried::kEntity) return parent;
        }
    }
    return entity_of(run_.system(), table_.name, row.id);
}

std::expected<ImportRow, ImportRowProblem> TableImport::read(const CsvRow& row) {
    if (!row.problem.empty()) {
        const hud::Column* column = row.problem_field ? columns_.at(*row.problem_field) : nullptr;
        return std::unexpected(
            ImportRowProblem{column == nullptr ? std::string{} : std::string{column->name},
                             std::string{row.problem}});
    }
    const auto id = read_row_id(table_, columns_, row);
    if (!id) return std::unexpected(id.error());
    if (!run_.meet(entity_of(run_.system(), table_.name, *id))) {
        return std::unexpected(
            ImportRowProblem{std::string{table_.primary_key}, "an earlier row has the same id"});
    }
    auto values = read_row(table_, columns_, row, run_.system());
    if (!values) return values;
    if (auto parents = check_parents(*values); !parents) {
        return std::unexpected(std::move(parents).error());
    }
    if (table_.kind == hud::EntityKind::kFacet && !facets_.insert(entity_for(*values)).second) {
        return std::unexpected(
            ImportRowProblem{"EnrollmentID", "an earlier row is about the same enrollment"});
    }
    return values;
}

void TableImport::accepted(const CsvRow& source, const ImportRow& row, const EntityId& entity) {
    run_.accept(entity_of(run_.system(), table_.name, row.id));
    for (const hud::Column* column : row.unlisted) {
        run_.find(table_.file, column->name, "code is not in its list; kept as it is", source.line);
    }
    if (table_.id != hud::tbl::kEnrollment) return;
    for (const auto& [column, parent] : row.parents) {
        if (column->id == hud::col::enrollment::kPersonalID) run_.enroll(entity, parent);
    }
    const hud::Column* household = hud::find_column(hud::col::enrollment::kHouseholdID);
    STREETLOG_ASSERT(household != nullptr);
    if (!row.deleted && columns_.has(*household)) {
        households_.meet(run_, columns_.text(source, *household), entity, row, source.line);
    }
}

Result<void> TableImport::take(const CsvRow& source) {
    ++counts_.rows;
    auto row = read(source);
    if (!row) {
        reject(source.line, std::move(row.error().column), row.error().reason);
        return {};
    }
    const EntityId entity = entity_for(*row);
    STREETLOG_TRY(const RowOutcome outcome, write_row(run_, table_, entity, *row, source.line));
    accepted(source, *row, entity);
    counts_.created += outcome == RowOutcome::kCreated ? 1U : 0U;
    counts_.changed += outcome == RowOutcome::kChanged ? 1U : 0U;
    counts_.unchanged += outcome == RowOutcome::kUnchanged ? 1U : 0U;
    return {};
}

Result<void> TableImport::run() {
    if (!header_is_usable()) return {};
    while (true) {
        STREETLOG_TRY(const std::optional<CsvRow> row, reader_.next());
        if (!row) break;
        STREETLOG_CHECK(take(*row));
        if (counts_.rows % kProgressRows == 0) run_.progress(table_.file, counts_.rows);
    }
    run_.report().tables.push_back(counts_);
    run_.progress(table_.file, counts_.rows);
    if (table_.id == hud::tbl::kEnrollment) STREETLOG_CHECK(households_.write(run_));
    return run_.sink().flush();
}

}  // namespace

Result<void> import_table(ImportRun& run,
                          const std::filesystem::path& directory,
                          const hud::Table& table) {
    auto reader = CsvReader::open(directory / table.file);
    if (!reader && reader.error().code == ErrorCode::kNotFound) {
        run.find(table.file, "", "file is missing", 0);
        return {};
    }
    if (!reader && reader.error().code == ErrorCode::kMalformed) {
        run.find(table.file, "", "no header row; file not imported", 0);
        return {};
    }
    if (!reader) return std::unexpected(std::move(reader).error());
    return TableImport{run, table, *std::move(reader)}.run();
}

}  // namespace streetlog::hub
