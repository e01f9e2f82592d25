#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "schema/hud/condition.hpp"

/// The HUD HMIS FY2026 catalogue: tables, columns, field groups, code lists and CoC codes, ours
/// beside HUD's. It is data: schema/hud/*.json, checked and compiled into constant arrays by
/// generate.py. Nothing here allocates, fails or changes; any thread. Pointers and views point into
/// the program and live as long as it does.
///
/// Numbers: a group is table * 10 + 10, 12, ...; a column is table * 100 + 10, 20, ... . Tables,
/// groups and columns are three number spaces. Groups 1..9 are valid in every table; 1 is the life
/// of an entity (active or void).
namespace streetlog::hud {

inline constexpr std::uint16_t kLifeGroup = 1;
inline constexpr std::uint16_t kSystemGroupMax = 9;

enum class ColumnType : std::uint8_t {
    kString,
    kInteger,
    kDate,
    kDateTime,
    kMoney,
    kId,
    kData,
    kInstant
};

/// kMeta is filled when rows are exported, kDerived is computed from other rows; neither is ever
/// stored in a record.
enum class Role : std::uint8_t { kGroup, kIdentity, kMeta, kDerived };

/// How a record holds a key: as the entity of the op, as a cell of the create op that never
/// changes, or not at all, because it is read through a parent.
enum class Carried : std::uint8_t { kNone, kEntity, kCreate, kVia };

enum class Merge : std::uint8_t { kRegister, kLww, kImmutable };
enum class Severity : std::uint8_t { kLow, kNormal, kHigh };
enum class Privacy : std::uint8_t { kPlain, kLocation, kHealth, kPii };

/// kIndex: every device of the CoC; kReference: every device; kHub: never leaves the hub; kEntity:
/// as the widest group of the entity, which only the system groups say.
enum class Scope : std::uint8_t { kIndex, kProject, kReference, kHub, kEntity };
enum class Writer : std::uint8_t { kAnyone, kHub };

/// kByKey: see Group::by_key.
enum class AppliesTo : std::uint8_t { kNone, kAll, kHoh, kHohAndAdults, kAdults, kByKey };

enum class EntityKind : std::uint8_t {
    kNone,
    kReference,
    kClient,
    kEnrollment,
    kFacet,  // further groups of another table's entity; see Table::facet_of
    kStageRow,
    kEvent,
    kEventPart,
    kLink,
    kHousehold,
    kWorkflow,
    kProfile,
    kPreference,
    kAnnotation,  // further groups of an entity of any table
};

/// Bits of Group::stages: when the group is collected.
namespace stage {
inline constexpr std::uint16_t kRecordCreation = 1 << 0;
inline constexpr std::uint16_t kStart = 1 << 1;
inline constexpr std::uint16_t kUpdate = 1 << 2;
inline constexpr std::uint16_t kExit = 1 << 3;
inline constexpr std::uint16_t kAnnual = 1 << 4;
inline constexpr std::uint16_t kPostExit = 1 << 5;
inline constexpr std::uint16_t kOccurrence = 1 << 6;
inline constexpr std::uint16_t kSetup = 1 << 7;
}  // namespace stage

/// How much of an answer a group holds. Only ranks concurrent writes.
enum class AnswerClass : std::uint8_t { kNothing = 0, kRefused = 1, kPartial = 2, kFull = 3 };

struct Code {
    std::int32_t code = 0;  // 0 in a list whose codes are text
    std::string_view text;  // the code as text; empty where codes are numbers
    std::string_view label;
    AnswerClass answer = AnswerClass::kNothing;  // meaningful only when CodeList::deciding
    bool retired = false;                        // read, shown and exported, but not offered
};

struct CodeList {
    std::string_view number;  // HUD's, as "3.12.1"; ours begin with "S."
    std::string_view name;
    bool textual = false;
    bool deciding = false;                 // some group's answer class hangs on it
    std::span<const Code> codes;           // in HUD's order
    std::span<const std::uint16_t> index;  // positions in `codes` by ascending code
};

struct Column {
    /// A list that holds when the key column has one of `keys`; empty `keys`: any other value.
    struct KeyedList {
        std::span<const std::int32_t> keys;
        const CodeList* list = nullptr;
    };

    std::uint16_t id = 0;
    std::string_view name;
    ColumnType type = ColumnType::kString;
    std::uint16_t max_length = 0;  // characters, of strings only
    bool nullable = true;          // false: an export never leaves it empty; a record may
    std::uint16_t table = 0;
    std::uint16_t group = 0;  // 0 when `role` is not kGroup
    Role role = Role::kGroup;
    Carried carried = Carried::kNone;
    std::string_view via;   // the key it is read through, when carried is kVia
    std::string_view list;  // number, or empty
    const CodeList* code_list = nullptr;
    std::uint16_t list_key = 0;  // the column that chooses one of `keyed_lists`; 0 for none
    std::span<const KeyedList> keyed_lists;
    std::span<const std::int32_t> excluded;  // codes of the list that this column may not have
    std::string_view references;             // "Client.PersonalID", or empty
    std::string_view element;                // HUD data element, "3.01.1"
    std::string_view required_if;
    std::string_view null_unless;
    std::string_view check;
    Condition required_rule;     // required_if compiled; empty also where HUD's words are prose
    Condition null_unless_rule;  // null_unless likewise
    std::string_view export_rule;
    std::span<const std::string_view> aliases;  // read on import, never written
};

struct AnswerPart {
    std::uint16_t column = 0;
    const CodeList* list = nullptr;      // none: only being filled counts
    std::span<const std::int32_t> keys;  // of the key column; empty: any other value
};

/// Lowers a full answer to a partial one when `column` is empty or has one of `codes`, if `only_if`
/// is empty or true.
struct PartialRule {
    std::uint16_t column = 0;
    bool when_empty = false;
    std::span<const std::int32_t> codes;
    Condition only_if;
};

enum class AnswerKind : std::uint8_t { kCode, kCodeBy, kColumnBy, kPresent, kBlend, kBoxes };

struct AnswerRule {
    AnswerKind kind = AnswerKind::kPresent;
    std::uint16_t key_column = 0;       // kCodeBy, kColumnBy
    std::uint16_t text_column = 0;      // kBoxes
    AnswerPart decider;                 // kCode, kBoxes
    std::span<const AnswerPart> parts;  // all other kinds, and the boxes of kBoxes
    std::span<const PartialRule> partial;
};

struct Group {
    /// What a value of the key column changes for one row.
    struct ByKey {
        std::int32_t key = 0;
        Privacy privacy = Privacy::kPlain;
        AppliesTo applies_to = AppliesTo::kNone;
    };

