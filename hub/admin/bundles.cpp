#include "hub/admin/bundles.hpp"

#include <algorithm>
#include <fstream>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/ingest/bundle_intake.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

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
    const auto opened = open_bundle(ledger, bytes);
    if (!opened && opened.error().code == ErrorCode::kUnavailable)
        return fail(ErrorCode::kNotPermitted, opened.error().message, opened.error().hint);
    if (!opened) return std::unexpected(opened.error());
    const sync::Bundle& bundle = *opened;
    const auto device = ledger.log().device(bundle.author.device);
    STREETLOG_TRY(const auto taken, take_bundle(ledger, bundle));
    const sync::BundleReply reply{
        ledger.self().device, bundle.author, newest_receipt(taken.acks), taken.acks};
    const sync::Bytes answer = sync::write_reply(reply, *ledger.key());
    STREETLOG_CHECK(net::replace_private(
        reply_file, {reinterpret_cast<const char*>(answer.data()), answer.size()}));
    return json::object{{"device", to_string(bundle.author.device)},
                        {"name", device ? device->name : std::string{}},
                        {"records", taken.records},
                        {"new", taken.fresh},
                        {"set_aside", taken.set_aside},
                        {"reply", reply_file.string()}};
}

}  // namespace streetlog::hub
