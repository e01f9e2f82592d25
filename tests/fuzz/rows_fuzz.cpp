// A page of states or of the client index: what decodes is taken and written as it was, but for the
// numbers of replicas.
#include "sync/session/index_rows.hpp"
#include "sync/session/state_rows.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

bool same(const sync::StateRow& a, const sync::StateRow& b) {
    return a.entity == b.entity && a.left == b.left && a.last_seen_day == b.last_seen_day &&
           a.state == b.state;
}

void read_states(sync::BytesView data) {
    const auto rows = sync::decode_state_rows(data);
    if (!rows) return;
    sync::StateRows out;
    for (const auto& row : *rows) out.add(row);
    const auto again = sync::decode_state_rows(std::move(out).take());
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(std::ranges::equal(*rows, *again, same));
}

void read_index(sync::BytesView data) {
    const auto rows = sync::decode_index_rows(data);
    if (!rows) return;
    sync::IndexRows out;
    for (const auto& row : *rows) out.add(row);
    const auto again = sync::decode_index_rows(std::move(out).take());
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(*rows == *again);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    read_states({data, size});
    read_index({data, size});
    return 0;
}
