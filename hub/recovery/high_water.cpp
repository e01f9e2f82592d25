#include "hub/recovery/high_water.hpp"

#include <charconv>

#include <fmt/format.h>

#include "sync/net/private_file.hpp"

namespace streetlog::hub {
namespace {

constexpr std::string_view kForm = "streetlog-high-water-1";
constexpr std::chrono::seconds kBetween{1};

std::string to_text(const HighWater& mark) {
    return fmt::format("{} {} {} {} {} {}\n",
                       kForm,
                       to_string(mark.hub),
                       mark.head.seq.value,
                       to_hex(mark.head.hash),
                       mark.received.ms,
                       mark.incarnation);
}

/// Up to the next blank or line end; what is left stays in `text`.
std::string_view word(std::string_view& text) {
    const auto end = std::min(text.find_first_of(" \n"), text.size());
    const auto out = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return out;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::filesystem::path high_water_path(store::HubLog& log, const std::filesystem::path& directory) {
    const auto set = log.setting(kHighWaterSetting);
    return set && !set->empty() ? std::filesystem::path{*set} : directory / kHighWaterName;
}

std::optional<HighWater> read_high_water(const std::filesystem::path& file) {
    const auto text = net::read_private(file);
    if (!text) return std::nullopt;
    std::string_view rest{*text};
    if (word(rest) != kForm) return std::nullopt;
    HighWater out;
    const auto hub = parse_id<DeviceId>(word(rest));
    if (!hub || !read_number(word(rest), out.head.seq.value) ||
        !from_hex(word(rest), out.head.hash) || !read_number(word(rest), out.received.ms))
        return std::nullopt;
    // Of a version that did not write it nothing follows.
    if (!rest.empty() && !read_number(word(rest), out.incarnation)) return std::nullopt;
    out.hub = *hub;
    return out;
}

void HighWaterFile::note(const HighWater& mark) {
    if (mark == mark_) return;
    mark_ = mark;
    waiting_ = true;
    if (wait_left() == SteadyClock::duration::zero()) write();
}

HighWaterFile::SteadyClock::duration HighWaterFile::wait_left() const {
    if (!written_) return SteadyClock::duration::zero();
    const auto left = *written_ + kBetween - SteadyClock::now();
    return std::max(left, SteadyClock::duration::zero());
}

void HighWaterFile::write() {
    waiting_ = false;
    written_ = SteadyClock::now();
    const auto done = net::replace_private(file_, to_text(mark_));
    if (!done)
        log_.event(LogLevel::kError, "high_water_not_written", {{"code", done.error().code}});
}

}  // namespace streetlog::hub
