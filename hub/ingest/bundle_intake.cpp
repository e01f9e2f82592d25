#include "hub/ingest/bundle_intake.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/feed/page_reader.hpp"
#include "sync/session/evidence.hpp"

namespace streetlog::hub {
namespace {

constexpr std::int64_t kActive = 1;

/// Within what HubSession takes from a connection.
bool within_limits(const sync::Push& push) {
    return push.first_seq > 0 && push.count > 0 && push.count <= sync::kBatchRecordsMax &&
           push.raw_bytes <= sync::kBatchRawBytesMax &&
           push.body.size() <= sync::kBatchRawBytesMax &&
           push.first_seq <= static_cast<std::uint64_t>(INT64_MAX) - push.count;
}

/// Custody of bytes nobody can read: their numbers stand outside them.
PreparedRun unreadable(PreparedRun run, const sync::Push& push) {
    run.raw = std::make_shared<const sync::Bytes>();
    run.views.assign(push.count, {});
    run.records.clear();
    for (std::uint32_t i = 0; i < push.count; ++i)
        run.records.push_back({fail(ErrorCode::kMalformed, "the batch could not be read"),
                               push.head_hash,
                               std::nullopt});
    return run;
}

PreparedRun prepared(const sync::Push& push,
                     const sync::Replica& author,
                     const std::optional<store::DeviceRow>& device) {
    PreparedRun run;
    run.replica = author;
    run.first_seq = push.first_seq;
    run.prev = push.prev_hash;
    run.encoding = push.encoding;
    run.raw_bytes = push.raw_bytes;
    run.body = push.body;
    // The file as a whole was signed; this goes on with the records wherever they are shown.
    const std::uint64_t last = push.first_seq + push.count - 1;
    if (device &&
        sync::verify_batch(device->public_key, author, last, push.head_hash, push.signature))
        run.signature = push.signature;
    auto raw = sync::unpack(push.encoding, push.raw_bytes, push.body);
    if (!raw) return unreadable(std::move(run), push);
    run.raw = std::make_shared<const sync::Bytes>(*std::move(raw));
    const auto read = prepare(run, push.head_hash);
    if (!read || run.records.size() != push.count) return unreadable(std::move(run), push);
    return run;
}

sync::PushAck ack_of(const Ledger& ledger,
                     const sync::Replica& author,
                     const IngestResult& result) {
    sync::PushAck ack;
    ack.acked_seq = result.acked_seq;
    for (const auto& r : result.receipts)
        ack.receipts.push_back(wire_receipt(author, r.first_seq, r.last_hash, r.receipt));
    if (const auto& key = ledger.key()) {
        for (auto& receipt : ack.receipts) sync::sign_receipt(*key, receipt);
        const sync::Position head{result.head.seq, result.head.hash, {}};
        ack.signed_head = sync::sign_head(*key, {ledger.epoch(), head});
    }
    for (const auto& e : result.exceptions) ack.exceptions.push_back({e.seq, e.status, e.code});
    return ack;
}

}  // namespace

Result<sync::Bundle> open_bundle(Ledger& ledger, sync::BytesView file) {
    if (!ledger.key()) return fail(ErrorCode::kUnsupported, "this hub has no key");
    const auto devices = ledger.log().devices();
    auto named = devices.end();
    const auto key_of = [&](const DeviceId& id) -> std::optional<sync::PublicKey> {
        named = std::ranges::find(devices, id, &store::DeviceRow::id);
        return named == devices.end() ? std::nullopt : std::optional{named->public_key};
    };
    STREETLOG_TRY(auto bundle,
                  sync::read_bundle(file, ledger.self().device, *ledger.key(), key_of));
    if (named->state != kActive)
        return fail(ErrorCode::kUnavailable,
                    fmt::format("the device '{}' is suspended or revoked", named->name),
                    "Its records stay in the bundle; nothing was taken in.");
    return bundle;
}

Result<void> take_batch(Ledger& ledger,
                        const sync::Bundle& bundle,
                        std::size_t index,
                        BundleIntake& out) {
    const sync::Push& push = bundle.pushes[index];
    if (!within_limits(push))
        return fail(ErrorCode::kMalformed, "the bundle holds a batch over the limits");
    const auto known = ledger.replica(bundle.author);
    const std::uint64_t before = known ? known->acked_seq : 0;
    std::vector<PreparedRun> group;
    group.push_back(prepared(push, bundle.author, ledger.log().device(bundle.author.device)));
    STREETLOG_TRY(const auto results, ledger.ingest(group));
    const IngestResult& result = results.front();
    if (result.outcome == IngestResult::Outcome::kGap)
        return fail(
            ErrorCode::kNotFound,
            fmt::format(
                "records {} to {} of this device are not here yet", before + 1, push.first_seq - 1),
            "Import the bundle that was made before this one, or let the device sync.");
    if (result.outcome == IngestResult::Outcome::kForked)
        return fail(ErrorCode::kConflict,
                    "the hub has other records under the numbers of this bundle",
                    "There may be a copy of this device. Let it sync over the network, which "
                    "gives it a number of its own.");
    out.records += push.count;
    out.fresh += result.acked_seq - before;
    out.set_aside += result.exceptions.size();
    out.acks.push_back(ack_of(ledger, bundle.author, result));
    return {};
}

Result<BundleIntake> take_bundle(Ledger& ledger, const sync::Bundle& bundle) {
    BundleIntake out;
    for (std::size_t i = 0; i < bundle.pushes.size(); ++i)
        STREETLOG_CHECK(take_batch(ledger, bundle, i, out));
    return out;
}

}  // namespace streetlog::hub
