#pragma once

#include <string_view>

#include "agent/workflow/refusal.hpp"
#include "agent/workflow/requests.hpp"

/// The documents the pages and the command line send. Keys are HUD's column names; values are
/// numbers for codes and money (dollars), text for everything else, null for "emptied". Every
/// document but a void names its "interaction": "now", or a time with its zone such as
/// "2026-11-23T14:00:00-05:00". All problems of a document are reported together, each with its
/// path and rule (json.*, field.*, value.*).
namespace streetlog::agent {

/// {"clients": [{"PersonalID": of an existing one, columns of Client and Enrollment}],
///  "ProjectID", "HouseholdID": to join one, columns of Enrollment for all, "interaction"}
[[nodiscard]] Checked<IntakeRequest> parse_intake(std::string_view text);

/// {"subjects": [{"EnrollmentID" and/or "PersonalID", columns}], columns of CurrentLivingSituation
///  for all, "note", "interaction"}
[[nodiscard]] Checked<ContactRequest> parse_contact(std::string_view text);

/// {"exits": [{"EnrollmentID", columns}], columns of Exit for all, "interaction"}
[[nodiscard]] Checked<ExitRequest> parse_exit(std::string_view text);

/// {the key of one entity, as "PersonalID" or "EnrollmentID", its columns, "interaction"}
[[nodiscard]] Checked<UpdateRequest> parse_update(std::string_view text);

/// {the key of one entity, "Reason", "ReplacedBy"}
[[nodiscard]] Checked<VoidRequest> parse_void(std::string_view text);

}  // namespace streetlog::agent
