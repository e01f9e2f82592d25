#include "sync/change/capnp_bytes.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace streetlog::sync {
namespace {

constexpr std::size_t kScratchWords = 4096;

struct Scratch {
    std::vector<capnp::word> words = std::vector<capnp::word>(kScratchWords);
    bool taken = false;
};

Scratch& scratch() {
    thread_local Scratch s;
    return s;
}

}  // namespace

ScratchBuilder::ScratchBuilder()
    : message_(kj::arrayPtr(scratch().words.data(), scratch().words.size())) {
    STREETLOG_ASSERT(!std::exchange(scratch().taken, true));
}

ScratchBuilder::~ScratchBuilder() noexcept { scratch().taken = false; }

Bytes to_bytes(capnp::MessageBuilder& message) {
    const auto segments = message.getSegmentsForOutput();
    if (segments.size() == 1) {
        const auto bytes = segments[0].asBytes();
        return {bytes.begin(), bytes.end()};
    }
    std::size_t words = 16;
    for (const auto& s : segments) words += s.size();
    capnp::MallocMessageBuilder whole{static_cast<unsigned>(words * 2),
                                      capnp::AllocationStrategy::FIXED_SIZE};
    capnp::ReaderOptions options;
    options.traversalLimitInWords = words * 8;
    capnp::SegmentArrayMessageReader reader{segments, options};
    whole.setRoot(reader.getRoot<capnp::AnyPointer>());
    const auto one = whole.getSegmentsForOutput();
    STREETLOG_ASSERT(one.size() == 1);
    const auto bytes = one[0].asBytes();
    return {bytes.begin(), bytes.end()};
}

capnp::ReaderOptions reader_options(std::size_t bytes) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = std::max<std::uint64_t>(64, bytes / sizeof(capnp::word) * 8);
    options.nestingLimit = 16;
    return options;
}

}  // namespace streetlog::sync
