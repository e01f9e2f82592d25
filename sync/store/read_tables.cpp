#include "sync/store/read_tables.hpp"

#include <algorithm>

#include "schema/hud/fields.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/entity_find.hpp"

namespace streetlog::store {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace col = hud::col;

constexpr std::int64_t kVoid = 2;  // list S.5
constexpr std::int64_t kNotCollected = 99;

/// The last four characters when all are digits.
std::string last_four(const std::string& ssn) {
    if (ssn.size() < 4) return {};
    const std::string tail = ssn.substr(ssn.size() - 4);
    const bool digits = std::ranges::all_of(tail, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? tail : std::string{};
}

}  // namespace

std::string ssn_characters(const std::string& typed) {
    std::string out;
    for (const char c : typed) {
        if (c >= '0' && c <= '9') out += c;
        if (c == 'x' || c == 'X') out += 'x';
    }
    return out;
}

struct ReadTables::Winners {
    const sync::EntityState& state;
    const sync::Replica& self;

    [[nodiscard]] const std::vector<sync::Cell>& cells(std::uint16_t table,
                                                       std::uint16_t group) const {
        return sync::winner_cells(state, {table, group}, self);
    }

    [[nodiscard]] bool is_void() const {
        return std::ranges::any_of(state.registers, [&](const auto& entry) {
            const auto id = entry.first;
            return id.group == grp::kLife &&
                   store::number_in(cells(id.table, id.group), col::life::kState) == kVoid;
        });
    }

    [[nodiscard]] bool unsent() const {
        return std::ranges::any_of(state.registers, [](const auto& entry) {
            return std::ranges::any_of(entry.second.siblings,
                                       [](const auto& s) { return !s.receipt; });
        });
    }
};

ReadTables::ReadTables(Db& db, sync::Replica self, Generation of, Keys keys)
    : self_(self),
      keys_(keys),
      key_add_(prepare_in(db, of, "INSERT INTO client_key$ VALUES(?1, ?2, ?3)")),
      key_drop_(
          prepare_in(db, of, "DELETE FROM client_key$ WHERE kind = ?1 AND key = ?2 AND eno = ?3")),
      known_keys_(prepare_in(
          db, of, "SELECT last_key, first_key, ssn, dob FROM client_read$ WHERE eno = ?1")),
      client_(prepare_in(
          db,
          of,
          "INSERT OR REPLACE INTO client_read$ VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
          "?14,?15)")),
      client_gone_(prepare_in(db, of, "DELETE FROM client_read$ WHERE eno = ?1")),
      enrollment_(prepare_in(
          db, of, "INSERT OR REPLACE INTO enrollment_read$ VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")),
      enrollment_gone_(prepare_in(db, of, "DELETE FROM enrollment_read$ WHERE eno = ?1")),
      contact_(prepare_in(db, of, "INSERT OR REPLACE INTO contact_read$ VALUES(?1,?2,?3,?4)")),
      contact_gone_(prepare_in(db, of, "DELETE FROM contact_read$ WHERE eno = ?1")),
      project_(prepare_in(db, of, "INSERT OR REPLACE INTO project_read$ VALUES(?1,?2,?3)")),
      project_gone_(prepare_in(db, of, "DELETE FROM project_read$ WHERE eno = ?1")),
      user_(prepare_in(db, of, "INSERT OR REPLACE INTO user_$ VALUES(?1,?2,?3,?4)")),
      user_gone_(prepare_in(db, of, "DELETE FROM user_$ WHERE eno = ?1")) {}

void ReadTables::clear(Db& db) {
    db.exec(
        "DELETE FROM client_read; DELETE FROM client_key; DELETE FROM enrollment_read;"
        "DELETE FROM contact_read; DELETE FROM project_read; DELETE FROM user_");
}

void ReadTables::drop(const EntitySlot& slot) {
    change_keys(slot.eno, {});
    for (Stmt* gone :
         {&client_gone_, &enrollment_gone_, &contact_gone_, &project_gone_, &user_gone_})
        gone->with(slot.eno).run();
}

void ReadTables::write(const EntitySlot& slot,
                       const sync::EntityState& shown,
                       const Number& number) {
    const Winners of{shown, self_};
    const bool is_void = of.is_void();
    // A client whose create is not here is one all the same if the screen shows them as such.
    const bool shown_client = slot.table == 0 && shown.registers.contains({tbl::kClient, 0});
    switch (shown_client ? tbl::kClient : slot.table) {
        case 0:
            change_keys(slot.eno, {});
            return client_gone_.with(slot.eno).run();
        case tbl::kClient:
            if (!is_void) return write_client(slot, of);
            change_keys(slot.eno, {});
            return client_gone_.with(slot.eno).run();
        case tbl::kEnrollment:
            if (!is_void) return write_enrollment(slot, of, number);
            return enrollment_gone_.with(slot.eno).run();
        case tbl::kCurrentLivingSituation:
            if (!is_void) return write_contact(slot, of, number);
            return contact_gone_.with(slot.eno).run();
        case tbl::kProject:
            project_gone_.with(slot.eno).run();
            if (!is_void) write_project(slot, of);
            return;
        case tbl::kHubUser:
            user_gone_.with(slot.eno).run();
            if (!is_void) write_user(slot, of);
            return;
        default:
            return;
    }
}

void ReadTables::write_project(const EntitySlot& slot, const Winners& of) {
    const auto& kind = of.cells(tbl::kProject, grp::kProjectType);
    project_
        .with(slot.eno,
              text_in(of.cells(tbl::kProject, grp::kProjectName), col::project::kProjectName),
              number_in(kind, col::project::kProjectType))
        .run();
}

void ReadTables::write_user(const EntitySlot& slot, const Winners& of) {
    const auto& account = of.cells(tbl::kHubUser, grp::kHubUserAccount);
    const auto number = number_in(account, col::hub_user::kUserNumber);
    if (!number) return;
    user_
        .with(slot.eno,
              *number,
              text_in(account, col::hub_user::kDisplayName),
              number_in(account, col::hub_user::kActive).value_or(1))
        .run();
}

/// Before the client's own row changes, for that says which keys there are.
void ReadTables::change_keys(std::int64_t eno, const ClientKeys& now) {
    if (keys_ == Keys::kLater) return;
    ClientKeys before;
    known_keys_.with(eno);
    if (known_keys_.step()) {
        for (std::size_t i = 0; i < before.size(); ++i)
            before[i] = known_keys_.text(static_cast<int>(i));
        known_keys_.reset();
    }
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (before[i] == now[i]) continue;
        if (!before[i].empty()) key_drop_.with(i + 1, before[i], eno).run();
        if (!now[i].empty()) key_add_.with(i + 1, now[i], eno).run();
    }
}

