#include "hub/exchange/row_writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::hub {
namespace {

using sync::Cell;
using sync::Op;
using sync::OpKind;

constexpr std::int64_t kStateVoid = 2;  // list S.5

/// The ops of one row's record, and how the entity stood before.
class RowWriter {
  public:
    RowWriter(ImportRun& run,
              const hud::Table& table,
              const EntityId& entity,
              const ImportRow& row,
              std::uint64_t line)
        : run_(run), table_(table), entity_(entity), row_(row), line_(line) {}

    Result<RowOutcome> write();

  private:
    /// The groups of a facet belong to its parent's entity, which it neither creates nor annotates:
    /// an annotation is one register and says where the parent came from.
    [[nodiscard]] bool is_facet() const { return table_.kind == hud::EntityKind::kFacet; }

    void create();
    void change();
    void change_group(const ImportGroup& part);
    /// Keys are of the create op and never change: another one is for people to look at.
    void compare_keys();
    /// Cells of the row, completed by the winner's where the file has no such column.
    [[nodiscard]] static std::vector<Cell> merged(const ImportGroup& part,
                                                  const std::vector<Cell>& winner);
    void make_void(bool known);
    [[nodiscard]] bool is_void();

    [[nodiscard]] std::optional<std::vector<Cell>> winner(std::uint16_t group) {
        auto cells = run_.sink().group_cells(entity_, table_.id, group);
        if (cells) {
            std::erase_if(*cells, [](const Cell& cell) { return !sync::is_filled(&cell); });
            std::ranges::sort(*cells, {}, &Cell::column);
        }
        return cells;
    }

    Op& add(OpKind kind, std::uint16_t table, std::uint16_t group, std::vector<Cell> cells) {
        return ops_.emplace_back(Op{.entity = entity_,
                                    .kind = kind,
                                    .table = table,
                                    .group = group,
                                    .cells = std::move(cells),
                                    .supersedes = {},
                                    .profile = {}});
    }

    ImportRun& run_;
    const hud::Table& table_;
    const EntityId& entity_;
    const ImportRow& row_;
    std::uint64_t line_;
    std::vector<Op> ops_;
    bool had_values_ = false;  // some group of the row had been written before
};

void RowWriter::create() {
    Op& first = add(OpKind::kCreate, table_.id, 0, row_.keys);
    // An immutable group belongs into the create op; the others follow as writes of their own.
    const auto own = std::ranges::find_if(row_.groups, [](const ImportGroup& part) {
        return part.group->merge == hud::Merge::kImmutable && !part.cells.empty();
    });
    if (own != row_.groups.end()) {
        first.group = own->group->id;
        std::ranges::copy(own->cells, std::back_inserter(first.cells));
        std::ranges::sort(first.cells, {}, &Cell::column);
    }
    for (auto part = row_.groups.begin(); part != row_.groups.end(); ++part) {
        if (part == own || part->cells.empty()) continue;
        add(OpKind::kSetGroup, table_.id, part->group->id, part->cells);
    }
    add(OpKind::kSetGroup, hud::tbl::kImportedRow, hud::grp::kImportedRowSource, row_.origin);
    if (row_.deleted) make_void(false);
}

std::vector<Cell> RowWriter::merged(const ImportGroup& part, const std::vector<Cell>& winner) {
    std::vector<Cell> cells = part.cells;
    for (const hud::Column* column : part.not_said) {
        if (const Cell* kept = sync::find_cell(winner, column->id)) cells.push_back(*kept);
    }
    std::ranges::sort(cells, {}, &Cell::column);
    return cells;
}

void RowWriter::change_group(const ImportGroup& part) {
    const std::uint16_t group = part.group->id;
    const auto before = winner(group);
    if (!before && part.cells.empty()) return;
    if (before) {
        had_values_ = true;
        if (merged(part, *before) == *before) return;
        if (part.group->merge == hud::Merge::kImmutable) {
            run_.find(table_.file,
                      part.group->name,
                      "differs from what was imported first, which stands",
                      line_);
            return;
        }
    }
    std::vector<Cell> cells = merged(part, before.value_or(std::vector<Cell>{}));
    if (cells.empty()) {
        for (const std::uint16_t column : part.group->columns) {
            cells.push_back(Cell{.column = column, .value = sync::Absent{}});
        }
        std::ranges::sort(cells, {}, &Cell::column);
    }
    add(OpKind::kSetGroup, table_.id, group, std::move(cells)).supersedes =
        run_.sink().on_screen(entity_, table_.id, group);
}

void RowWriter::compare_keys() {
    const auto before = winner(0);
    if (!before) return;
    for (const Cell& key : row_.keys) {
        const Cell* stored = sync::find_cell(*before, key.column);
        if (stored == nullptr || *stored == key) continue;
        const hud::Column* column = hud::find_column(key.column);
        STREETLOG_ASSERT(column != nullptr);
        run_.find(
            table_.file, column->name, "differs from what was imported first, which stands", line_);
    }
}

bool RowWriter::is_void() {
    const auto life = winner(hud::kLifeGroup);
    return life && sync::number_in(sync::find_cell(*life, hud::col::life::kState)) == kStateVoid;
}

void RowWriter::make_void(bool known) {
    const hud::Column* reason = hud::find_column(hud::col::life::kReason);
    const hud::Column* state = hud::find_column(hud::col::life::kState);
    STREETLOG_ASSERT(reason != nullptr && state != nullptr);
    std::vector<Cell> cells{sync::make_cell(*state, kStateVoid),
                            Cell{reason->id, std::string{"deleted in the source system"}}};
    Op& op = add(OpKind::kVoid, table_.id, hud::kLifeGroup, std::move(cells));
    if (known) op.supersedes = run_.sink().on_screen(entity_, table_.id, hud::kLifeGroup);
}

void RowWriter::change() {
    if (row_.deleted) {
        const bool nothing_to_void =
            is_facet() && std::ranges::none_of(table_.groups, [this](const hud::Group& group) {
                return winner(group.id).has_value();
            });
        had_values_ = true;
        if (!nothing_to_void && !is_void()) make_void(true);
        return;
    }
    compare_keys();
    for (const ImportGroup& part : row_.groups) change_group(part);
    if (is_void())
        run_.find(table_.file, "DateDeleted", "is void here, but live in the file", line_);
}

Result<RowOutcome> RowWriter::write() {
    const bool known = is_facet() || run_.sink().exists(entity_);
    if (known) {
        change();
    } else {
        create();
    }
    if (ops_.empty()) return RowOutcome::kUnchanged;
    sync::Header header;
    header.kind = sync::EventKind::kImport;
    header.source = sync::TimeSource::kNone;
    STREETLOG_CHECK(run_.sink().write(std::move(header), std::move(ops_)));
    if (!known || (is_facet() && !had_values_)) return RowOutcome::kCreated;
    return RowOutcome::kChanged;
}

}  // namespace

Result<RowOutcome> write_row(ImportRun& run,
                             const hud::Table& table,
                             const EntityId& entity,
                             const ImportRow& row,
                             std::uint64_t line) {
    return RowWriter{run, table, entity, row, line}.write();
}

}  // namespace streetlog::hub
