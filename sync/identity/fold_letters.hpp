#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streetlog::sync {

/// The words of UTF-8 `text`, each of nothing but a to z and 0 to 9: capitals made small, accents
/// and ligatures taken apart (Unicode's canonical decomposition of the Latin letters, and what has
/// none: ß "ss", ø "o", ł "l", æ "ae", ...). A blank, a hyphen or any other sign ends a word, but
/// an apostrophe or a full stop does not. Letters of other scripts, and bytes that are no UTF-8,
/// are skipped.
[[nodiscard]] std::vector<std::string> fold_words(std::string_view text);

}  // namespace streetlog::sync
