#include "agent/app/form.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace tbl = hud::tbl;

constexpr std::size_t kDateLength = 10;  // "2026-11-23"
constexpr std::size_t kSsnLength = 9;

std::string in_quotes(std::string_view text) { return json::serialize(json::string{text}); }

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A number as it was typed, or nothing when it is none that JSON and the column can hold.
bool is_number(const hud::Column& column, std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.size() > 1 && text.starts_with('0') && text[1] != '.') return false;
    if (column.type == hud::ColumnType::kInteger) return is_digits(text);
    if (column.type != hud::ColumnType::kMoney) return false;
    const auto dot = text.find('.');
    return is_digits(text.substr(0, dot)) &&
           (dot == std::string_view::npos || is_digits(text.substr(dot + 1)));
}

/// The members of one JSON object, in the order they were first named; the last value counts.
class Members {
  public:
    void put(std::string_view key, std::string value) {
        const auto at = std::ranges::find(members_, key, &Member::first);
        if (at != members_.end()) {
            at->second = std::move(value);
        } else {
            members_.emplace_back(key, std::move(value));
        }
    }

    void put_text(std::string_view key, std::string_view value) { put(key, in_quotes(value)); }

    [[nodiscard]] std::string object() const {
        std::string out = "{";
        for (const auto& [key, value] : members_) {
            if (out.size() > 1) out += ',';
            out += in_quotes(key) + ':' + value;
        }
        return out + '}';
    }

  private:
    using Member = std::pair<std::string, std::string>;

    std::vector<Member> members_;
};

class Form {
  public:
    explicit Form(const json::object& flags) : flags_(flags) {}

    [[nodiscard]] bool has(std::string_view flag) const { return flags_.contains(flag); }

    [[nodiscard]] std::string_view text(std::string_view flag) const {
        const auto* value = flags_.if_contains(flag);
        if (value == nullptr || !value->is_string()) return {};
        return value->get_string();
    }

    [[nodiscard]] std::vector<std::string_view> list(std::string_view flag) const {
        const auto* value = flags_.if_contains(flag);
        if (value == nullptr) return {};
        if (value->is_string()) return {value->get_string()};
        std::vector<std::string_view> out;
        if (value->is_array()) {
            for (const auto& item : value->get_array())
                if (item.is_string()) out.emplace_back(item.get_string());
        }
        return out;
    }

    /// The text of `flag` as `key`, when it was given.
    void copy(std::string_view flag, Members& to, std::string_view key) const {
        if (has(flag)) to.put_text(key, text(flag));
    }

    /// A code as a number, when it was given.
    void copy_value(std::string_view flag, Members& to, const hud::Column& column) const {
        if (has(flag)) to.put(column.name, value_of(&column, text(flag)));
    }

    void interaction(Members& to) const {
        to.put_text("interaction", has("at") ? text("at") : "now");
    }

    /// The day of the interaction where it took place.
    [[nodiscard]] std::string day(const FormDefaults& defaults) const {
        const auto typed = text("at").substr(0, kDateLength);
        return parse_date(typed) ? std::string{typed} : format_date(defaults.today);
    }

    /// The "Column=value" arguments; each is typed as its column in one of `tables` wants it.
    [[nodiscard]] Result<void> set(Members& to, std::span<const std::uint16_t> tables) const {
        for (const auto argument : list("set")) {
            const auto equals = argument.find('=');
            if (equals == 0 || equals == std::string_view::npos)
                return fail(ErrorCode::kUsage,
                            "an argument is not of the form Column=value",
                            "Write for example VeteranStatus=0; nothing after = empties it.");
            const auto name = argument.substr(0, equals);
            const hud::Column* column = nullptr;
            for (const auto table : tables)
                if (column == nullptr) column = hud::find_column(table, name);
            to.put(name, value_of(column, argument.substr(equals + 1)));
        }
        return {};
    }

  private:
    [[nodiscard]] static std::string value_of(const hud::Column* column, std::string_view text) {
        if (text.empty()) return "null";
        return column != nullptr && is_number(*column, text) ? std::string{text} : in_quotes(text);
    }

    const json::object& flags_;
};

/// Four digits are the last four; anything else as it is, less the dashes.
std::string ssn_of(std::string_view typed) {
    std::string out;
    std::ranges::copy_if(
        typed, std::back_inserter(out), [](char c) { return c != '-' && c != ' '; });
    constexpr std::size_t kLastFour = 4;
    return out.size() == kLastFour && is_digits(out) ? "xxxxx" + out : out;
}

void put_person(const Form& form, Members& person) {
    namespace col = hud::col::client;
    const auto name = [](std::uint16_t column) { return hud::find_column(column)->name; };
    form.copy("first", person, name(col::kFirstName));
    form.copy("middle", person, name(col::kMiddleName));
    form.copy("last", person, name(col::kLastName));
    form.copy("suffix", person, name(col::kNameSuffix));
    const bool new_client = !form.has("client");
    const bool named = form.has("first") || form.has("middle") || form.has("last");
    const bool whole = form.has("first") && form.has("last");
    if (named || new_client)
        person.put(name(col::kNameDataQuality), whole ? "1" : named ? "2" : "99");
    if (form.has("ssn")) {
        const auto ssn = ssn_of(form.text("ssn"));
        person.put_text(name(col::kSSN), ssn);
        const bool full = ssn.size() == kSsnLength && is_digits(ssn);
        person.put(name(col::kSSNDataQuality), full ? "1" : "2");
    } else if (new_client) {
        person.put(name(col::kSSNDataQuality), "99");
    }
    form.copy("dob", person, name(col::kDOB));
    if (form.has("dob") || new_client)
        person.put(name(col::kDOBDataQuality), form.has("dob") ? "1" : "99");
}

