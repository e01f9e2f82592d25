#include "sync/net/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace streetlog::net {
namespace {

namespace json = boost::json;

std::string plain(const json::value& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return std::string{value.get_string()};
    if (value.is_bool()) return value.get_bool() ? "yes" : "no";
    std::string out;
    const auto add = [&](std::string text) {
        if (!out.empty()) out += ", ";
        out += text;
    };
    if (value.is_array()) {
        for (const auto& one : value.get_array()) add(plain(one));
        return out;
    }
    if (value.is_object()) {
        for (const auto& [key, one] : value.get_object())
            add(fmt::format("{}={}", std::string_view{key}, plain(one)));
        return out;
    }
    return json::serialize(value);
}

/// Columns on the screen, near enough: characters, not bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string words(std::string_view name) {
    std::string out{name};
    std::ranges::replace(out, '_', ' ');
    return out;
}

bool is_table(const json::value& value) {
    return value.is_array() && std::ranges::all_of(value.get_array(), [](const json::value& row) {
               return row.is_object();
           });
}

void print_table(const json::array& rows) {
    if (rows.empty()) {
        fmt::print("  (none)\n");
        return;
    }
    std::vector<std::string> names;
    for (const auto& row : rows)
        for (const auto& [key, value] : row.get_object())
            if (std::ranges::find(names, std::string{key}) == names.end()) names.emplace_back(key);
    std::vector<std::vector<std::string>> cells{{}};
    for (const auto& name : names) cells[0].push_back(words(name));
    for (const auto& row : rows) {
        auto& line = cells.emplace_back();
        for (const auto& name : names) {
            const auto* value = row.get_object().if_contains(name);
            line.push_back(value == nullptr ? "-" : plain(*value));
        }
    }
    std::vector<std::size_t> widths(names.size());
    for (const auto& line : cells)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], width_of(line[i]));
    for (const auto& line : cells) {
        std::string out = " ";
        for (std::size_t i = 0; i < line.size(); ++i)
            out += ' ' + line[i] + std::string(widths[i] - width_of(line[i]), ' ');
        out.erase(out.find_last_not_of(' ') + 1);
        fmt::print("{}\n", out);
    }
}

void print_text(const json::object& object) {
    std::size_t width = 0;
    for (const auto& [key, value] : object)
        if (!is_table(value)) width = std::max(width, key.size());
    for (const auto& [key, value] : object) {
        if (is_table(value)) {
            fmt::print("{}:\n", words(key));
            print_table(value.get_array());
        } else {
            fmt::print("{:<{}} {}\n", words(key) + ":", width + 1, plain(value));
        }
    }
}

json::object error_object(const Error& error) {
    return {{"error",
             json::object{
                 {"code", name_of(error.code)}, {"message", error.message}, {"hint", error.hint}}}};
}

constexpr ErrorCode kAllCodes[] = {ErrorCode::kUsage,
                                   ErrorCode::kInvalidInput,
                                   ErrorCode::kNotFound,
                                   ErrorCode::kConflict,
                                   ErrorCode::kNotPermitted,
                                   ErrorCode::kMalformed,
                                   ErrorCode::kTooLarge,
                                   ErrorCode::kUnavailable,
                                   ErrorCode::kStorage,
                                   ErrorCode::kWrongDatabase,
                                   ErrorCode::kLocked,
                                   ErrorCode::kDamaged,
                                   ErrorCode::kUnsupported,
                                   ErrorCode::kInternal,
                                   ErrorCode::kInterrupted};

}  // namespace

int answer(const Result<json::object>& result, OutputForm form) {
    if (!result) {
        const Error& error = result.error();
        if (form == OutputForm::kJson) {
            fmt::print(stderr, "{}\n", json::serialize(error_object(error)));
        } else {
            fmt::print(stderr, "error: {}\n", error.message);
            if (!error.hint.empty()) fmt::print(stderr, "{}\n", error.hint);
        }
        return exit_code(error.code);
    }
    if (form == OutputForm::kJson) {
        fmt::print("{}\n", json::serialize(*result));
    } else {
        print_text(*result);
    }
    return 0;
}

std::string encode_answer(const Result<json::object>& result) {
    return json::serialize(result ? json::object{{"ok", *result}} : error_object(result.error()));
}

Result<json::object> decode_answer(std::string_view text) {
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    if (failed || !value.is_object())
        return fail(ErrorCode::kMalformed, "the running program's answer cannot be read");
    if (const auto* ok = value.get_object().if_contains("ok"); ok != nullptr && ok->is_object())
        return ok->get_object();
    const auto* error = value.get_object().if_contains("error");
    if (error == nullptr || !error->is_object())
        return fail(ErrorCode::kMalformed, "the running program's answer cannot be read");
    const auto text_of = [&](std::string_view key) {
        const auto* v = error->get_object().if_contains(key);
        return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
    };
    const auto code = text_of("code");
    const auto* known =
        std::ranges::find_if(kAllCodes, [&](ErrorCode c) { return name_of(c) == code; });
    return fail(known == std::end(kAllCodes) ? ErrorCode::kInternal : *known,
                text_of("message"),
                text_of("hint"));
}

}  // namespace streetlog::net
