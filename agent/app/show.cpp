#include "agent/app/show.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/app/status.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace tbl = hud::tbl;

std::string_view name_of_table(std::uint16_t table) {
    const auto* found = hud::find_table(table);
    return found == nullptr ? std::string_view{"unknown"} : found->name;
}

/// What a code stands for; empty for everything that is not one.
std::string meaning(const hud::Column& column, const sync::Cell& cell) {
    const auto number = sync::number_in(&cell);
    if (!number || column.code_list == nullptr) return {};
    const auto* code = hud::find_code(*column.code_list, *number);
    return code == nullptr ? "not in HUD's list" : std::string{code->label};
}

std::string meaning(std::uint16_t column, std::optional<std::int64_t> number) {
    if (!number) return {};
    const auto* found = hud::find_column(column);
    return meaning(*found, sync::make_cell(*found, *number));
}

std::string text_of(const hud::Column& column, const sync::Cell& cell) {
    if (std::holds_alternative<sync::Redacted>(cell.value)) return "(withheld)";
    return sync::to_text(column, cell);
}

json::array fields_of(std::span<const sync::Cell> cells) {
    json::array out;
    for (const auto& cell : cells) {
        const auto* column = hud::find_column(cell.column);
        if (column == nullptr || !sync::is_filled(&cell)) continue;
        out.push_back(json::object{{"field", column->name},
                                   {"value", text_of(*column, cell)},
                                   {"meaning", meaning(*column, cell)}});
    }
    return out;
}

/// Every group of an entity: "fields" as shown, "conflicts" to be decided by a person, and
/// "other_values" that were written at the same time.
Result<void> put_groups(store::AgentReader& reader,
                        EntityId id,
                        store::View view,
                        json::object& out) {
    STREETLOG_TRY(const auto groups, reader.groups(id, view));
    json::array fields;
    json::array others;
    json::array conflicts;
    for (const auto& [reg, shown] : groups) {
        const auto* group = hud::find_group(reg.group);
        const std::string_view name = group == nullptr ? "keys" : group->name;
        for (auto& field : fields_of(shown.cells)) fields.push_back(std::move(field));
        if (shown.conflict) conflicts.push_back(json::object{{"group", name}});
        for (std::size_t i = 0; i < shown.others.size(); ++i) {
            for (auto& field : fields_of(shown.others[i])) {
                json::object other{{"group", name}, {"version", i + 2}};
                for (const auto& [key, value] : field.get_object()) other[key] = value;
                others.push_back(std::move(other));
            }
        }
    }
    out["fields"] = std::move(fields);
    if (!conflicts.empty()) out["conflicts"] = std::move(conflicts);
    if (!others.empty()) out["other_values"] = std::move(others);
    return {};
}

std::string full_name(const store::ClientRow& row) {
    std::string out;
    for (const auto* part : {&row.first_name, &row.middle_name, &row.last_name, &row.name_suffix}) {
        if (part->empty()) continue;
        if (!out.empty()) out += ' ';
        out += *part;
    }
    return out.empty() ? "(no name)" : out;
}

std::string masked(const std::string& ssn) {
    constexpr std::size_t kShown = 4;
    if (ssn.size() <= kShown) return ssn;
    return std::string(ssn.size() - kShown, '*') + ssn.substr(ssn.size() - kShown);
}

json::object enrollment_line(const store::EnrollmentRow& row, std::string_view project) {
    namespace enrollment = hud::col::enrollment;
    return {{"enrollment", to_string(row.id)},
            {"client", to_string(row.client)},
            {"project", project},
            {"entry", row.entry_date},
            {"exit", row.exit_date},
            {"destination", meaning(hud::col::exit::kDestination, row.destination)},
            {"role", meaning(enrollment::kRelationshipToHoH, row.relationship)},
            {"household", row.household.is_nil() ? "" : to_string(row.household)}};
}

Result<json::array> contact_lines(store::AgentReader& reader, EntityId enrollment) {
    STREETLOG_TRY(const auto rows, reader.contacts_of(enrollment));
    json::array out;
    for (const auto& row : rows) {
        out.push_back(json::object{
            {"contact", to_string(row.id)},
            {"enrollment", to_string(row.enrollment)},
            {"date", row.date},
            {"situation",
             meaning(hud::col::current_living_situation::kCurrentLivingSituation, row.situation)}});
    }
    return out;
}

Result<json::array> note_lines(store::AgentReader& reader, EntityId enrollment) {
    STREETLOG_TRY(const auto ids, reader.children_of(enrollment, tbl::kCaseNote));
    json::array out;
    for (const auto id : ids) {
        STREETLOG_TRY(const auto note,
                      reader.group(id, {tbl::kCaseNote, hud::grp::kNoteText}, store::View::kOwn));
        const auto* date = sync::find_cell(note.cells, hud::col::case_note::kNoteDate);
        const auto day = sync::date_in(date);
        out.push_back(json::object{
            {"note", to_string(id)},
            {"date", day ? format_date(*day) : ""},
            {"text", sync::text_in(sync::find_cell(note.cells, hud::col::case_note::kText))}});
    }
    return out;
}

std::string known_to_coc(std::string_view last_seen) {
    return last_seen.empty() ? "known to the CoC"
                             : fmt::format("known to the CoC, last seen {}", last_seen);
}

