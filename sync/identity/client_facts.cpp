#include "sync/identity/client_facts.hpp"

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/identity/ssn.hpp"

namespace streetlog::sync {
namespace {

namespace col = hud::col::client;

/// The same code in lists 3.01.5, 3.02.2 and 3.03.2.
constexpr std::int64_t kFullReported = 1;

constexpr Date kFormDefault{std::chrono::year{1900}, std::chrono::month{1}, std::chrono::day{1}};

bool is_full(std::span<const Cell> cells, std::uint16_t quality) {
    return number_in(find_cell(cells, quality)) == kFullReported;
}

std::string_view text(std::span<const Cell> cells, std::uint16_t column) {
    return text_in(find_cell(cells, column));
}

}  // namespace

ClientFacts client_facts(const ClientCells& cells, Date latest) {
    ClientFacts out;
    if (is_full(cells.name, col::kNameDataQuality)) {
        out.name = normal_name({.first = text(cells.name, col::kFirstName),
                                .middle = text(cells.name, col::kMiddleName),
                                .last = text(cells.name, col::kLastName),
                                .suffix = text(cells.name, col::kNameSuffix)});
    }
    if (is_full(cells.ssn, col::kSSNDataQuality)) out.ssn = valid_ssn(text(cells.ssn, col::kSSN));
    if (is_full(cells.birth, col::kDOBDataQuality)) {
        const auto birth = date_in(find_cell(cells.birth, col::kDOB));
        if (birth && *birth > kFormDefault && *birth <= latest) out.birth = birth;
    }
    return out;
}

}  // namespace streetlog::sync
