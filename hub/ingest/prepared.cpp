#include "hub/ingest/prepared.hpp"

namespace streetlog::hub {
namespace {

void read_records(PreparedRun& run) {
    sync::Hash chain = run.prev;
    run.records.reserve(run.views.size());
    for (const auto& view : run.views) {
        chain = sync::chain_hash(chain, sync::hash_of(view));
        run.records.push_back({sync::inspect(view), chain, std::nullopt});
    }
}

}  // namespace

Result<void> prepare(PreparedRun& run, const sync::Hash& head) {
    STREETLOG_TRY(run.views, sync::decode_batch(*run.raw));
    run.records.clear();
    read_records(run);
    if (run.records.empty() || run.records.back().chain != head)
        return fail(ErrorCode::kMalformed,
                    "the records of a batch do not end in the hash it claims");
    return {};
}

PreparedRun prepare_own(const sync::Replica& replica,
                        std::uint64_t first_seq,
                        const sync::Hash& prev,
                        std::span<const sync::EncodedRecord> records) {
    PreparedRun run;
    run.replica = replica;
    run.first_seq = first_seq;
    run.prev = prev;
    run.authored_here = true;
    std::vector<sync::EncodedView> views;
    views.reserve(records.size());
    for (const auto& r : records) views.push_back(sync::view_of(r));
    run.raw = std::make_shared<const sync::Bytes>(sync::encode_batch(views));
    auto packed = sync::pack(*run.raw);
    run.encoding = packed.encoding;
    run.raw_bytes = packed.raw_bytes;
    run.body = std::move(packed.body);
    auto decoded = sync::decode_batch(*run.raw);
    STREETLOG_ASSERT(decoded.has_value());
    run.views = *std::move(decoded);
    read_records(run);
    return run;
}

}  // namespace streetlog::hub
