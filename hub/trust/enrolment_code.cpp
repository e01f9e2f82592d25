#include "hub/trust/enrolment_code.hpp"

#include <array>
#include <cctype>

namespace streetlog::hub {
namespace {

/// Crockford's: without what is taken for something else, or reads badly.
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kSelectorLength = 8;
constexpr std::size_t kSecretLength = 16;
constexpr std::size_t kGroup = 4;

std::string letters(Random& random, std::size_t count) {
    std::string out;
    while (out.size() < count) {
        std::array<Byte, 1> byte{};
        random.fill(byte);
        out +=
            kAlphabet[byte[0] % kAlphabet.size()];  // 256 is a multiple of 32: no letter favoured
    }
    return out;
}

char canonical(char c) {
    const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (upper == 'O') return '0';
    return upper == 'I' || upper == 'L' ? '1' : upper;
}

}  // namespace

CodeParts make_code(Random& random) {
    CodeParts out;
    out.selector = letters(random, kSelectorLength);
    out.secret = letters(random, kSecretLength);
    return out;
}

std::string format_code(const CodeParts& code) {
    const std::string whole = code.selector + code.secret;
    std::string out;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (i > 0 && i % kGroup == 0) out += '-';
        out += whole[i];
    }
    return out;
}

std::optional<CodeParts> parse_code(std::string_view text) {
    constexpr std::size_t kTextMax = 100;
    if (text.size() > kTextMax) return std::nullopt;
    std::string whole;
    for (const char c : text) {
        if (c == '-' || c == ' ' || c == '\t') continue;
        const char letter = canonical(c);
        if (kAlphabet.find(letter) == std::string_view::npos) return std::nullopt;
        whole += letter;
    }
    if (whole.size() != kSelectorLength + kSecretLength) return std::nullopt;
    return CodeParts{whole.substr(0, kSelectorLength), whole.substr(kSelectorLength)};
}

sync::Hash digest_of_secret(std::string_view secret) {
    const std::string text = "streetlog-code/1" + std::string{secret};
    return sync::sha256({reinterpret_cast<const Byte*>(text.data()), text.size()});
}

}  // namespace streetlog::hub
