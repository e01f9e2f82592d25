// Names, SSNs and the first tier: any bytes go in; comparing is symmetric, and whoever is found
// equal shares a key.
#include <algorithm>

#include "sync/identity/first_tier.hpp"
#include "sync/identity/ssn.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

sync::ClientFacts facts_from(fuzz::Source& source) {
    sync::ClientFacts out;
    const sync::NameParts parts{.first = source.text(),
                                .middle = source.text(),
                                .last = source.text(),
                                .suffix = source.text()};
    out.name = sync::normal_name(parts);
    STREETLOG_ASSERT(out.name == sync::normal_name(parts));
    if (out.name) {
        STREETLOG_ASSERT(out.name->first.size() >= 2 && out.name->last.size() >= 2);
        for (const auto* part : {&out.name->first, &out.name->middle, &out.name->last})
            STREETLOG_ASSERT(
                std::ranges::all_of(*part, [](char c) { return 'a' <= c && c <= 'z'; }));
    }
    out.ssn = sync::valid_ssn(source.text());
    if (out.ssn) STREETLOG_ASSERT(*out.ssn <= 999'999'999);
    if (source.below(2) == 1) {
        const Date day{std::chrono::year{1900 + static_cast<int>(source.below(120))},
                       std::chrono::month{1 + source.below(12)},
                       std::chrono::day{1 + source.below(28)}};
        out.birth = day;
    }
    return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Source source{data, size};
    const auto a = facts_from(source);
    const auto b = source.below(2) == 0 ? a : facts_from(source);
    const auto keys_a = sync::keys_of(a);
    const auto keys_b = sync::keys_of(b);
    STREETLOG_ASSERT(std::ranges::is_sorted(keys_a));
    const auto evidence = sync::compare(a, b);
    STREETLOG_ASSERT(evidence == sync::compare(b, a));
    if (evidence) {
        STREETLOG_ASSERT(std::ranges::find_first_of(keys_a, keys_b) != keys_a.end());
        STREETLOG_ASSERT(evidence->millibits() > 0);
        STREETLOG_ASSERT(!sync::to_text(*evidence).empty());
    }
    return 0;
}