/// What the client index says; `here`: the device is told of the client in its own right.
Result<void> put_index(store::AgentReader& reader, EntityId id, bool here, json::object& out) {
    STREETLOG_TRY(const auto entry, reader.index_entry(id));
    out["from_index"] = entry.has_value() && !here;
    if (!entry) return {};
    out["known"] = known_to_coc(entry->last_seen);
    out["last_seen"] = entry->last_seen;
    if (!here && !entry->ssn.empty()) out["ssn"] = masked(entry->ssn);
    return {};
}

Result<void> put_client(store::AgentReader& reader, EntityId id, json::object& out) {
    STREETLOG_TRY(const auto members, reader.profile_of(id));
    if (members.size() > 1) {
        json::array same;
        for (const auto member : members)
            same.push_back(json::object{{"client", to_string(member)},
                                        {"canonical", member == members.front()}});
        out["same_person"] = std::move(same);
    }
    STREETLOG_CHECK(put_groups(reader, id, store::View::kMerged, out));
    STREETLOG_TRY(const auto enrollments, reader.enrollments_of(id));
    STREETLOG_TRY(const auto projects, reader.projects());
    json::array stays;
    json::array contacts;
    for (const auto& row : enrollments) {
        const auto project = std::ranges::find(projects, row.project, &store::ProjectRow::id);
        stays.push_back(enrollment_line(
            row, project == projects.end() ? to_string(row.project) : project->name));
        STREETLOG_TRY(auto lines, contact_lines(reader, row.id));
        for (auto& line : lines) contacts.push_back(std::move(line));
    }
    out["enrollments"] = std::move(stays);
    out["contacts"] = std::move(contacts);
    return {};
}

std::string reasons_of(std::uint16_t bits) {
    using store::FindReason;
    constexpr std::array<std::pair<FindReason, std::string_view>, 6> kWords{
        {{FindReason::kLastName, "last name"},
         {FindReason::kFirstName, "first name"},
         {FindReason::kSsnWhole, "whole SSN"},
         {FindReason::kSsnLastFour, "end of SSN"},
         {FindReason::kSsnPart, "part of SSN"},
         {FindReason::kBirthDate, "date of birth"}}};
    std::string out;
    for (const auto& [bit, words] : kWords) {
        if ((bits & static_cast<std::uint16_t>(bit)) == 0) continue;
        out += fmt::format("{}{}", out.empty() ? "" : ", ", words);
    }
    return out;
}

}  // namespace

Result<json::object> show_entity(store::AgentReader& reader, EntityId id) {
    STREETLOG_TRY(const auto row, reader.entity_of(id));
    json::object out{{"id", to_string(id)}, {"table", name_of_table(row.table)}};
    if (!row.parent.is_nil()) out["belongs_to"] = to_string(row.parent);
    out["received_by_hub"] = shown(row.first ? std::optional{row.first->received} : std::nullopt);
    if (row.table == tbl::kClient) {
        STREETLOG_TRY(const auto keys, reader.load(id));
        STREETLOG_CHECK(put_index(reader, id, keys.registers.contains({tbl::kClient, 0}), out));
        STREETLOG_CHECK(put_client(reader, id, out));
        return out;
    }
    STREETLOG_CHECK(put_groups(reader, id, store::View::kOwn, out));
    if (row.table == tbl::kEnrollment) {
        STREETLOG_TRY(out["contacts"], contact_lines(reader, id));
        STREETLOG_TRY(out["notes"], note_lines(reader, id));
    }
    return out;
}

Result<json::object> find_clients(store::AgentReader& reader,
                                  std::string_view text,
                                  std::size_t limit) {
    store::FindQuery query;
    query.text = text;
    query.limit = limit;
    STREETLOG_TRY(const auto found, reader.find(query));
    json::array people;
    for (const auto& hit : found.hits) {
        for (const auto& row : hit.members) {
            people.push_back(
                json::object{{"client", to_string(row.id)},
                             {"name", full_name(row)},
                             {"dob", row.dob},
                             {"ssn", masked(row.ssn)},
                             {"matched", reasons_of(hit.reasons)},
                             {"last_contact", hit.last_contact},
                             {"from_index", hit.from_index},
                             {"last_seen", hit.last_seen},
                             {"known", hit.from_index ? known_to_coc(hit.last_seen) : ""},
                             {"same_person_as", row.id == hit.root ? "" : to_string(hit.root)},
                             {"unsent", row.unsent != 0}});
        }
    }
    const std::string beside =
        found.clients_in_index == 0
            ? std::string{}
            : fmt::format(" and {} in the CoC's index", found.clients_in_index);
    return json::object{{"searched",
                         fmt::format("{} clients on this device{}, {}",
                                     found.clients_here,
                                     beside,
                                     found.last_pull ? fmt::format("last synced at {}",
                                                                   format_instant(*found.last_pull))
                                                     : "never synced with the hub")},
                        {"clients_here", found.clients_here},
                        {"clients_in_index", found.clients_in_index},
                        {"last_pull", shown(found.last_pull)},
                        {"found", found.total},
                        {"shown", found.hits.size()},
                        {"people", std::move(people)}};
}

Result<json::object> list_projects(store::AgentReader& reader) {
    STREETLOG_TRY(const auto projects, reader.projects());
    json::array out;
    for (const auto& row : projects) {
        out.push_back(json::object{{"project", to_string(row.id)},
                                   {"name", row.name},
                                   {"type", meaning(hud::col::project::kProjectType, row.type)}});
    }
    return json::object{{"projects", std::move(out)}};
}

}  // namespace streetlog::agent
