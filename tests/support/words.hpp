#pragma once

#include <cstring>
#include <vector>

#include "sync/change/hash.hpp"

namespace streetlog::test {

/// Bytes of a Cap'n Proto segment, written word by word as no honest encoder would.
class Words {
  public:
    Words& add(std::uint64_t word) {
        words_.push_back(word);
        return *this;
    }

    /// A struct of `data` and `pointers` words, `offset` words after the end of this pointer.
    Words& add_struct(std::int32_t offset, std::uint64_t data, std::uint64_t pointers) {
        const auto low = static_cast<std::uint32_t>(offset) << 2;
        return add(std::uint64_t{low} | data << 32 | pointers << 48);
    }

    /// A list of structs whose tag is `offset` words after the end of this pointer.
    Words& add_list(std::int32_t offset, std::uint64_t words) {
        const auto low = static_cast<std::uint32_t>(offset) << 2 | 1U;
        return add(std::uint64_t{low} | (words << 3 | 7) << 32);
    }

    /// A list of pointers that begins `offset` words after the end of this pointer.
    Words& add_pointers(std::int32_t offset, std::uint64_t count) {
        const auto low = static_cast<std::uint32_t>(offset) << 2 | 1U;
        return add(std::uint64_t{low} | (count << 3 | 6) << 32);
    }

    Words& add_tag(std::uint64_t count, std::uint64_t data, std::uint64_t pointers) {
        return add(count << 2 | data << 32 | pointers << 48);
    }

    Words& pad(std::size_t words) {
        words_.resize(words_.size() + words);
        return *this;
    }

    [[nodiscard]] std::size_t size() const { return words_.size(); }

    [[nodiscard]] sync::Bytes bytes() const {
        sync::Bytes out(words_.size() * sizeof words_[0]);
        std::memcpy(out.data(), words_.data(), out.size());
        return out;
    }

  private:
    std::vector<std::uint64_t> words_;
};

}  // namespace streetlog::test
