#include "agent/workflow/json_tree.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

namespace streetlog::agent {
namespace {

namespace json = boost::json;
using json::error_code;
using json::string_view;
using Kind = JsonNode::Kind;

/// Builds the tree; Boost's own value would silently keep only the last of two equal keys.
struct TreeBuilder {
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    JsonNode root;
    std::vector<JsonNode> open;     // containers begun and not ended
    std::vector<std::string> keys;  // of the member each open object is at
    std::string part;               // of a key, string or number

    bool put(JsonNode node) {
        if (open.empty()) {
            root = std::move(node);
            return true;
        }
        if (open.back().kind == Kind::kObject) node.key = std::move(keys.back());
        open.back().items.push_back(std::move(node));
        return true;
    }

    bool put_text(Kind kind, std::int64_t integer, string_view last) {
        JsonNode node;
        node.kind = kind;
        node.integer = integer;
        node.text = std::exchange(part, {}) + std::string{last};
        return put(std::move(node));
    }

    bool begin(Kind kind) {
        JsonNode node;
        node.kind = kind;
        open.push_back(std::move(node));
        keys.emplace_back();
        return true;
    }

    bool end() {
        JsonNode node = std::move(open.back());
        open.pop_back();
        keys.pop_back();
        return put(std::move(node));
    }

    bool more(string_view s) {
        part.append(s.data(), s.size());
        return true;
    }

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code&) { return begin(Kind::kObject); }

    bool on_object_end(std::size_t, error_code&) { return end(); }

    bool on_array_begin(error_code&) { return begin(Kind::kArray); }

    bool on_array_end(std::size_t, error_code&) { return end(); }

    bool on_key_part(string_view s, std::size_t, error_code&) { return more(s); }

    bool on_key(string_view s, std::size_t, error_code&) {
        keys.back() = std::exchange(part, {}) + std::string{s};
        return true;
    }

    bool on_string_part(string_view s, std::size_t, error_code&) { return more(s); }

    bool on_string(string_view s, std::size_t, error_code&) {
        return put_text(Kind::kString, 0, s);
    }

    bool on_number_part(string_view s, error_code&) { return more(s); }

    bool on_int64(std::int64_t i, string_view s, error_code&) {
        return put_text(Kind::kInteger, i, s);
    }

    bool on_uint64(std::uint64_t, string_view s, error_code&) {
        return put_text(Kind::kDecimal, 0, s);  // beyond int64, so beyond every column
    }

    bool on_double(double, string_view s, error_code&) { return put_text(Kind::kDecimal, 0, s); }

    bool on_bool(bool, error_code&) {
        JsonNode node;
        node.kind = Kind::kBool;
        return put(std::move(node));
    }

    bool on_null(error_code&) { return put(JsonNode{}); }

    bool on_comment_part(string_view, error_code&) { return true; }

    bool on_comment(string_view, error_code&) { return true; }
};

Problem syntax_problem(std::string_view text, std::size_t at, const error_code& error) {
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::ranges::count(before, '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return Problem{
        .path = {},
        .rule = "json.syntax",
        .message = fmt::format(
            "not JSON at line {}, column {}: {}", line, at - line_start + 1, error.message())};
}

void find_duplicates(const JsonNode& node, const std::string& path, std::vector<Problem>& out) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        const JsonNode& item = node.items[i];
        const bool member = node.kind == Kind::kObject;
        const std::string here = member ? join_path(path, item.key) : join_path(path, i);
        if (member && !seen.insert(item.key).second) {
            out.push_back({here, "json.duplicate_key", "the key stands twice in one object"});
        }
        find_duplicates(item, here, out);
    }
}

Refusal refusal(ErrorCode code, Problem problem) {
    std::vector<Problem> problems;
    problems.push_back(std::move(problem));
    return Refusal{code, std::move(problems)};
}

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const {
    if (kind != Kind::kObject) return nullptr;
    const auto found = std::ranges::find(items, name, &JsonNode::key);
    return found == items.end() ? nullptr : &*found;
}

std::string join_path(std::string_view path, std::string_view key) {
    constexpr std::size_t kShownMax = 48;
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    const bool shown =
        !key.empty() && key.size() <= kShownMax && std::ranges::all_of(key, is_plain);
    const std::string_view name = shown ? key : std::string_view{"(key)"};
    return path.empty() ? std::string{name} : fmt::format("{}.{}", path, name);
}

std::string join_path(std::string_view path, std::size_t index) {
    return fmt::format("{}[{}]", path, index);
}

Checked<JsonNode> parse_json(std::string_view text) {
    if (text.size() > kJsonBytesMax) {
        return std::unexpected(refusal(
            ErrorCode::kTooLarge,
            {.path = {}, .rule = "json.too_large", .message = "the request is larger than 1 MiB"}));
    }
    json::parse_options options;
    options.max_depth = kJsonDepthMax;
    json::basic_parser<TreeBuilder> parser{options};
    error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && read < text.size()) error = json::error::extra_data;
    if (error == json::error::too_deep) {
        return std::unexpected(refusal(
            ErrorCode::kTooLarge,
            {.path = {},
             .rule = "json.too_deep",
             .message = fmt::format("objects and arrays stand more than {} deep", kJsonDepthMax)}));
    }
    if (error) {
        return std::unexpected(refusal(ErrorCode::kUsage, syntax_problem(text, read, error)));
    }
    std::vector<Problem> duplicates;
    find_duplicates(parser.handler().root, {}, duplicates);
    if (!duplicates.empty()) {
        return std::unexpected(Refusal{ErrorCode::kUsage, std::move(duplicates)});
    }
    return std::move(parser.handler().root);
}

}  // namespace streetlog::agent
