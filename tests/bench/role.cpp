#include "tests/bench/role.hpp"

#include <cstdio>
#include <ctime>
#include <iostream>
#include <mutex>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace streetlog::bench {

namespace json = boost::json;

int serve_lines(Role& role) {
    say({{"ready", true}});
    for (std::string line; std::getline(std::cin, line);) {
        boost::system::error_code failed;
        const json::value request = json::parse(line, failed);
        const auto* name = failed ? nullptr : find(request, "cmd");
        const auto* id = failed ? nullptr : find(request, "id");
        if (name == nullptr || id == nullptr || !name->is_string()) {
            fmt::print(stderr, "a line that is no command\n");
            return exit_code(ErrorCode::kUsage);
        }
        const auto* arg = find(request, "arg");
        const auto result = role.command(name->get_string(), arg == nullptr ? json::value{} : *arg);
        if (result) {
            say({{"id", *id}, {"ok", *result}});
        } else {
            say({{"id", *id}, {"err", result.error().message}});
        }
    }
    return 0;
}

void say(const json::object& line) {
    static std::mutex one_at_a_time;
    const std::string text = json::serialize(line) + "\n";
    const std::lock_guard lock{one_at_a_time};
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

const json::value* find(const json::value& arg, std::string_view name) {
    return arg.is_object() ? arg.get_object().if_contains(name) : nullptr;
}

Result<std::string> text_of(const json::value& arg, std::string_view name) {
    const auto* value = find(arg, name);
    if (value == nullptr || !value->is_string())
        return fail(ErrorCode::kUsage, fmt::format("the text '{}' is missing", name));
    return std::string{value->get_string()};
}

Result<std::uint64_t> number_of(const json::value& arg, std::string_view name) {
    const auto* value = find(arg, name);
    boost::system::error_code failed;
    const auto number =
        value == nullptr || !value->is_number() ? 0 : value->to_number<std::uint64_t>(failed);
    if (value == nullptr || !value->is_number() || failed)
        return fail(ErrorCode::kUsage, fmt::format("the number '{}' is missing", name));
    return number;
}

}  // namespace streetlog::bench