    std::uint16_t id = 0;
    std::string_view key;  // "client.name"
    std::string_view name;
    std::string_view element;
    std::uint16_t table = 0;  // 0: any table
    Merge merge = Merge::kRegister;
    Severity severity = Severity::kNormal;
    Privacy privacy = Privacy::kPlain;
    Scope scope = Scope::kProject;
    Writer writer = Writer::kAnyone;
    AppliesTo applies_to = AppliesTo::kNone;
    std::uint16_t stages = 0;  // bits of namespace stage
    std::span<const std::uint16_t> columns;
    AnswerRule answer;
    bool restricted = false;                    // every row needs a permission of its own
    Condition restricted_when;                  // rows for which this holds do
    Condition only_if;                          // the group has a meaning only then
    std::span<const std::uint16_t> depends_on;  // groups whose winner may empty this one on export
    std::span<const std::uint16_t> project_types;  // empty: all; else these types or `funders`
    std::span<const std::uint16_t> funders;
    std::string_view program;  // who asks it, for people
    std::uint16_t by_column = 0;
    std::span<const ByKey> by_key;
    std::string_view export_rule;
};

struct Table {
    std::uint16_t id = 0;
    std::string_view name;
    std::string_view file;         // "Client.csv"; empty for ours
    std::string_view primary_key;  // column name
    EntityKind kind = EntityKind::kNone;
    std::uint16_t facet_of = 0;  // the table whose entities this one's groups belong to (kFacet) or
                                 // are parts of (kEventPart)
    std::span<const Column> columns;  // in CSV order
    std::span<const Group> groups;
};

/// HUD's 24 tables in CSV order, then ours.
[[nodiscard]] std::span<const Table> tables() noexcept;
[[nodiscard]] std::span<const Column> columns() noexcept;
[[nodiscard]] std::span<const Group> groups() noexcept;
[[nodiscard]] std::span<const CodeList> code_lists() noexcept;

/// All look-ups give nullptr for what does not exist.
[[nodiscard]] const Table* find_table(std::uint16_t id) noexcept;
/// "Client" or "Client.csv"; letters as HUD writes them.
[[nodiscard]] const Table* find_table(std::string_view name_or_file) noexcept;
/// The columns of the system groups are found too; they belong to no table.
[[nodiscard]] const Column* find_column(std::uint16_t id) noexcept;
/// By HUD's name or one of the aliases.
[[nodiscard]] const Column* find_column(std::uint16_t table, std::string_view name) noexcept;
[[nodiscard]] const Group* find_group(std::uint16_t id) noexcept;
[[nodiscard]] const CodeList* find_list(std::string_view number) noexcept;
[[nodiscard]] const Code* find_code(const CodeList& list, std::int64_t code) noexcept;
[[nodiscard]] const Code* find_code(const CodeList& list, std::string_view code) noexcept;

/// The list that holds for `column` in a row whose key column has the value `key`; the column's own
/// list when there is no key.
[[nodiscard]] const CodeList* list_for(const Column& column, std::int64_t key) noexcept;

/// True when `column` may hold `code`: it is in the column's list and not excluded there, or in one
/// of the lists that its key may choose, or the column has no list.
[[nodiscard]] bool allowed_code(const Column& column, std::int64_t code) noexcept;

/// A CoC of the FY2026 list, "CA-600".
[[nodiscard]] bool is_coc_code(std::string_view text) noexcept;
/// Its name, empty when there is none.
[[nodiscard]] std::string_view coc_name(std::string_view code) noexcept;

/// True when this version understands an op on `table` and `group`; group 0 is an op with keys
/// only.
[[nodiscard]] bool known_op_target(std::uint16_t table, std::uint16_t group) noexcept;

/// Class of what `cells` say for `group`. `cells` are all cells of the group and as many others of
/// the same row as the caller knows: a column of the group without a cell is empty, any other is
/// unknown.
///
/// A key column that is unknown (disability type, event) gives the highest class of its cases. A
/// follow-up whose condition cannot be decided lowers nothing; say the project type as a cell of
/// Project.ProjectType to have it decided. Codes outside their list: 8 and 9 count as refused, 99
/// and text that is no number as nothing, others as partial. A redacted cell is filled.
[[nodiscard]] AnswerClass answer_class(const Group& group,
                                       std::span<const CellView> cells) noexcept;

/// True when reading the group in this row needs the extra permission; when the row's key is
/// unknown, it does.
[[nodiscard]] bool is_restricted(const Group& group, std::span<const CellView> cells) noexcept;

/// The group's privacy in this row; the strictest of its cases when the key is unknown or has none.
[[nodiscard]] Privacy privacy_of(const Group& group, std::span<const CellView> cells) noexcept;

}  // namespace streetlog::hud
