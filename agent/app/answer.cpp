#include "agent/app/answer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace streetlog::agent {
namespace {

namespace json = boost::json;

json::object error_object(const Refusal& refusal) {
    json::object error{{"code", name_of(refusal.error.code)},
                       {"message", refusal.error.message},
                       {"hint", refusal.error.hint}};
    json::array problems;
    for (const Problem& one : refusal.problems)
        problems.push_back(
            json::object{{"path", one.path}, {"rule", one.rule}, {"message", one.message}});
    if (!problems.empty()) error["problems"] = std::move(problems);
    return {{"error", std::move(error)}};
}

std::vector<Problem> problems_in(std::string_view text) {
    std::vector<Problem> out;
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    const auto* error =
        failed || !value.is_object() ? nullptr : value.get_object().if_contains("error");
    const auto* list = error == nullptr || !error->is_object()
                           ? nullptr
                           : error->get_object().if_contains("problems");
    if (list == nullptr || !list->is_array()) return out;
    for (const auto& item : list->get_array()) {
        if (!item.is_object()) continue;
        const auto text_of = [&](std::string_view key) {
            const auto* part = item.get_object().if_contains(key);
            return part != nullptr && part->is_string() ? std::string{part->get_string()}
                                                        : std::string{};
        };
        out.push_back({text_of("path"), text_of("rule"), text_of("message")});
    }
    return out;
}

}  // namespace

int print_answer(const Answer& answer, net::OutputForm form) {
    if (answer) return answer->empty() ? 0 : net::answer(*answer, form);
    const Refusal& refusal = answer.error();
    if (form == net::OutputForm::kJson) {
        fmt::print(stderr, "{}\n", json::serialize(error_object(refusal)));
    } else if (refusal.problems.empty()) {
        return net::answer(std::unexpected(refusal.error), form);
    } else {
        fmt::print(stderr,
                   "error: nothing was saved; {} problem{}\n",
                   refusal.problems.size(),
                   refusal.problems.size() == 1 ? "" : "s");
        for (const Problem& one : refusal.problems)
            fmt::print(stderr,
                       "  {}: {} [{}]\n",
                       one.path.empty() ? "(document)" : one.path,
                       one.message,
                       one.rule);
    }
    return exit_code(refusal.error.code);
}

std::string encode_answer(const Answer& answer) {
    if (answer) return net::encode_answer(*answer);
    return json::serialize(error_object(answer.error()));
}

Answer decode_answer(std::string_view text) {
    auto plain = net::decode_answer(text);
    if (plain) return *std::move(plain);
    Refusal refusal{std::move(plain).error()};
    refusal.problems = problems_in(text);
    return std::unexpected(std::move(refusal));
}

}  // namespace streetlog::agent
