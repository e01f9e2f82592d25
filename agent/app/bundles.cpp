#include "agent/app/bundles.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "agent/app/files.hpp"
#include "agent/app/status.hpp"
#include "agent/trust/trust_files.hpp"
#include "sync/net/private_file.hpp"
#include "sync/session/batch.hpp"
#include "sync/session/bundle.hpp"
#include "sync/session/evidence.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;

/// Leaves room for framing and seal.
constexpr std::size_t kContentBytesMax = sync::kBundleBytesMax / 2;
constexpr std::size_t kStampStep = 2'000;

Result<sync::PublicKey> hub_key(const Device& device) {
    const sync::PublicKey& key = device.settings().hub_key;
    if (key != sync::PublicKey{}) return key;
    return fail(ErrorCode::kUnsupported,
                "this device does not know the key of its hub",
                "It comes with the enrolment file, or with the first sync.");
}

/// The hub's word, about the very records that are here.
Result<void> fits(Device& device, const sync::PublicKey& hub, const sync::PushAck& ack) {
    auto& log = device.store().log();
    STREETLOG_TRY(const auto head, log.head());
    const Error other{ErrorCode::kConflict,
                      "the hub has records of this device that are not here",
                      "This may be an old copy of the device. Let it sync over the network."};
    if (ack.acked_seq > head.last_seq) return std::unexpected(other);
    for (const auto& receipt : ack.receipts) {
        STREETLOG_TRY(const auto own, log.hash_at(receipt.last_seq));
        if (own != receipt.last_hash) return std::unexpected(other);
        if (!sync::verify_receipt(hub, receipt))
            return fail(ErrorCode::kNotPermitted, "it holds a receipt that the hub did not sign");
    }
    return {};
}

}  // namespace

Result<json::object> export_bundle(Device& device, const std::filesystem::path& file) {
    STREETLOG_TRY(const auto to, hub_key(device));
    STREETLOG_TRY(const auto key, net::load_key(device_key_file(device.directory())));
    auto& log = device.store().log();
    STREETLOG_TRY(const auto head, log.head());
    const std::uint64_t first = device.store().oldest_unsent();
    if (first == 0)
        return fail(ErrorCode::kNotFound,
                    "there is nothing to send: the hub has everything that was saved here");
    sync::Bundle bundle{device.settings().hub, head.replica, device.clock().now(), {}};
    std::size_t bytes = 0;
    std::uint64_t next = first;
    while (next <= head.last_seq && bytes < kContentBytesMax) {
        STREETLOG_TRY(auto push, sync::read_batch(log, next, {}));
        push.receipts.clear();  // what is not sent has none that the hub gave
        push.signature = sync::sign_batch(key, head.replica, next + push.count - 1, push.head_hash);
        bytes += push.body.size();
        next += push.count;
        bundle.pushes.push_back(std::move(push));
    }
    STREETLOG_TRY(const auto sealed, sync::write_bundle(bundle, key, to));
    STREETLOG_CHECK(
        net::write_private(file, {reinterpret_cast<const char*>(sealed.data()), sealed.size()}));
    return json::object{{"bundle", file.string()},
                        {"records", next - first},
                        {"first_record", first},
                        {"last_record", next - 1},
                        {"not_in_it", head.last_seq - (next - 1)},
                        {"bytes", sealed.size()},
                        {"unsent", head.last_seq - head.acked_seq}};
}

Result<json::object> import_reply(Device& device, const std::filesystem::path& file) {
    STREETLOG_TRY(const auto from, hub_key(device));
    STREETLOG_TRY(const auto text, read_text(file, sync::kBundleBytesMax));
    const sync::Bytes bytes{text.begin(), text.end()};
    const auto& settings = device.settings();
    STREETLOG_TRY(const auto reply, sync::read_reply(bytes, settings.hub, from, settings.self));
    STREETLOG_TRY(const auto before, device.read().status());
    for (const auto& ack : reply.acks) {
        STREETLOG_CHECK(fits(device, from, ack));
        STREETLOG_CHECK(device.store().store_ack(ack));
    }
    while (!device.store().fully_stamped())
        STREETLOG_CHECK(device.store().stamp_receipts(kStampStep));
    STREETLOG_TRY(const auto after, device.read().status());
    return json::object{{"received_by_hub", before.unsent - after.unsent},
                        {"unsent", after.unsent},
                        {"refused_by_hub", after.quarantined},
                        {"held_by_hub", after.held_by_hub},
                        {"last_receipt", shown(after.last_receipt)}};
}

}  // namespace streetlog::agent
