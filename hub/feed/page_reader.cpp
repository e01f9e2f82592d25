#include "hub/feed/page_reader.hpp"

#include "hub/feed/page_weight.hpp"

namespace streetlog::hub {
namespace {

/// About what a run takes in a page (schema/wire/protocol.capnp).
std::size_t bytes_of(const sync::PageRun& run) {
    std::size_t bytes = 200 + run.body.size() + 24 * run.receipt.times.size();
    for (const auto& hidden : run.hidden) bytes += sync::bytes_of(hidden.writes);
    return bytes;
}

}  // namespace

sync::RunReceipt wire_receipt(const sync::Replica& replica,
                              std::uint64_t first_seq,
                              const sync::Hash& last_hash,
                              const sync::ReceiptSpan& receipt) {
    sync::RunReceipt out;
    out.replica = replica;
    out.first_seq = first_seq;
    out.last_seq = first_seq + receipt.times.size() - 1;
    out.last_hash = last_hash;
    out.received = receipt.first.received;
    out.first_hub_seq = receipt.first.seq;
    out.times.reserve(receipt.times.size());
    for (const auto& t : receipt.times) out.times.push_back({t.hlc_hub, t.saved});
    return out;
}

Result<sync::Page> PageReader::read(std::uint32_t scope,
                                    const sync::Position& cursor,
                                    std::size_t max_bytes,
                                    const sync::Replica& reader) {
    return store::guarded_job([&]() -> Result<sync::Page> {
        if (!log_.has({cursor.seq, cursor.hash}))
            return fail(ErrorCode::kNotFound, "the hub's log does not have this cursor");
        sync::Page page;
        page.scope = scope;
        page.next = cursor;
        page.caught_up = true;
        std::size_t bytes = 0;
        log_.runs_after(cursor.seq, [&](store::LogRun&& run) {
            const sync::Position end{run.last_hub(), run.hub_hash};
            sync::PageRun out = page_run(std::move(run), reader);
            const std::size_t cost = bytes_of(out);
            if (!page.runs.empty() && bytes + cost > max_bytes) {
                page.caught_up = false;
                return false;
            }
            bytes += cost;
            page.next = end;
            page.runs.push_back(std::move(out));
            return true;
        });
        return page;
    });
}

sync::PageRun PageReader::page_run(store::LogRun&& run, const sync::Replica& reader) {
    sync::PageRun out;
    out.receipt = wire_receipt(run.replica, run.first_seq, run.head, run.receipt);
    out.hub_seq = run.first_hub;
    const bool own = run.replica == reader;
    const auto exceptions = log_.exceptions(run.first_hub, run.last_hub());
    if (exceptions.empty() && !own) {
        out.encoding = run.encoding;
        out.raw_bytes = run.raw_bytes;
        out.body = std::move(run.body);
        return out;
    }
    out.encoding = sync::Encoding::kNone;
    if (exceptions.empty()) return out;
    std::vector<sync::EncodedView> views(run.count);
    const auto raw = sync::unpack(run.encoding, run.raw_bytes, run.body);
    if (raw) {
        if (auto decoded = sync::decode_batch(*raw); decoded && decoded->size() == run.count)
            views = *std::move(decoded);
    }
    const bool edges = shows_edges(views);
    for (const auto& e : exceptions) {
        const std::size_t i = e.seq.value - run.first_hub.value;
        sync::HiddenRecord hidden{run.first_seq + i, e.status, e.code, {}};
        if (edges) hidden.writes = sync::edges_of(views[i]);
        out.hidden.push_back(std::move(hidden));
        views[i] = {};
    }
    if (own) return out;
    auto packed = sync::pack(sync::encode_batch(views));
    out.encoding = packed.encoding;
    out.raw_bytes = packed.raw_bytes;
    out.body = std::move(packed.body);
    return out;
}

}  // namespace streetlog::hub
