#include "sync/identity/fold_letters.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace streetlog::sync {
namespace {

/// The base letter of each code point from U+00C0 to U+017F; a star: no letter; a plus: see
/// kSeveral.
constexpr std::string_view kLatin =
    "aaaaaa+ceeeeiiiidnooooo*ouuuuy++aaaaaa+ceeeeiiiidnooooo*ouuuuy+y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii++jjkkklllllll"
    "lllnnnnnnnnnoooooo++rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// U+01A0 to U+021F, where the letters of Vietnamese, Croatian and Romanian stand.
constexpr std::string_view kLatinMore =
    "oo*************uu*******************+++++++++aaiioouuuuuuuuuu*aa"
    "aa++**ggkkoooo**j+++gg**nnaa++ooaaaaeeeeiiiioooorrrruuuusstt**hh";

/// U+1E00 to U+1EFF.
constexpr std::string_view kLatinAdditional =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
    "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
    "wwwwwwwwwwxxxxyyzzzzzzhtwy*s**+*aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
    "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy******";

struct Block {
    char32_t first;
    std::string_view letters;
};

constexpr std::array kBlocks{
    Block{0xc0, kLatin}, Block{0x1a0, kLatinMore}, Block{0x1e00, kLatinAdditional}};
static_assert(kLatin.size() == 0x180 - 0xc0);
static_assert(kLatinMore.size() == 0x220 - 0x1a0);
static_assert(kLatinAdditional.size() == 0x1f00 - 0x1e00);

struct Several {
    char32_t from;
    char32_t to;
    std::string_view letters;
};

constexpr std::array kSeveral{Several{0xc6, 0xc6, "ae"},
                              Several{0xde, 0xde, "th"},
                              Several{0xdf, 0xdf, "ss"},
                              Several{0xe6, 0xe6, "ae"},
                              Several{0xfe, 0xfe, "th"},
                              Several{0x132, 0x133, "ij"},
                              Several{0x152, 0x153, "oe"},
                              Several{0x1c4, 0x1c6, "dz"},
                              Several{0x1c7, 0x1c9, "lj"},
                              Several{0x1ca, 0x1cc, "nj"},
                              Several{0x1e2, 0x1e3, "ae"},
                              Several{0x1f1, 0x1f3, "dz"},
                              Several{0x1fc, 0x1fd, "ae"},
                              Several{0x1e9e, 0x1e9e, "ss"}};

constexpr char32_t kNoCharacter = 0xffffffff;

/// The code point at the front of `text`, which it takes off; kNoCharacter, and one byte taken off,
/// when there is none. Longer forms than needed are not told apart: what matters is that equal
/// bytes fold alike.
char32_t next_character(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
    char32_t out = size == 1 ? lead : lead & (0xffU >> (size + 1));
    bool whole = size != 0 && size <= text.size();
    for (std::size_t i = 1; whole && i < size; ++i) {
        const auto more = static_cast<unsigned char>(text[i]);
        whole = (more & 0xc0) == 0x80;
        out = out << 6 | (more & 0x3fU);
    }
    text.remove_prefix(whole ? size : 1);
    return whole ? out : kNoCharacter;
}

/// Signs that stand inside a word: apostrophes of all kinds (the Hawaiian okina is one), full
/// stops, and what has no width.
bool inside_word(char32_t c) {
    return c == '\'' || c == '`' || c == '.' || c == 0xb4 || (c >= 0x2b9 && c <= 0x2bf) ||
           (c >= 0x2018 && c <= 0x201b) || c == 0xad || (c >= 0x200b && c <= 0x200f) || c == 0xfeff;
}

/// Signs that are not letters, as far as names of people go; of ASCII, all but letters and digits.
bool ends_word(char32_t c) {
    return c < 0xc0 || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x206f) || c == 0x3000;
}

/// What `c` folds to; empty for a mark or a letter that is not Latin.
std::string_view letters_of(char32_t c) {
    for (const Block& block : kBlocks) {
        if (c < block.first || c - block.first >= block.letters.size()) continue;
        const std::string_view one = block.letters.substr(c - block.first, 1);
        if (one == "*") return {};
        if (one != "+") return one;
        const auto* at = std::ranges::find_if(
            kSeveral, [c](const Several& s) { return s.from <= c && c <= s.to; });
        return at == kSeveral.end() ? std::string_view{} : at->letters;
    }
    return {};
}

}  // namespace

std::vector<std::string> fold_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    const auto end_word = [&] {
        if (!word.empty()) words.push_back(std::exchange(word, {}));
    };
    while (!text.empty()) {
        const char32_t c = next_character(text);
        if (c == kNoCharacter || inside_word(c)) continue;
        if (c >= 'A' && c <= 'Z')
            word += static_cast<char>(c - 'A' + 'a');
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            word += static_cast<char>(c);
        else if (ends_word(c))
            end_word();
        else
            word += letters_of(c);
    }
    end_word();
    return words;
}

}  // namespace streetlog::sync
