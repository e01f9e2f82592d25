#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sync/change/hash.hpp"

/// Social Security numbers as keyed hashes (HMAC-SHA-256), for devices that may look one up but not
/// read it. There are 10^9 numbers: who has the key can try them all, in minutes. So it keeps them
/// from whoever reads over a shoulder, out of dumps and logs, and from whoever has the rows without
/// the key; not from whoever takes an unlocked device.
namespace streetlog::sync {

/// Of nine digits or of the last four, which are never each other's.
[[nodiscard]] Hash ssn_hash(BytesView key, std::string_view digits);

/// The digits of a number as people type it, when there are nine and nothing else but blanks and
/// hyphens.
[[nodiscard]] std::optional<std::string> nine_digits(std::string_view text);
/// The last four characters, when they are digits: of a whole number or of what is left of one.
[[nodiscard]] std::optional<std::string> last_four_digits(std::string_view text);

}  // namespace streetlog::sync
