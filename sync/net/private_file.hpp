#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "schema/error.hpp"
#include "sync/change/sign.hpp"

/// Keys and certificates: small files that only their owner may read, on the disk when a call that
/// writes one returns.
namespace streetlog::net {

/// Most bytes of a key or of a chain of certificates.
inline constexpr std::size_t kPrivateFileBytesMax = 64 * 1024;

/// kNotFound when there is no such file, kTooLarge over kPrivateFileBytesMax.
[[nodiscard]] Result<std::string> read_private(const std::filesystem::path& file);

/// kConflict when the file exists, which then stays as it is.
[[nodiscard]] Result<void> write_private(const std::filesystem::path& file, std::string_view text);

/// In place of what the file held, whole or not at all.
[[nodiscard]] Result<void> replace_private(const std::filesystem::path& file,
                                           std::string_view text);

/// An Ed25519 key in PEM. kMalformed when the file holds anything else.
[[nodiscard]] Result<sync::SigningKey> load_key(const std::filesystem::path& file);

/// The key in `file`, made now if there is none: one that is there was left by an attempt that did
/// not come to its end.
[[nodiscard]] Result<sync::SigningKey> load_or_make_key(const std::filesystem::path& file,
                                                        Random& random);

}  // namespace streetlog::net
