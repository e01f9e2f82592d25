#include "sync/identity/ssn_hash.hpp"

#include <algorithm>

#include <sodium/crypto_auth_hmacsha256.h>

namespace streetlog::sync {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Hash ssn_hash(BytesView key, std::string_view digits) {
    static_assert(crypto_auth_hmacsha256_BYTES == std::tuple_size_v<Hash>);
    Hash out{};
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.data(), key.size());
    const Bytes text(digits.begin(), digits.end());
    crypto_auth_hmacsha256_update(&state, text.data(), text.size());
    crypto_auth_hmacsha256_final(&state, out.data());
    return out;
}

std::optional<std::string> nine_digits(std::string_view text) {
    constexpr std::size_t kDigits = 9;
    std::string out;
    for (const char c : text) {
        if (is_digit(c))
            out += c;
        else if (c != '-' && c != ' ')
            return std::nullopt;
    }
    return out.size() == kDigits ? std::optional{out} : std::nullopt;
}

std::optional<std::string> last_four_digits(std::string_view text) {
    constexpr std::size_t kDigits = 4;
    if (text.size() < kDigits) return std::nullopt;
    const auto tail = text.substr(text.size() - kDigits);
    return std::ranges::all_of(tail, is_digit) ? std::optional{std::string{tail}} : std::nullopt;
}

}  // namespace streetlog::sync
