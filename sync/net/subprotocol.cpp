#include "sync/net/subprotocol.hpp"

#include <charconv>

namespace streetlog::net {
namespace {

constexpr std::string_view kPrefix = "hmis-sync#";

std::optional<std::uint32_t> parse_version(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
    return value;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string format_subprotocol(VersionRange range) {
    return std::string(kPrefix) + std::to_string(range.min) + "-" + std::to_string(range.max);
}

std::optional<VersionRange> parse_subprotocol(std::string_view name) {
    if (!name.starts_with(kPrefix)) return std::nullopt;
    name.remove_prefix(kPrefix.size());
    const auto dash = name.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto min = parse_version(name.substr(0, dash));
    const auto max = parse_version(name.substr(dash + 1));
    if (!min || !max || *min > *max) return std::nullopt;
    return VersionRange{*min, *max};
}

std::optional<std::string_view> choose_subprotocol(std::string_view offers, VersionRange ours) {
    while (!offers.empty()) {
        const auto comma = offers.find(',');
        const std::string_view name = trimmed(offers.substr(0, comma));
        const auto theirs = parse_subprotocol(name);
        if (theirs && theirs->min <= ours.max && ours.min <= theirs->max) return name;
        offers.remove_prefix(comma == std::string_view::npos ? offers.size() : comma + 1);
    }
    return std::nullopt;
}

}  // namespace streetlog::net
