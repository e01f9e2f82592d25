#include "agent/workflow/json_requests.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/workflow/json_reader.hpp"
#include "agent/workflow/json_tree.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
using Target = JsonReader::Target;
using Names = std::span<const std::string_view>;

/// Reads `text` with `fill(reader, root, request)`; the request only if nothing was wrong.
template <class Request, class Fill>
Checked<Request> read(std::string_view text, Fill fill) {
    auto root = parse_json(text);
    if (!root) return std::unexpected(std::move(root).error());
    JsonReader reader;
    Request request;
    if (root->kind == JsonNode::Kind::kObject) {
        fill(reader, *root, request);
    } else {
        reader.problem({}, "field.type", "the request must be an object");
    }
    if (!reader.clean()) {
        return std::unexpected(Refusal{ErrorCode::kInvalidInput, reader.take()});
    }
    return request;
}

/// Calls `each(object, path)` for the objects of the array `key`.
template <class Each>
void for_objects(JsonReader& reader, const JsonNode& root, std::string_view key, Each each) {
    const auto objects = reader.objects(root, key);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (objects[i].kind == JsonNode::Kind::kObject) each(objects[i], join_path(key, i));
    }
}

/// The table whose entities a document may name by `key`; facets have no key of their own.
const hud::Table* table_of_key(std::string_view key) {
    for (const hud::Table& table : hud::tables()) {
        using Kind = hud::EntityKind;
        if (table.kind == Kind::kNone || table.kind == Kind::kFacet ||
            table.kind == Kind::kReference || table.kind == Kind::kAnnotation) {
            continue;
        }
        if (table.primary_key == key) return &table;
    }
    return nullptr;
}

struct Subject {
    const hud::Table* table = nullptr;
    std::string_view key;
    EntityId id;
};

/// An enrollment's update may hold HouseholdID as one of its values.
bool is_value_beside(const JsonNode& root, std::string_view key) {
    return std::ranges::any_of(root.items, [&](const JsonNode& other) {
        const hud::Table* table = other.key == key ? nullptr : table_of_key(other.key);
        const hud::Column* column = table == nullptr ? nullptr : hud::find_column(table->id, key);
        return column != nullptr && column->role == hud::Role::kGroup;
    });
}

/// The one entity an update or a void is about.
Subject subject_of(JsonReader& reader, const JsonNode& root) {
    Subject subject;
    for (const JsonNode& member : root.items) {
        const hud::Table* table = table_of_key(member.key);
        if (table == nullptr || is_value_beside(root, member.key)) continue;
        subject = Subject{
            .table = table, .key = member.key, .id = reader.required_id(root, {}, member.key)};
        break;  // another one is a field that has no place here
    }
    if (subject.table == nullptr) {
        reader.problem({}, "field.required", "the id of an entity is required, as PersonalID");
    }
    return subject;
}

void fill_intake(JsonReader& reader, const JsonNode& root, IntakeRequest& request) {
    constexpr std::array<std::string_view, 4> kRoot{
        "clients", "ProjectID", "HouseholdID", "interaction"};
    constexpr std::array<std::string_view, 1> kMember{"PersonalID"};
    request.project = reader.required_id(root, {}, "ProjectID");
    request.household = reader.id(root, {}, "HouseholdID");
    request.interaction = reader.interaction(root);
    for_objects(reader, root, "clients", [&](const JsonNode& object, const std::string& path) {
        Member& member = request.members.emplace_back();
        member.client.personal_id = reader.id(object, path, "PersonalID");
        const std::array targets{Target{tbl::kClient, &member.client.answers},
                                 Target{tbl::kEnrollment, &member.enrollment.answers}};
        reader.answers(object, path, targets, kMember);
        if (object.find("HouseholdID") != nullptr) {
            reader.problem(join_path(path, "HouseholdID"),
                           "field.unknown",
                           "the household is named once, beside the clients");
        }
    });
    const std::array targets{Target{tbl::kEnrollment, &request.shared}};
    reader.answers(root, {}, targets, kRoot);
}

