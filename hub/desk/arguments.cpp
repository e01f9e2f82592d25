#include "hub/desk/arguments.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace streetlog::hub {

std::optional<std::string> optional_text(const boost::json::object& arguments,
                                         std::string_view name) {
    const auto* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty()) return std::nullopt;
    return std::string{value->get_string()};
}

Result<std::string> text_of(const boost::json::object& arguments, std::string_view name) {
    auto text = optional_text(arguments, name);
    if (!text) return fail(ErrorCode::kUsage, fmt::format("{} is missing", name));
    return *std::move(text);
}

std::optional<std::int64_t> optional_number(const boost::json::object& arguments,
                                            std::string_view name) {
    const auto* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    return value->get_int64();
}

Result<EntityId> entity_of(const boost::json::object& arguments, std::string_view name) {
    STREETLOG_TRY(const auto text, text_of(arguments, name));
    const auto id = parse_id<EntityId>(text);
    if (!id)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{} is not an id: 32 hex digits are", name));
    return *id;
}

}  // namespace streetlog::hub
