#include "sync/store/log_records.hpp"

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
