#include "sync/net/terminal.hpp"

#include <algorithm>
#include <cstdio>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "sync/net/answer_text.hpp"

namespace streetlog::net {
namespace {

namespace json = boost::json;

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
        fmt::print("{}", text_of_answer(*result));
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
