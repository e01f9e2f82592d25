#include "sync/session/batch.hpp"

#include <string>
#include <utility>

#include "sync/change/codec.hpp"
#include "sync/change/compress.hpp"

namespace streetlog::sync {
namespace {

/// The log ends a run where a receipt does; one that fits no message ends earlier all the same.
Result<void> cut(AgentLog& log, PushRun& run, std::uint32_t records_max) {
    if (run.records.size() <= records_max) return {};
    run.records.resize(records_max);
    const std::uint64_t last = run.first_seq + records_max - 1;
    STREETLOG_TRY(const auto head, log.hash_at(last));
    if (!head) return fail(ErrorCode::kInternal, "the log lost a record");
    run.head_hash = *head;
    std::erase_if(run.receipts, [&](const RunReceipt& r) { return r.last_seq > last; });
    return {};
}

}  // namespace

Result<Push> push_of(PushRun run) {
    std::vector<EncodedView> views;
    views.reserve(run.records.size());
    for (const EncodedRecord& r : run.records) views.push_back(view_of(r));
    Push push;
    push.first_seq = run.first_seq;
    push.count = static_cast<std::uint32_t>(run.records.size());
    push.prev_hash = run.prev_hash;
    push.head_hash = run.head_hash;
    push.receipts = std::move(run.receipts);
    Packed packed = pack(encode_batch(views));
    push.raw_bytes = packed.raw_bytes;
    push.encoding = packed.encoding;
    push.body = std::move(packed.body);
    std::size_t bytes = push.body.size() + 1024;
    for (const RunReceipt& r : push.receipts) bytes += 256 + r.times.size() * 24;
    if (push.raw_bytes > kBatchRawBytesMax || bytes > kMessageBytesMax)
        return fail(ErrorCode::kTooLarge, "a batch does not fit a message");
    return push;
}

/// Receipts and framing come on top of what the log counts, so the batch is halved until it fits.
Result<Push> read_batch(AgentLog& log, std::uint64_t first_seq, BatchLimits limits) {
    for (bool too_large = false;; too_large = true) {
        STREETLOG_TRY(auto run, log.read_run(first_seq, limits.records, limits.bytes));
        if (run.records.empty() || run.records.size() > kBatchRecordsMax ||
            run.first_seq != first_seq)
            return fail(ErrorCode::kInternal, "the log gave another run than was asked for");
        if (too_large) STREETLOG_CHECK(cut(log, run, limits.records));
        const auto count = static_cast<std::uint32_t>(run.records.size());
        auto push = push_of(std::move(run));
        if (push || push.error().code != ErrorCode::kTooLarge) return push;
        if (count == 1)
            return fail(ErrorCode::kTooLarge,
                        "own record " + std::to_string(first_seq) + " is too large to be sent");
        limits.records = count / 2;
    }
}

}  // namespace streetlog::sync
