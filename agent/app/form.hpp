#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "schema/error.hpp"
#include "schema/id.hpp"
#include "schema/time.hpp"

/// What a command line says in flags, written as the document of json_requests.hpp that says the
/// same, so that there is one way in and one set of rules. Members are named as the flags are,
/// and hold text or a list of texts; "set" holds the "Column=value" arguments, which stand above
/// what flags and defaults say. kUsage for flags that do not belong together; what the values are
/// worth is left to the parser of the document.
namespace streetlog::agent {

struct FormDefaults {
    EntityId project;  // nil: none
    std::string coc;   // empty: none
    Date today;        // where the device is
};

/// One person: first, middle, last, suffix, dob, ssn or an existing client; project, household,
/// entry-date, coc, at. What is not said about name, SSN and birth counts as not collected (99).
[[nodiscard]] Result<std::string> intake_document(const boost::json::object& form,
                                                  const FormDefaults& defaults);

/// client and enrollment (lists), situation, note, at.
[[nodiscard]] Result<std::string> contact_document(const boost::json::object& form);

/// enrollment (list), destination, date, at.
[[nodiscard]] Result<std::string> exit_document(const boost::json::object& form,
                                                const FormDefaults& defaults);

/// One client or enrollment, at.
[[nodiscard]] Result<std::string> update_document(const boost::json::object& form);

/// One client, enrollment or contact; reason, replaced-by.
[[nodiscard]] Result<std::string> void_document(const boost::json::object& form);

}  // namespace streetlog::agent
