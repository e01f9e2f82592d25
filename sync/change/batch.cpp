#include "schema/wire/record.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/codec.hpp"

namespace streetlog::sync {
namespace {

/// A record of a batch is two pointers, an op of a record one.
constexpr std::size_t kWordsOfRecord = 2;

}  // namespace

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
        // Elements of no size, and lists that several records point at, let a few bytes claim more
        // than they can hold. Memory is set aside only for what has a place of its own in them.
        std::size_t words_left = body.size() / sizeof(capnp::word);
        const auto claim = [&](std::size_t words) {
            const bool fits = words <= words_left;
            words_left -= fits ? words : 0;
            return fits;
        };
        if (!claim(kWordsOfRecord * records.size()))
            return fail(ErrorCode::kMalformed, "a batch claims more records than it can hold");
        std::vector<EncodedView> out;
        out.reserve(records.size());
        for (const auto r : records) {
            EncodedView view;
            const auto header = r.getHeader();
            view.header = {header.begin(), header.size()};
            const auto ops = r.getOps();
            if (!claim(ops.size()))
                return fail(ErrorCode::kMalformed, "a batch claims more ops than it can hold");
            view.ops.reserve(ops.size());
            for (const auto op : ops) view.ops.emplace_back(op.begin(), op.size());
            out.push_back(std::move(view));
        }
        return out;
    });
}

}  // namespace streetlog::sync
