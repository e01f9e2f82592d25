#include "hub/feed/page_weight.hpp"

#include <algorithm>

namespace streetlog::hub {
namespace {

/// Pointers of a record in a batch, and of an op in a record.
constexpr std::size_t kRecordFrame = 16;
constexpr std::size_t kOpFrame = 8;

}  // namespace

std::size_t page_weight(const sync::EncodedView& record, std::size_t edge_bytes) {
    std::size_t shown = record.header.size();
    for (const sync::BytesView op : record.ops) shown += kOpFrame + op.size();
    return kRecordFrame + std::max(shown, edge_bytes);
}

bool shows_edges(std::span<const sync::EncodedView> records) {
    std::size_t weight = 0;
    for (const auto& record : records)
        weight += page_weight(record, sync::bytes_of(sync::edges_of(record)));
    return weight <= kRunWeightMax;
}

}  // namespace streetlog::hub
