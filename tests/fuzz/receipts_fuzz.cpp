// What is stored beside a run: receipts, brackets of time, the clock of a replica.
#include "sync/change/receipts.hpp"
#include "sync/store/run_times.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Source source{data, size};
    const auto which = source.below(3);
    const Instant base{source.integer()};
    const auto body = source.rest();
    if (which == 0) {
        const auto receipt = sync::decode_receipt(body);
        if (!receipt) return 0;
        const auto again = sync::decode_receipt(sync::encode_receipt(*receipt));
        STREETLOG_ASSERT(again.has_value());
        STREETLOG_ASSERT(*again == *receipt);
    } else if (which == 1) {
        const auto times = store::decode_times(body, base);
        if (!times) return 0;
        const auto again = store::decode_times(store::encode_times(*times, base), base);
        STREETLOG_ASSERT(again.has_value());
        STREETLOG_ASSERT(*again == *times);
    } else {
        const auto clock = store::decode_clock(body);
        if (!clock) return 0;
        const auto again = store::decode_clock(store::encode_clock(*clock));
        STREETLOG_ASSERT(again.has_value());
        STREETLOG_ASSERT(*again == *clock);
    }
    return 0;
}
