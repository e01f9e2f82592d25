#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/workflow/json_tree.hpp"
#include "agent/workflow/requests.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::agent {

/// Reads one document and gathers every problem on the way; what could not be read is left at its
/// default. Used by json_requests.cpp only.
class JsonReader {
  public:
    /// A list of answers and the tables whose columns belong there.
    struct Target {
        std::uint16_t table = 0;
        Answers* answers = nullptr;
    };

    void problem(std::string path, std::string_view rule, std::string message);

    [[nodiscard]] std::vector<Problem> take() { return std::move(problems_); }

    [[nodiscard]] bool clean() const { return problems_.empty(); }

    /// Members of `object` that are columns of group role go to the first target that knows them;
    /// `handled` are the keys somebody else reads; anything else is field.unknown.
    void answers(const JsonNode& object,
                 const std::string& path,
                 std::span<const Target> targets,
                 std::span<const std::string_view> handled);

    /// The objects of the array `key`; field.required when it is missing or empty.
    [[nodiscard]] std::span<const JsonNode> objects(const JsonNode& root, std::string_view key);

    [[nodiscard]] std::optional<EntityId> id(const JsonNode& object,
                                             const std::string& path,
                                             std::string_view key);
    [[nodiscard]] EntityId required_id(const JsonNode& object,
                                       const std::string& path,
                                       std::string_view key);
    /// Text of at most `column`'s length; empty when missing or null.
    [[nodiscard]] std::string text(const JsonNode& object,
                                   std::string_view key,
                                   const hud::Column& column);
    [[nodiscard]] Interaction interaction(const JsonNode& root);

  private:
    std::optional<sync::Cell> cell(const hud::Column& column,
                                   const JsonNode& node,
                                   const std::string& path);

    std::vector<Problem> problems_;
};

}  // namespace streetlog::agent
