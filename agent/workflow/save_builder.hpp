#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/workflow/build.hpp"

namespace streetlog::agent {

/// Gathers the ops of one Save and what is wrong with it. Used by build*.cpp only.
class SaveBuilder {
  public:
    SaveBuilder(const BuildContext& context, sync::EventKind kind);

    /// Takes the interaction's time; a typed one in the future is a problem.
    void occurred(const Interaction& interaction);

    /// The day of the interaction where the worker was.
    [[nodiscard]] Date day() const;

    [[nodiscard]] const Screen& screen() const { return context_.screen; }

    void problem(std::string path, std::string_view rule, std::string message);
    /// A problem unless the entity exists; ends the build with kNotFound.
    bool require(EntityId entity, std::uint16_t table, const std::string& path);
    void not_found(std::string path, std::string message);

    /// Every entity that a cell refers to must exist here.
    void require_references(std::span<const sync::Cell> answers, const std::string& path);

    [[nodiscard]] bool clean() const { return problems_.empty(); }

    /// A new id; `path` is where the request speaks of the entity.
    [[nodiscard]] EntityId mint(std::uint16_t table, std::string path);
    void name(EntityId entity, std::string path);

    /// The create op of a minted entity, with the answers to `group`, then one op for each other
    /// group that was answered.
    void create(EntityId entity,
                std::uint16_t table,
                std::vector<sync::Cell> keys,
                std::uint16_t group,
                const Answers& answers);

    /// One op for each group that `answers` changes in an entity that exists.
    void write(EntityId entity, const Answers& answers);

    void add(sync::Op op) { save_.ops.push_back(std::move(op)); }

    /// The conditions of some groups hang on the project's type.
    void project(EntityId project);

    [[nodiscard]] Checked<BuiltSave> finish() &&;

  private:
    [[nodiscard]] Refusal refuse() &&;

    BuildContext context_;
    BuiltSave save_;
    std::vector<Problem> problems_;
    ErrorCode code_ = ErrorCode::kInvalidInput;
    std::map<EntityId, std::string> paths_;
    std::optional<std::int64_t> project_type_;
};

/// `own` over `shared`, by ascending column.
[[nodiscard]] Answers overlay(const Answers& shared, const Answers& own);

/// `cell` in place of any other of its column.
void put(Answers& answers, sync::Cell cell);

}  // namespace streetlog::agent
