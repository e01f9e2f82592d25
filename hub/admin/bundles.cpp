#include "hub/admin/bundles.hpp"

#include <algorithm>
#include <fstream>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/ingest/bundle_intake.hpp"
#include "hub/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::int64_t kActive = 1;

Result<fs::path> path_argument(const json::object& arguments, std::string_view name) {
    const auto* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
        return fail(ErrorCode::kUsage, fmt::format("'{}' is missing", name));
    return fs::path{std::string{value->get_string()}};
}

Result<sync::Bytes> read_bytes(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    if (!in)
        return fail(ErrorCode::kNotFound,
                    fmt::format("cannot open {}", file.string()),
                    "Check the name, and that the hub may read it.");
    sync::Bytes out;
    std::array<char, 64 * 1024> part{};
    while (in.read(part.data(), part.size()) || in.gcount() > 0) {
        out.insert(out.end(), part.data(), part.data() + in.gcount());
        if (out.size() > sync::kBundleBytesMax)
            return fail(ErrorCode::kTooLarge,
                        fmt::format("{} is too large for a bundle", file.string()));
    }
    if (in.bad()) return fail(ErrorCode::kStorage, fmt::format("cannot read {}", file.string()));
    return out;
}

Instant newest_receipt(const std::vector<sync::PushAck>& acks) {
    Instant newest;
    for (const auto& ack : acks)
        for (const auto& receipt : ack.receipts) newest = std::max(newest, receipt.received);
    return newest;
}

}  // namespace

Result<json::object> import_bundle(Ledger& ledger, const json::object& arguments) {
    STREETLOG_TRY(const auto file, path_argument(arguments, "file"));
    STREETLOG_TRY(const auto reply_file, path_argument(arguments, "reply"));
    STREETLOG_TRY(const auto bytes, read_bytes(file));
    const fs::path directory = ledger.log().db().file().parent_path();
    STREETLOG_TRY(const auto key, net::load_key(hub_key_file(directory)));
    const auto devices = ledger.log().devices();
    std::string name;
    bool refused = false;
    const auto key_of = [&](const DeviceId& id) -> std::optional<sync::PublicKey> {
        const auto at = std::ranges::find(devices, id, &store::DeviceRow::id);
        if (at == devices.end()) return std::nullopt;
        name = at->name;
        refused = at->state != kActive;
        return at->public_key;
    };
    STREETLOG_TRY(const auto bundle, sync::read_bundle(bytes, ledger.self().device, key, key_of));
    if (refused)
        return fail(ErrorCode::kNotPermitted,
                    fmt::format("the device '{}' is suspended or revoked", name),
                    "Its records stay in the bundle; nothing was taken in.");
    STREETLOG_TRY(const auto taken, take_bundle(ledger, bundle));
    const sync::BundleReply reply{
        ledger.self().device, bundle.author, newest_receipt(taken.acks), taken.acks};
    const sync::Bytes answer = sync::write_reply(reply, key);
    STREETLOG_CHECK(net::replace_private(
        reply_file, {reinterpret_cast<const char*>(answer.data()), answer.size()}));
    return json::object{{"device", to_string(bundle.author.device)},
                        {"name", name},
                        {"records", taken.records},
                        {"new", taken.fresh},
                        {"set_aside", taken.set_aside},
                        {"reply", reply_file.string()}};
}

}  // namespace streetlog::hub