/// The one entity a form names by one of `flags`.
Result<void> put_subject(const Form& form,
                         Members& to,
                         std::span<const std::pair<std::string_view, std::uint16_t>> flags) {
    std::size_t named = 0;
    for (const auto& [flag, table] : flags) {
        const auto ids = form.list(flag);
        named += ids.size();
        if (!ids.empty()) to.put_text(hud::find_table(table)->primary_key, ids.front());
    }
    if (named == 1) return {};
    std::string names;
    for (const auto& [flag, table] : flags)
        names += fmt::format("{}--{}", names.empty() ? "" : ", ", flag);
    return fail(ErrorCode::kUsage, fmt::format("exactly one of {} is needed", names));
}

}  // namespace

Result<std::string> intake_document(const json::object& flags, const FormDefaults& defaults) {
    const Form form{flags};
    Members person;
    if (form.has("client")) {
        const auto ids = form.list("client");
        if (ids.size() != 1)
            return fail(ErrorCode::kUsage,
                        "one client at a time can be taken in by flags",
                        "Take in a family with a document: --file.");
        person.put_text("PersonalID", ids.front());
    }
    put_person(form, person);
    const bool joins = form.has("household");
    if (!joins) person.put("RelationshipToHoH", "1");
    const std::string coc = form.has("coc") ? std::string{form.text("coc")} : defaults.coc;
    if (!joins && !coc.empty()) person.put_text("EnrollmentCoC", coc);
    STREETLOG_CHECK(form.set(person, std::array{tbl::kClient, tbl::kEnrollment}));

    Members document;
    if (!form.has("project") && defaults.project.is_nil())
        return fail(ErrorCode::kUsage,
                    "--project is missing",
                    "streetlog-agent projects lists them; init --project sets a default.");
    document.put_text(
        "ProjectID",
        form.has("project") ? std::string{form.text("project")} : to_string(defaults.project));
    form.copy("household", document, "HouseholdID");
    document.put_text(
        "EntryDate",
        form.has("entry-date") ? std::string{form.text("entry-date")} : form.day(defaults));
    form.interaction(document);
    document.put("clients", "[" + person.object() + "]");
    return document.object();
}

Result<std::string> contact_document(const json::object& flags) {
    const Form form{flags};
    std::string subjects;
    const auto add = [&](std::string_view flag, std::string_view key) {
        for (const auto id : form.list(flag)) {
            Members subject;
            subject.put_text(key, id);
            subjects += (subjects.empty() ? "" : ",") + subject.object();
        }
    };
    add("client", "PersonalID");
    add("enrollment", "EnrollmentID");
    if (subjects.empty())
        return fail(ErrorCode::kUsage, "--client or --enrollment is needed: who was met?");
    Members document;
    document.put("subjects", "[" + subjects + "]");
    form.copy_value("situation",
                    document,
                    *hud::find_column(hud::col::current_living_situation::kCurrentLivingSituation));
    form.copy("note", document, "note");
    form.interaction(document);
    STREETLOG_CHECK(form.set(document, std::array{tbl::kCurrentLivingSituation}));
    return document.object();
}

Result<std::string> exit_document(const json::object& flags, const FormDefaults& defaults) {
    const Form form{flags};
    std::string exits;
    for (const auto id : form.list("enrollment")) {
        Members exit;
        exit.put_text("EnrollmentID", id);
        exits += (exits.empty() ? "" : ",") + exit.object();
    }
    if (exits.empty()) return fail(ErrorCode::kUsage, "--enrollment is needed: which one ends?");
    Members document;
    document.put("exits", "[" + exits + "]");
    document.put_text("ExitDate",
                      form.has("date") ? std::string{form.text("date")} : form.day(defaults));
    form.copy_value("destination", document, *hud::find_column(hud::col::exit::kDestination));
    form.interaction(document);
    STREETLOG_CHECK(form.set(document, std::array{tbl::kExit}));
    return document.object();
}

Result<std::string> update_document(const json::object& flags) {
    const Form form{flags};
    Members document;
    constexpr std::array<std::pair<std::string_view, std::uint16_t>, 2> kSubjects{
        {{"client", tbl::kClient}, {"enrollment", tbl::kEnrollment}}};
    STREETLOG_CHECK(put_subject(form, document, kSubjects));
    form.interaction(document);
    if (form.list("set").empty())
        return fail(ErrorCode::kUsage, "nothing to change: give at least one Column=value");
    if (form.has("client")) {
        STREETLOG_CHECK(form.set(document, std::array{tbl::kClient}));
    } else {
        STREETLOG_CHECK(form.set(document, std::array{tbl::kEnrollment, tbl::kExit}));
    }
    return document.object();
}

Result<std::string> void_document(const json::object& flags) {
    const Form form{flags};
    Members document;
    constexpr std::array<std::pair<std::string_view, std::uint16_t>, 3> kSubjects{
        {{"client", tbl::kClient},
         {"enrollment", tbl::kEnrollment},
         {"contact", tbl::kCurrentLivingSituation}}};
    STREETLOG_CHECK(put_subject(form, document, kSubjects));
    form.copy("reason", document, "Reason");
    form.copy("replaced-by", document, "ReplacedBy");
    return document.object();
}

}  // namespace streetlog::agent
