#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/change/record.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/sqlite.hpp"

namespace streetlog::store {

struct FindQuery {
    std::string text;  // one box: name beginnings, digits of an SSN, a date of birth
    std::size_t limit = 50;
};

/// Why a client was found. Bits.
enum class FindReason : std::uint16_t {
    kLastName = 1,
    kFirstName = 2,
    kSsnWhole = 4,
    kSsnLastFour = 8,
    kSsnPart = 16,
    kBirthDate = 32,
};

/// A client as the read table has it. Strings are as typed; empty when there is no answer.
struct ClientRow {
    EntityId id;
    std::string first_name, middle_name, last_name, name_suffix;
    std::int64_t name_quality = 99;
    std::string ssn;  // digits and x
    std::int64_t ssn_quality = 99;
    std::string dob;  // "1980-04-04"
    std::int64_t dob_quality = 99;
    std::int64_t sex = 99;
    std::uint32_t unsent = 0;  // 1 when an own write on it has not reached the hub yet
};

struct FindHit {
    EntityId root;                   // canonical id of the person
    std::vector<ClientRow> members;  // the rows of the person that match; the best first
    std::uint16_t reasons = 0;       // FindReason bits, of all rows together
    std::string last_contact;        // newest contact or entry, "2026-11-23"; empty: none here
    bool from_index = false;         // known here by the client index alone
    std::string last_seen;           // as the index says; empty: it does not
};

struct FindResult {
    std::vector<FindHit> hits;
    std::size_t total = 0;  // people, those over the limit included
    std::uint64_t clients_here = 0;
    std::uint64_t clients_in_index = 0;
    std::optional<Instant> last_pull;  // by the device's own clock; none: never
};

struct EnrollmentRow {
    EntityId id, client, project, household;
    std::string entry_date, exit_date;
    std::int64_t relationship = 99;
    std::optional<std::int64_t> destination;
};

struct ContactRow {
    EntityId id, enrollment;
    std::string date;
    std::optional<std::int64_t> situation;
};

struct ProjectRow {
    EntityId id;
    std::string name;
    std::optional<std::int64_t> type;
};

struct UserRow {
    std::uint32_t number = 0;
    std::string name;
    bool active = false;
};

/// What the tables know of an entity beside its state.
struct EntityRow {
    std::uint16_t table = 0;  // 0: named by others, its create is not here
    EntityId parent;          // nil: none
    std::optional<sync::Place> first;
};

/// One group as a screen shows it.
struct GroupView {
    std::vector<sync::Cell> cells;                // of the winner; empty when there is none
    std::vector<sync::Dot> supersedes;            // what a full Save from this screen names
    std::vector<EntityId> profile;                // and the other members it speaks of
    bool conflict = false;                        // a person should decide
    std::vector<std::vector<sync::Cell>> others;  // the other values, when there are several
};

struct FindTerms;
struct People;

enum class View : std::uint8_t { kOwn, kMerged };

/// Reads states, links and read tables (state_schema.hpp) of one database: of agent.db, or of the
/// hub's projection. One thread at a time. Reads throw nothing: what fails is an Error.
class EntityReader {
  public:
    /// Puts into a state what only this store's own screens show beside it; eno 0: there is no
    /// state.
    using Overlay = std::function<void(std::int64_t eno, EntityId id, sync::EntityState& state)>;

    /// `db` outlives the reader. `self` is whose unreceipted writes rank first.
    EntityReader(Db& db, sync::Replica self, Overlay overlay = {});
    EntityReader(EntityReader&&) noexcept;
    EntityReader& operator=(EntityReader&&) noexcept;
    ~EntityReader();

    /// The merge state, which any store with the same records has; empty when unknown here.
    [[nodiscard]] Result<sync::EntityState> load(EntityId id);
    /// The same with own records that the hub refused put back, for their author's screen.
    [[nodiscard]] Result<sync::EntityState> shown(EntityId id);
    /// kNotFound when the device knows nothing of it.
    [[nodiscard]] Result<EntityRow> entity_of(EntityId id);
    /// Canonical id first, then the other members ascending; only `id` when it stands alone.
    [[nodiscard]] Result<std::vector<EntityId>> profile_of(EntityId id);
    [[nodiscard]] Result<EntityId> canon_of(EntityId id);
    /// What a screen on `id` shows of one group, and what a Save from it names.
    [[nodiscard]] Result<GroupView> group(EntityId id, sync::RegisterId reg, View view);
    /// Every group of the table that holds a value, the life group included.
    [[nodiscard]] Result<std::vector<std::pair<sync::RegisterId, GroupView>>> groups(EntityId id,
                                                                                     View view);

    [[nodiscard]] Result<ClientRow> client(EntityId id);
    /// Of all members of the client's profile, newest entry first.
    [[nodiscard]] Result<std::vector<EnrollmentRow>> enrollments_of(EntityId client);
    [[nodiscard]] Result<EnrollmentRow> enrollment(EntityId id);
    /// Newest first.
    [[nodiscard]] Result<std::vector<ContactRow>> contacts_of(EntityId enrollment);
    /// Entities of `table` whose create names `parent`.
    [[nodiscard]] Result<std::vector<EntityId>> children_of(EntityId parent, std::uint16_t table);
    [[nodiscard]] Result<std::vector<ProjectRow>> projects();
    [[nodiscard]] Result<std::vector<UserRow>> users();

    /// Name beginnings in any order, an SSN fragment of two digits or more (as "6789" or
    /// "xxx-xx-6789"), a date of birth as "1980-04-04" or "4/4/1980". Everything typed must match.
    /// kInvalidInput when there is nothing to look for.
    [[nodiscard]] Result<FindResult> find(const FindQuery& query);

    /// The canonical text of everything, entity by entity: equal for two stores that hold the same
    /// set. Holds what people typed; for files and tests, never for logs.
    [[nodiscard]] Result<void> dump(const std::function<void(std::string_view)>& sink);
    /// The same as one hash (sync::CanonicalHash).
    [[nodiscard]] Result<sync::Hash> dump_hash();

    /// From here on `self` is whose unreceipted writes rank first.
    void name_self(const sync::Replica& self);

  protected:
    /// find() with those whom `more` adds to what was found (entity_find.hpp).
    [[nodiscard]] Result<FindResult> find_with(
        const FindQuery& query, const std::function<void(const FindTerms&, People&)>& more);

  private:
    struct Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::store
