// A page of states: what decodes is taken and written as it was, but for the numbers of replicas.
#include "sync/session/state_rows.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

bool same(const sync::StateRow& a, const sync::StateRow& b) {
    return a.entity == b.entity && a.left == b.left && a.last_seen_day == b.last_seen_day &&
           a.state == b.state;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto rows = sync::decode_state_rows({data, size});
    if (!rows) return 0;
    sync::StateRows out;
    for (const auto& row : *rows) out.add(row);
    const auto again = sync::decode_state_rows(std::move(out).take());
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(std::ranges::equal(*rows, *again, same));
    return 0;
}
