#include "hub/exchange/utf8.hpp"

#include <cstddef>

namespace streetlog::hub {
namespace {

/// Bytes of the sequence that begins with `lead`; 0 when none does.
std::size_t sequence_length(unsigned char lead) {
    if (lead == 0) return 0;
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

/// The first byte behind `lead` is where overlong forms, surrogates and too large numbers show.
bool may_follow(unsigned char lead, unsigned char second) {
    if (lead == 0xE0) return second >= 0xA0;
    if (lead == 0xED) return second <= 0x9F;
    if (lead == 0xF0) return second >= 0x90;
    if (lead == 0xF4) return second <= 0x8F;
    return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = sequence_length(lead);
        if (length == 0 || text.size() - i < length) return false;
        for (std::size_t k = 1; k < length; ++k) {
            const auto byte = static_cast<unsigned char>(text[i + k]);
            if (byte < 0x80 || byte > 0xBF || (k == 1 && !may_follow(lead, byte))) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace streetlog::hub
