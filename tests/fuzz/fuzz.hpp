#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

/// Every file *_fuzz.cpp is one target: it defines LLVMFuzzerTestOneInput, checks with
/// STREETLOG_ASSERT and leaves memory errors to the sanitizers. Linked with libFuzzer in the preset
/// `fuzz`, with driver.cpp everywhere else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace streetlog::fuzz {

[[nodiscard]] inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Decisions out of the input; zeros once it is used up.
class Source {
  public:
    Source(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    [[nodiscard]] bool empty() const { return left_ == 0; }

    [[nodiscard]] std::size_t left() const { return left_; }

    std::uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }

    /// Requires: n > 0.
    unsigned below(unsigned n) { return byte() % n; }

    std::uint64_t number() {
        std::uint64_t out = 0;
        const unsigned bytes = below(9);
        for (unsigned i = 0; i < bytes; ++i) out = out << 8 | byte();
        return out;
    }

    std::int64_t integer() { return static_cast<std::int64_t>(number()); }

    sync::BytesView bytes(std::size_t most) {
        const std::size_t n = std::min(left_, most);
        const sync::BytesView out{data_, n};
        data_ += n;
        left_ -= n;
        return out;
    }

    /// At most 255 bytes, whatever they are.
    std::string_view text() {
        const auto part = bytes(byte());
        return text_of(part.data(), part.size());
    }

    sync::BytesView rest() { return bytes(left_); }

  private:
    const std::uint8_t* data_;
    std::size_t left_;
};

/// A file in memory, for readers that take a path.
class MemoryFile {
  public:
    MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile();

    /// Replaces what it holds.
    void hold(sync::BytesView content);

    [[nodiscard]] const char* path() const { return path_; }

  private:
    int fd_;
    char path_[32];
};

}  // namespace streetlog::fuzz
