#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/workflow/refusal.hpp"

namespace streetlog::agent {

inline constexpr std::size_t kJsonDepthMax = 16;
inline constexpr std::size_t kJsonBytesMax = 1024 * 1024;

/// A JSON value as it was written: numbers keep their text, members their order.
struct JsonNode {
    enum class Kind : std::uint8_t { kNull, kBool, kInteger, kDecimal, kString, kArray, kObject };

    Kind kind = Kind::kNull;
    std::int64_t integer = 0;
    std::string text;             // of kString; of kInteger and kDecimal the digits as written
    std::string key;              // of a member of an object
    std::vector<JsonNode> items;  // of an array, or the members of an object

    /// The first member of that name, or nullptr.
    [[nodiscard]] const JsonNode* find(std::string_view name) const;
};

/// Reads one document. Refused: more than kJsonBytesMax (json.too_large), deeper than kJsonDepthMax
/// (json.too_deep), malformed with line and column (json.syntax), every key that stands twice in
/// one object (json.duplicate_key).
[[nodiscard]] Checked<JsonNode> parse_json(std::string_view text);

/// `path` + "." + `key`; a key that could be anything but a name of ours is not repeated.
[[nodiscard]] std::string join_path(std::string_view path, std::string_view key);
[[nodiscard]] std::string join_path(std::string_view path, std::size_t index);

}  // namespace streetlog::agent
