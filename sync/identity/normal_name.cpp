#include "sync/identity/normal_name.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "sync/identity/fold_letters.hpp"

namespace streetlog::sync {
namespace {

constexpr std::size_t kLettersMin = 2;

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kSuffixes{{
    {"jr", "jr"},
    {"jnr", "jr"},
    {"junior", "jr"},
    {"sr", "sr"},
    {"snr", "sr"},
    {"senior", "sr"},
    {"ii", "ii"},
    {"2nd", "ii"},
    {"iii", "iii"},
    {"3rd", "iii"},
    {"iv", "iv"},
}};

/// What is typed for a name that was not given, in either field.
constexpr std::array<std::string_view, 17> kNonNames{"anon",
                                                     "anonymous",
                                                     "client",
                                                     "declined",
                                                     "missing",
                                                     "nfn",
                                                     "nln",
                                                     "noname",
                                                     "none",
                                                     "notgiven",
                                                     "notknown",
                                                     "notprovided",
                                                     "redacted",
                                                     "refuse",
                                                     "refused",
                                                     "unknown",
                                                     "unnamed"};

/// A child who has no name yet, in the first name.
constexpr std::array<std::string_view, 6> kUnnamedChild{
    "baby", "babyboy", "babygirl", "infant", "newborn", "unborn"};

/// Placeholders when the last name is Doe.
constexpr std::array<std::string_view, 4> kBeforeDoe{"jane", "janie", "john", "johnny"};

std::string_view suffix_of(std::string_view word) {
    const auto* at = std::ranges::find(kSuffixes, word, &decltype(kSuffixes)::value_type::first);
    return at == kSuffixes.end() ? std::string_view{} : at->second;
}

/// The letters of all words in one.
std::string joined(std::span<const std::string> words) {
    std::string out;
    for (const std::string& word : words)
        std::ranges::copy_if(word, std::back_inserter(out), [](char c) { return c >= 'a'; });
    return out;
}

bool is_one_letter(std::string_view name) {
    return std::ranges::all_of(name, [&](char c) { return c == name.front(); });
}

bool is_name(std::string_view name) {
    return name.size() >= kLettersMin && !is_one_letter(name) &&
           std::ranges::find(kNonNames, name) == kNonNames.end();
}

bool is_placeholder(std::string_view first, std::string_view last) {
    return std::ranges::find(kUnnamedChild, first) != kUnnamedChild.end() ||
           (last == "doe" && std::ranges::find(kBeforeDoe, first) != kBeforeDoe.end());
}

}  // namespace

std::optional<NormalName> normal_name(const NameParts& parts) {
    NormalName out;
    out.first = joined(fold_words(parts.first));
    out.middle = joined(fold_words(parts.middle));
    std::vector<std::string> last = fold_words(parts.last);
    if (last.size() > 1 && !suffix_of(last.back()).empty()) {
        out.suffix = suffix_of(last.back());
        last.pop_back();
    }
    out.last = joined(last);
    for (const std::string& word : fold_words(parts.suffix))
        if (const auto suffix = suffix_of(word); !suffix.empty()) out.suffix = suffix;
    if (!is_name(out.first) || !is_name(out.last) || is_placeholder(out.first, out.last))
        return std::nullopt;
    return out;
}

}  // namespace streetlog::sync
