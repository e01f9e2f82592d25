#include "schema/wire/record.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/codec.hpp"

namespace streetlog::sync {

Bytes encode_batch(std::span<const EncodedView> records) {
    std::size_t words = 16;
    for (const auto& r : records) {
        words += 3 + r.header.size() / 8 + 1;
        for (BytesView op : r.ops) words += 2 + op.size() / 8;
    }
    capnp::MallocMessageBuilder message{static_cast<unsigned>(words + 64)};
    auto list = message.initRoot<wire::Batch>().initRecords(static_cast<unsigned>(records.size()));
    for (unsigned i = 0; i < records.size(); ++i) {
        const EncodedView& r = records[i];
        if (!r.header.empty()) list[i].setHeader({r.header.data(), r.header.size()});
        if (r.ops.empty()) continue;
        auto ops = list[i].initOps(static_cast<unsigned>(r.ops.size()));
        for (unsigned k = 0; k < r.ops.size(); ++k) ops.set(k, {r.ops[k].data(), r.ops[k].size()});
    }
    return to_bytes(message);
}

Result<std::vector<EncodedView>> decode_batch(BytesView body) {
    if (!SegmentReader::fits(body)) return fail(ErrorCode::kMalformed, "batch is not whole words");
    return guarded("batch", [&]() -> Result<std::vector<EncodedView>> {
        SegmentReader reader{body};
        const auto records = reader.root<wire::Batch>().getRecords();
        std::vector<EncodedView> out;
        out.reserve(records.size());
        for (const auto r : records) {
            EncodedView view;
            const auto header = r.getHeader();
            view.header = {header.begin(), header.size()};
            const auto ops = r.getOps();
            view.ops.reserve(ops.size());
            for (const auto op : ops) view.ops.emplace_back(op.begin(), op.size());
            out.push_back(std::move(view));
        }
        return out;
    });
}

}  // namespace streetlog::sync
