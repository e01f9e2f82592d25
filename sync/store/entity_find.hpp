#pragma once

#include <map>

#include "sync/store/entity_reader.hpp"

/// How Find Client matches and ranks; shared by entity_find.cpp and index_find.cpp.
namespace streetlog::store {

/// What was typed, all of which must match.
struct FindTerms {
    std::vector<std::string> names;  // keys of beginnings
    std::vector<std::string> digits;
    std::vector<std::string> dates;
};

/// The people found so far, by the number of their canonical client here; those who are here by the
/// index alone have numbers below zero.
struct People {
    struct Found {
        std::vector<std::pair<ClientRow, std::uint16_t>> rows;
        int weight = 0;
        EntityId root;  // of who has a number below zero
        bool from_index = false;
        std::string last_seen;
    };

    std::map<std::int64_t, Found> found;
    std::uint64_t in_index = 0;
};

/// FindReason bits when each beginning fits one of the two names; two beginnings do not both lean
/// on the same one unless there are more than two.
[[nodiscard]] std::optional<std::uint16_t> match_names(const std::vector<std::string>& names,
                                                       std::string_view first,
                                                       std::string_view last);
/// How digits in a row fit an SSN: digits and x.
[[nodiscard]] std::optional<FindReason> match_ssn(std::string_view digits, std::string_view ssn);

void add(std::uint16_t& reasons, FindReason reason);
/// The reason that narrows most ranks highest.
[[nodiscard]] int weight(std::uint16_t reasons);

/// Digits and x, as HUD writes a partial number.
[[nodiscard]] std::string ssn_characters(const std::string& typed);

/// The read row of the client with this number.
[[nodiscard]] std::optional<ClientRow> client_row(Db& db, std::int64_t eno);

}  // namespace streetlog::store
