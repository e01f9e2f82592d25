#include "sync/identity/ssn.hpp"

#include <algorithm>
#include <array>

namespace streetlog::sync {
namespace {

constexpr std::size_t kDigits = 9;

using Digits = std::array<std::uint32_t, kDigits>;

/// In advertisements, wallets and pamphlets; ascending. Those of area 987 are never valid anyway.
constexpr std::array<std::uint32_t, 23> kPrinted{
    2'281'852,   22'281'852,  42'103'580,  62'360'749,  78'051'120,  95'073'645,
    128'036'045, 135'016'629, 141'186'941, 165'167'999, 165'187'999, 165'207'999,
    165'227'999, 165'247'999, 189'092'294, 212'097'694, 212'099'999, 219'099'999,
    306'302'348, 308'125'070, 457'555'462, 468'288'779, 549'241'889};
static_assert(std::ranges::is_sorted(kPrinted));

std::optional<Digits> digits_of(std::string_view text) {
    Digits out{};
    std::size_t count = 0;
    for (const char c : text) {
        if (c == '-' || c == ' ') continue;
        if (c < '0' || c > '9' || count == kDigits) return std::nullopt;
        out[count++] = static_cast<std::uint32_t>(c - '0');
    }
    if (count != kDigits) return std::nullopt;
    return out;
}

/// Each digit is the one before it plus `step`, after 9 comes 0.
bool runs_by(const Digits& d, std::uint32_t step) {
    for (std::size_t i = 1; i < d.size(); ++i)
        if (d[i] != (d[i - 1] + step) % 10) return false;
    return true;
}

/// The digits repeat themselves after `period`.
bool repeats(const Digits& d, std::size_t period) {
    for (std::size_t i = period; i < d.size(); ++i)
        if (d[i] != d[i - period]) return false;
    return true;
}

}  // namespace

std::optional<std::uint32_t> valid_ssn(std::string_view text) {
    const auto d = digits_of(text);
    if (!d) return std::nullopt;
    std::uint32_t number = 0;
    for (const std::uint32_t digit : *d) number = number * 10 + digit;
    const std::uint32_t area = number / 1'000'000;
    if (area == 0 || area == 666 || area >= 900) return std::nullopt;
    if (number / 10'000 % 100 == 0 || number % 10'000 == 0) return std::nullopt;
    if (runs_by(*d, 1) || runs_by(*d, 9)) return std::nullopt;
    if (repeats(*d, 1) || repeats(*d, 2) || repeats(*d, 3)) return std::nullopt;
    if (std::ranges::binary_search(kPrinted, number)) return std::nullopt;
    return number;
}

}  // namespace streetlog::sync
