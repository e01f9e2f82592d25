#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Names as they are compared, the same on hub and agents: a pure function of the bytes, so that
/// equal names give equal keys everywhere. Any bytes are allowed in.
namespace streetlog::sync {

/// As typed; views that must outlive the call.
struct NameParts {
    std::string_view first{};
    std::string_view middle{};
    std::string_view last{};
    std::string_view suffix{};
};

/// Only the letters a to z, in small, without accents, blanks and punctuation: "O'Brien-Núñez" is
/// "obriennunez". Letters of other scripts are left out, for who writes a name in another script
/// says nothing about whose it is.
struct NormalName {
    std::string first;   // two letters or more
    std::string middle;  // often empty or an initial
    std::string last;    // two letters or more, without a suffix that was typed behind it
    std::string suffix;  // "jr", "sr", "ii", "iii", "iv" or empty

    friend bool operator==(const NormalName&, const NormalName&) = default;
};

/// None when there is no full name: the first or the last name is empty, an initial or one letter
/// repeated, or stands for a name nobody gave (anonymous, unknown, baby, John Doe, ...).
[[nodiscard]] std::optional<NormalName> normal_name(const NameParts& parts);

}  // namespace streetlog::sync
