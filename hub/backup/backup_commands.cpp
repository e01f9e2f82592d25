#include "hub/backup/backup_commands.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/admin/hub_clock.hpp"
#include "hub/backup/restore.hpp"
#include "hub/commands.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;

void say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

std::uint64_t bytes_of(const Manifest& manifest) {
    std::uint64_t out = 0;
    for (const auto& file : manifest.files) out += file.bytes;
    return out;
}

json::object summary(const Manifest& manifest) {
    return {{"hub", to_string(manifest.hub)},
            {"made", format_instant(manifest.made)},
            {"records", manifest.head.seq.value},
            {"head", to_hex(manifest.head.hash)},
            {"devices", manifest.devices},
            {"files", manifest.files.size()},
            {"bytes", bytes_of(manifest)}};
}

}  // namespace

Result<json::object> backup_command(const std::filesystem::path& data,
                                    const std::filesystem::path& out) {
    STREETLOG_TRY(const auto clock, open_clock(data));
    STREETLOG_TRY(const auto manifest, back_up(data, out, clock->now(), say));
    const auto noted = perform(data, "backup note", note_arguments({manifest.made, manifest.head}));
    auto answer = summary(manifest);
    answer["backup"] = out.string();
    answer["verified"] = true;
    answer["noted"] = noted ? "in the hub" : "not in the hub: " + noted.error().message;
    answer["without"] = "projection.db: the hub makes it again from the log";
    return answer;
}

Result<json::object> restore_command(const std::filesystem::path& from,
                                     const std::filesystem::path& data) {
    STREETLOG_TRY(const auto manifest, restore(from, data, say));
    STREETLOG_TRY(const auto clock, open_clock(data));
    auto answer = summary(manifest);
    answer["restored"] = data.string();
    const Millis age = clock->now() - manifest.made;
    answer["age"] = format_duration(age);
    answer["may_be_missing"] = fmt::format(
        "what reached the hub in the {} since then. Devices keep what they recorded "
        "and send it again; what was done at the hub since then (users, devices, "
        "rules, decisions) comes back only as far as devices had fetched it",
        format_duration(age));
    return answer;
}

}  // namespace streetlog::hub
