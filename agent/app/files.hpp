#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "schema/error.hpp"

namespace streetlog::agent {

/// The whole file; "-" is standard input. kNotFound when it cannot be opened, kTooLarge above
/// `bytes_max`.
[[nodiscard]] Result<std::string> read_text(const std::filesystem::path& file,
                                            std::size_t bytes_max);

/// Puts `text` in place of what `file` held, whole or not at all, readable by its owner only.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, std::string_view text);

}  // namespace streetlog::agent