void ReadTables::write_client(const EntitySlot& slot, const Winners& of) {
    namespace c = col::client;
    const auto& name = of.cells(tbl::kClient, grp::kClientName);
    const auto& ssn_cells = of.cells(tbl::kClient, grp::kClientSsn);
    const auto& dob = of.cells(tbl::kClient, grp::kClientDob);
    const std::string first = text_in(name, c::kFirstName);
    const std::string last = text_in(name, c::kLastName);
    const std::string ssn = ssn_characters(text_in(ssn_cells, c::kSSN));
    const std::string born = date_in(dob, c::kDOB);
    const ClientKeys keys{name_key(last), name_key(first), ssn, born};
    change_keys(slot.eno, keys);
    client_
        .with(slot.eno,
              keys[1],
              keys[0],
              first,
              text_in(name, c::kMiddleName),
              last,
              text_in(name, c::kNameSuffix),
              number_in(name, c::kNameDataQuality).value_or(kNotCollected),
              ssn,
              last_four(ssn),
              number_in(ssn_cells, c::kSSNDataQuality).value_or(kNotCollected),
              born,
              number_in(dob, c::kDOBDataQuality).value_or(kNotCollected),
              number_in(of.cells(tbl::kClient, grp::kClientSex), c::kSex).value_or(kNotCollected),
              of.unsent() ? 1 : 0)
        .run();
}

void ReadTables::write_enrollment(const EntitySlot& slot, const Winners& of, const Number& number) {
    namespace e = col::enrollment;
    const auto& keys = of.cells(tbl::kEnrollment, 0);
    const auto client = id_in(keys, e::kPersonalID);
    const auto& home = of.cells(tbl::kEnrollment, grp::kEnrollmentHousehold);
    const auto& exit = of.cells(tbl::kExit, grp::kExitExit);
    const auto project = id_in(keys, e::kProjectID);
    const auto household = id_in(home, e::kHouseholdID);
    const auto bytes = [](const std::optional<EntityId>& id) {
        return id ? std::optional{BytesView{id->bytes}} : std::nullopt;
    };
    enrollment_
        .with(slot.eno,
              client ? number(*client) : 0,
              bytes(project),
              date_in(of.cells(tbl::kEnrollment, grp::kEnrollmentEntry), e::kEntryDate),
              date_in(exit, col::exit::kExitDate),
              number_in(exit, col::exit::kDestination),
              bytes(household),
              number_in(home, e::kRelationshipToHoH).value_or(kNotCollected))
        .run();
}

void ReadTables::write_contact(const EntitySlot& slot, const Winners& of, const Number& number) {
    namespace s = col::current_living_situation;
    const auto enrollment = id_in(of.cells(tbl::kCurrentLivingSituation, 0), s::kEnrollmentID);
    const auto& contact = of.cells(tbl::kCurrentLivingSituation, grp::kContactContact);
    contact_
        .with(slot.eno,
              enrollment ? number(*enrollment) : 0,
              date_in(contact, s::kInformationDate),
              number_in(contact, s::kCurrentLivingSituation))
        .run();
}

}  // namespace streetlog::store
