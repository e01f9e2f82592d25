#include "sync/net/trust_frame.hpp"

#include <charconv>

namespace streetlog::net {
namespace {

/// Takes one line off the front; nothing when there is no whole one left.
std::optional<std::string_view> take_line(std::string_view& text) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

std::string one_line(std::string text) {
    for (char& c : text)
        if (c == '\n') c = ' ';
    return text + '\n';
}

std::unexpected<Error> malformed() {
    return fail(ErrorCode::kMalformed, "not of the expected form");
}

}  // namespace

std::size_t get_length(const TrustLength& length) {
    std::size_t out = 0;
    for (std::size_t i = length.size(); i > 0; --i) out = out << 8 | length[i - 1];
    return out;
}

std::string with_length(std::string_view text) {
    std::string out;
    for (std::size_t rest = text.size(), i = 0; i < TrustLength{}.size(); ++i, rest >>= 8)
        out += static_cast<char>(rest & 0xff);
    return out.append(text);
}

std::string format_question(const TrustQuestion& question) {
    if (question.kind == TrustQuestion::Kind::kRenew) return "renew\n" + question.request;
    return "enrol\n" + one_line(question.device) + one_line(question.code) + question.request;
}

Result<TrustQuestion> parse_question(std::string_view text) {
    const auto kind = take_line(text);
    TrustQuestion out;
    if (kind == "enrol") {
        const auto device = take_line(text);
        const auto code = take_line(text);
        if (!device || !code) return malformed();
        out.kind = TrustQuestion::Kind::kEnrol;
        out.device = *device;
        out.code = *code;
    } else if (kind != "renew") {
        return malformed();
    }
    out.request = text;
    return out;
}

std::string format_answer(const Result<TrustAnswer>& answer) {
    if (answer)
        return "granted\n" + one_line(answer->device) + one_line(answer->hub) +
               one_line(answer->name) + answer->chain;
    const auto& error = answer.error();
    return "refused\n" + std::to_string(exit_code(error.code)) + '\n' + one_line(error.message) +
           one_line(error.hint);
}

Result<TrustAnswer> parse_answer(std::string_view text) {
    const auto verdict = take_line(text);
    const auto first = take_line(text);
    const auto second = take_line(text);
    const auto third = take_line(text);
    if (!verdict || !first || !second || !third) return malformed();
    if (verdict == "granted")
        return TrustAnswer{
            std::string{*first}, std::string{*second}, std::string{*third}, std::string{text}};
    if (verdict != "refused") return malformed();
    int code = 0;
    const auto [end, error] = std::from_chars(first->data(), first->data() + first->size(), code);
    if (error != std::errc{} || end != first->data() + first->size() ||
        code < exit_code(ErrorCode::kUsage) || code > exit_code(ErrorCode::kInterrupted))
        return malformed();
    return fail(static_cast<ErrorCode>(code), std::string{*second}, std::string{*third});
}

}  // namespace streetlog::net
