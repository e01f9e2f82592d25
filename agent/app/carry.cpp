#include "agent/app/carry.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/app/files.hpp"
#include "sync/session/bundle.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;

std::string short_name(const store::CarriedRow& row) {
    return to_hex(row.digest).substr(0, kCarriedNameDigits);
}

json::object shown_row(const store::CarriedRow& row) {
    return {{"bundle", short_name(row)},
            {"file", row.name},
            {"bytes", row.bytes},
            {"since", format_instant(row.since)},
            {"refused", row.refused},
            {"hub_said", row.word}};
}

}  // namespace

Result<json::object> carry_bundle(Device& device, const std::filesystem::path& file) {
    STREETLOG_TRY(const auto text, read_text(file, sync::kBundleBytesMax));
    const store::BytesView bytes{reinterpret_cast<const Byte*>(text.data()), text.size()};
    STREETLOG_TRY(const auto row,
                  device.store().carry(file.filename().string(), bytes, device.clock().now()));
    return shown_row(row);
}

Result<json::object> list_carried(Device& device) {
    STREETLOG_TRY(const auto rows, device.read().carried());
    json::array list;
    for (const auto& row : rows) list.push_back(shown_row(row));
    return json::object{{"carried", std::move(list)}};
}

Result<json::object> drop_carried(Device& device, std::string_view bundle) {
    STREETLOG_TRY(const auto rows, device.read().carried());
    std::vector<store::CarriedRow> named;
    std::ranges::copy_if(rows, std::back_inserter(named), [&](const auto& row) {
        return !bundle.empty() && to_hex(row.digest).starts_with(bundle);
    });
    if (named.size() != 1)
        return fail(
            named.empty() ? ErrorCode::kNotFound : ErrorCode::kConflict,
            named.empty() ? "no such bundle is carried here" : "several bundles begin like that",
            "streetlog-agent carried lists them.");
    STREETLOG_CHECK(device.store().drop_carried(named.front().digest));
    return json::object{{"dropped", short_name(named.front())}, {"file", named.front().name}};
}

}  // namespace streetlog::agent
