#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::sync {

/// Messages are one segment without a segment table (schema/wire/record.capnp). Bytes of a built
/// message; a message that grew into several segments is copied into one.
[[nodiscard]] Bytes to_bytes(capnp::MessageBuilder& message);

/// A builder whose first segment is big enough for what it holds nearly always, reused by the
/// calling thread: the scratch space is zeroed again by the builder's destructor, and only as far
/// as it was used. One at a time on a thread.
class ScratchBuilder {
  public:
    ScratchBuilder();
    ScratchBuilder(const ScratchBuilder&) = delete;
    ScratchBuilder& operator=(const ScratchBuilder&) = delete;
    ~ScratchBuilder() noexcept;

    [[nodiscard]] capnp::MessageBuilder& message() { return message_; }

  private:
    capnp::MallocMessageBuilder message_;
};

/// Limits for bytes from elsewhere: traversal of eight times the message, depth 16.
[[nodiscard]] capnp::ReaderOptions reader_options(std::size_t bytes);

/// A reader over one bare segment. `data` must be 8-byte aligned and a whole number of words.
class SegmentReader {
  public:
    explicit SegmentReader(BytesView data)
        : segment_{kj::arrayPtr(reinterpret_cast<const capnp::word*>(data.data()),
                                data.size() / sizeof(capnp::word))},
          reader_{kj::arrayPtr(&segment_, 1), reader_options(data.size())} {}

    template <class T>
    [[nodiscard]] typename T::Reader root() {
        return reader_.getRoot<T>();
    }

    [[nodiscard]] static bool fits(BytesView data) {
        return !data.empty() && data.size() % sizeof(capnp::word) == 0 &&
               reinterpret_cast<std::uintptr_t>(data.data()) % sizeof(capnp::word) == 0;
    }

  private:
    kj::ArrayPtr<const capnp::word> segment_;
    capnp::SegmentArrayMessageReader reader_;
};

/// Runs `read`, which throws kj::Exception on hostile bytes, and turns that into kMalformed naming
/// `what`.
template <class Fn>
auto guarded(const char* what, Fn&& read) -> decltype(read()) {
    try {
        return read();
    } catch (const kj::Exception& e) {
        return fail(ErrorCode::kMalformed,
                    std::string{what} + " cannot be read: " + e.getDescription().cStr());
    }
}

}  // namespace streetlog::sync
