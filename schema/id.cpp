#include "schema/id.hpp"

namespace streetlog {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_hex(std::span<const Byte> bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (Byte b : bytes) {
        out += kDigits[b >> 4];
        out += kDigits[b & 15];
    }
    return out;
}

bool from_hex(std::string_view text, std::span<Byte> out) {
    if (text.size() != out.size() * 2) return false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int hi = digit(text[2 * i]);
        const int lo = digit(text[2 * i + 1]);
        if (hi < 0 || lo < 0) return false;
        out[i] = static_cast<Byte>(hi * 16 + lo);
    }
    return true;
}

}  // namespace streetlog
