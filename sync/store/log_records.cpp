#include "sync/store/log_records.hpp"

#include <algorithm>

#include "sync/store/run_times.hpp"

namespace streetlog::store {
namespace {

/// Requires: the views of `run` are there.
Hash chain_in(HubLog& log, const LogRun& run, const RunRecords& records, std::uint64_t seq) {
    Hash chain{};
    if (run.first_seq > 1) {
        const auto before = log.run_of(run.replica, run.first_seq - 1);
        if (!before) throw StorageFailure("the log has a hole", 11);
        chain = before->head;
    }
    for (std::uint64_t at = run.first_seq; at <= seq; ++at)
        chain = sync::chain_hash(chain, sync::hash_of(records.views[at - run.first_seq]));
    return chain;
}

}  // namespace

RunRecords records_of(const LogRun& run) {
    RunRecords out;
    auto raw = sync::unpack(run.encoding, run.raw_bytes, run.body);
    if (!raw) return out;
    out.raw = *std::move(raw);
    auto views = sync::decode_batch(out.raw);
    if (views && views->size() == run.count) out.views = *std::move(views);
    return out;
}

std::optional<LoggedRecord> find_record(HubLog& log, const sync::RecordKey& key) {
    const auto run = log.run_of(key.replica, key.seq);
    if (!run) return std::nullopt;
    LoggedRecord out;
    out.run = records_of(*run);
    if (out.run.views.empty()) return std::nullopt;
    out.index = key.seq - run->first_seq;
    out.at = {run->first_hub.value + out.index};
    out.receipt = run->receipt.of(out.index);
    out.head = chain_in(log, *run, out.run, key.seq);
    return out;
}

std::optional<LoggedRecord> find_set_aside(HubLog& log, const sync::RecordKey& key) {
    auto found = find_record(log, key);
    if (!found || log.exceptions(found->at, found->at).empty()) return std::nullopt;
    return found;
}

namespace {

/// Records `from` to before `to` of the run, with other receipts. What was known of the time of an
/// interaction is cut at the time at which its record was here.
std::optional<LogRun> part_again(
    const LogRun& run, std::size_t from, std::size_t to, ReceiptSpan receipt, const Hash& head) {
    auto times = decode_times(run.times, run.receipt.first.received);
    auto records = records_of(run);
    if (records.views.empty() || !times || times->size() != run.count) return std::nullopt;
    const auto first = static_cast<std::ptrdiff_t>(from), last = static_cast<std::ptrdiff_t>(to);
    std::vector<RecordTimes> kept{times->begin() + first, times->begin() + last};
    const Instant received = receipt.first.received;
    for (RecordTimes& one : kept) {
        auto& when = one.interaction.occurred;
        when.hi = std::min(when.hi, received);
        when.lo = std::min(when.lo, when.hi);
        one.save_flags |= sync::TimeFlags::kFromWall;
    }
    LogRun out;
    out.first_hub = {run.first_hub.value + from};
    out.count = static_cast<std::uint32_t>(to - from);
    out.replica = run.replica;
    out.first_seq = run.first_seq + from;
    out.receipt = std::move(receipt);
    out.head = head;
    out.hub_hash = run.hub_hash;
    out.times = encode_times(kept, received);
    auto packed = sync::pack(sync::encode_batch(std::span{records.views}.subspan(from, to - from)));
    out.encoding = packed.encoding;
    out.raw_bytes = packed.raw_bytes;
    out.body = std::move(packed.body);
    return out;
}

}  // namespace

std::vector<LogRun> runs_again(HubLog& log, const EarlierRow& earlier) {
    std::vector<LogRun> out;
    for (std::uint64_t seq = earlier.first_seq; seq <= earlier.last_seq();) {
        const auto run = log.run_of(earlier.replica, seq);
        if (!run) break;
        const std::uint64_t last = std::min(run->last_seq(), earlier.last_seq());
        const auto head = chain_at(log, earlier.replica, last);
        const std::size_t i = seq - earlier.first_seq;
        const auto& all = earlier.receipt;
        ReceiptSpan receipt{{all.first.received, {all.first.seq.value + i}}, {}};
        receipt.times.assign(all.times.begin() + static_cast<std::ptrdiff_t>(i),
                             all.times.begin() + static_cast<std::ptrdiff_t>(i + (last - seq) + 1));
        if (head) {
            auto part = part_again(
                *run, seq - run->first_seq, last + 1 - run->first_seq, std::move(receipt), *head);
            if (part) out.push_back(*std::move(part));
        }
        seq = last + 1;
    }
    return out;
}

bool released_before(HubLog& log, const sync::RecordKey& key, HubSeq at) {
    const auto row = log.verdict_on(key);
    return row && row->verdict.act == sync::VerdictAct::kRelease && row->at < at;
}

std::optional<Hash> chain_at(HubLog& log, const Replica& replica, std::uint64_t seq) {
    const auto run = log.run_of(replica, seq);
    if (!run) return Hash{};
    if (run->last_seq() == seq) return run->head;
    const auto records = records_of(*run);
    if (records.views.empty() || chain_in(log, *run, records, run->last_seq()) != run->head)
        return std::nullopt;
    return chain_in(log, *run, records, seq);
}

}  // namespace streetlog::store
