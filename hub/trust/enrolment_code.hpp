#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/ports.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::hub {

/// What the office gives to whoever sets a device up, once: 24 letters and digits in groups of
/// four. The first eight (40 bits) say which code it is, so that wrong guesses can be counted
/// against it; the other sixteen (80 bits) are the secret, of which the hub keeps the hash.
struct CodeParts {
    std::string selector;
    std::string secret;

    friend bool operator==(const CodeParts&, const CodeParts&) = default;
};

[[nodiscard]] CodeParts make_code(Random& random);
[[nodiscard]] std::string format_code(const CodeParts& code);

/// As people type it: either case, any blanks and dashes, O for 0, I or L for 1. Nothing for what
/// cannot be a code.
[[nodiscard]] std::optional<CodeParts> parse_code(std::string_view text);

[[nodiscard]] sync::Hash digest_of_secret(std::string_view secret);

}  // namespace streetlog::hub
