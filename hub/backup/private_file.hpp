#pragma once

#include <filesystem>
#include <string_view>

#include "schema/error.hpp"
#include "sync/change/hash.hpp"

/// Files that only their owner may read, on the disk when the call returns.
namespace streetlog::hub {

struct FileDigest {
    std::uint64_t bytes = 0;
    sync::Hash sha256{};
};

/// kNotFound when it cannot be opened, kStorage when reading fails.
[[nodiscard]] Result<FileDigest> digest_of(const std::filesystem::path& file);

/// Copies to the new file `to`, making its folders; the digest is of what was written. kStorage
/// when that fails or `to` exists.
[[nodiscard]] Result<FileDigest> copy_private(const std::filesystem::path& from,
                                              const std::filesystem::path& to);
[[nodiscard]] Result<void> write_private(const std::filesystem::path& to, std::string_view text);

/// Makes what was made, renamed and removed in a folder last.
[[nodiscard]] Result<void> flush_folder(const std::filesystem::path& folder);

}  // namespace streetlog::hub