void fill_contact(JsonReader& reader, const JsonNode& root, ContactRequest& request) {
    constexpr std::array<std::string_view, 3> kRoot{"subjects", "note", "interaction"};
    constexpr std::array<std::string_view, 2> kSubject{"EnrollmentID", "PersonalID"};
    request.interaction = reader.interaction(root);
    request.note = reader.text(root, "note", *hud::find_column(hud::col::case_note::kText));
    for_objects(reader, root, "subjects", [&](const JsonNode& object, const std::string& path) {
        ContactSubject& subject = request.subjects.emplace_back();
        subject.enrollment = reader.id(object, path, "EnrollmentID");
        subject.client = reader.id(object, path, "PersonalID");
        if (object.find("EnrollmentID") == nullptr && object.find("PersonalID") == nullptr) {
            reader.problem(path, "field.required", "EnrollmentID or PersonalID is required");
        }
        const std::array targets{Target{tbl::kCurrentLivingSituation, &subject.answers}};
        reader.answers(object, path, targets, kSubject);
    });
    const std::array targets{Target{tbl::kCurrentLivingSituation, &request.shared}};
    reader.answers(root, {}, targets, kRoot);
}

void fill_exit(JsonReader& reader, const JsonNode& root, ExitRequest& request) {
    constexpr std::array<std::string_view, 2> kRoot{"exits", "interaction"};
    constexpr std::array<std::string_view, 1> kExit{"EnrollmentID"};
    request.interaction = reader.interaction(root);
    for_objects(reader, root, "exits", [&](const JsonNode& object, const std::string& path) {
        ExitInput& exit = request.exits.emplace_back();
        exit.enrollment = reader.required_id(object, path, "EnrollmentID");
        const std::array targets{Target{tbl::kExit, &exit.answers}};
        reader.answers(object, path, targets, kExit);
    });
    const std::array targets{Target{tbl::kExit, &request.shared}};
    reader.answers(root, {}, targets, kRoot);
}

void fill_update(JsonReader& reader, const JsonNode& root, UpdateRequest& request) {
    request.interaction = reader.interaction(root);
    const Subject subject = subject_of(reader, root);
    if (subject.table == nullptr) return;
    request.entity = subject.id;
    request.table = subject.table->id;
    const std::array<std::string_view, 2> handled{subject.key, "interaction"};
    std::vector<Target> targets{Target{request.table, &request.answers}};
    if (request.table == tbl::kEnrollment) {
        targets.push_back(Target{tbl::kExit, &request.answers});
    }
    reader.answers(root, {}, targets, handled);
}

void fill_void(JsonReader& reader, const JsonNode& root, VoidRequest& request) {
    const Subject subject = subject_of(reader, root);
    request.reason = reader.text(root, "Reason", *hud::find_column(hud::col::life::kReason));
    request.replaced_by = reader.id(root, {}, "ReplacedBy");
    if (root.find("Reason") == nullptr) {
        reader.problem("Reason", "field.required", "a reason is required");
    }
    if (subject.table == nullptr) return;
    request.entity = subject.id;
    request.table = subject.table->id;
    const std::array<std::string_view, 3> handled{subject.key, "Reason", "ReplacedBy"};
    reader.answers(root, {}, {}, handled);
}

}  // namespace

Checked<IntakeRequest> parse_intake(std::string_view text) {
    return read<IntakeRequest>(text, fill_intake);
}

Checked<ContactRequest> parse_contact(std::string_view text) {
    return read<ContactRequest>(text, fill_contact);
}

Checked<ExitRequest> parse_exit(std::string_view text) {
    return read<ExitRequest>(text, fill_exit);
}

Checked<UpdateRequest> parse_update(std::string_view text) {
    return read<UpdateRequest>(text, fill_update);
}

Checked<VoidRequest> parse_void(std::string_view text) {
    return read<VoidRequest>(text, fill_void);
}

}  // namespace streetlog::agent
