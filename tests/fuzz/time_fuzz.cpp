// Times and dates as people and files write them, and the file of a simulated clock.
#include "schema/time.hpp"
#include "sync/net/simulated_clock.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    for (const auto offset : {std::optional<int>{}, std::optional{-300}}) {
        const auto at = parse_instant(text, offset);
        if (!at) continue;
        const auto written = format_instant(*at);
        STREETLOG_ASSERT(parse_instant(written) == at || written.size() != 24);
        (void)format_duration(*at - Instant{});
        (void)date_of(*at, 14 * 60);
    }
    if (const auto date = parse_date(text)) {
        STREETLOG_ASSERT(date->ok());
        STREETLOG_ASSERT(format_date(*date) == text);
        STREETLOG_ASSERT(date_of(start_of(*date), 0) == *date);
    }
    static fuzz::MemoryFile file;
    file.hold({data, size});
    if (const auto shift = net::read_clock_shift(file.path())) {
        net::SimulatedClock clock{*shift};
        const auto reading = clock.read();
        STREETLOG_ASSERT(reading.suspended_ms <= reading.boottime_ms);
    }
    return 0;
}
