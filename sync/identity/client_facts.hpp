#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sync/change/record.hpp"
#include "sync/identity/normal_name.hpp"

namespace streetlog::sync {

/// What of a client can tell who it is: a fact is there only when it is somebody's whole and
/// plausible answer. Personal; never logged.
struct ClientFacts {
    std::optional<NormalName> name;
    std::optional<std::uint32_t> ssn;  // the nine digits as a number
    std::optional<Date> birth;

    friend bool operator==(const ClientFacts&, const ClientFacts&) = default;
};

/// The cells of the winners of the Client groups name, SSN and DOB, in any order of columns; empty
/// when a group was never answered. A group may also be given with others' cells around it.
struct ClientCells {
    std::span<const Cell> name{};
    std::span<const Cell> ssn{};
    std::span<const Cell> birth{};
};

/// The facts that hold for matching. Each needs the data quality code 1, "full reported"; what the
/// field says beside another code, or none, is no fact. Moreover:
///
/// - name: `normal_name`; SSN: `valid_ssn`, and none where only a redacted form is known;
/// - DOB: a day of 1900 or later, but not 1900-01-01, which forms put in by themselves, and not
///   after `latest`, the day the client was first heard of.
[[nodiscard]] ClientFacts client_facts(const ClientCells& cells, Date latest);

}  // namespace streetlog::sync
