// zstd unpacking: first byte the encoding, next three how large the sender says it is.
#include "sync/change/compress.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Source source{data, size};
    const auto encoding = static_cast<sync::Encoding>(source.below(4));
    std::uint32_t raw_bytes = 0;
    for (int i = 0; i < 3; ++i) raw_bytes = raw_bytes << 8 | source.byte();
    const auto body = source.rest();
    const auto raw = sync::unpack(encoding, raw_bytes, body);
    if (!raw) return 0;
    STREETLOG_ASSERT(raw->size() == raw_bytes);
    STREETLOG_ASSERT(raw->size() <= sync::kBodyBytesMax);
    const auto packed = sync::pack(*raw);
    const auto again = sync::unpack(packed.encoding, packed.raw_bytes, packed.body);
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(*again == *raw);
    return 0;
}
