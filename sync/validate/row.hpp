#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/change/record.hpp"
#include "sync/validate/validate.hpp"

/// What the rules of this folder share; nobody else includes it.
namespace streetlog::sync::validation {

/// One Save while it is checked. `ops` and `context` outlive it.
class Save {
  public:
    Save(std::span<const Op> ops, const ValidateContext& context) : ops_(ops), context_(context) {}

    [[nodiscard]] std::span<const Op> ops() const { return ops_; }

    [[nodiscard]] Date day() const { return context_.interaction_day; }

    /// The op of this Save on that register, or nullptr. Keys are found under the group of the
    /// create op.
    [[nodiscard]] const Op* find_op(EntityId entity,
                                    std::uint16_t table,
                                    std::uint16_t group) const;
    [[nodiscard]] const Op* find_create(EntityId entity, std::uint16_t table) const;

    /// What the register will show after the Save: this Save's cells, or else the winner's.
    [[nodiscard]] std::vector<Cell> cells_after(EntityId entity,
                                                std::uint16_t table,
                                                std::uint16_t group) const;

    /// `op`'s cells and those of every other group of the row, and the project's type if known.
    [[nodiscard]] std::vector<Cell> row_of(const Op& op) const;

    void add(FindingSeverity severity,
             std::string_view rule,
             const Op& op,
             std::uint16_t column,
             std::string message);
    void error(std::string_view rule, const Op& op, std::uint16_t column, std::string message);
    void warning(std::string_view rule, const Op& op, std::uint16_t column, std::string message);

    [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }

  private:
    std::span<const Op> ops_;
    const ValidateContext& context_;
    std::vector<Finding> findings_;
};

/// Table, columns and values of one op. False when the op is too odd for the other rules.
bool check_shape(Save& save, const Op& op);
/// Null-unless of every column of the op's group.
void check_conditions(Save& save, const Op& op);
/// Name, SSN, birth date and race of a client.
void check_client(Save& save, const Op& op);
/// Entry, exit, contact and what they require.
void check_stay(Save& save, const Op& op);
/// Heads of the households this Save touches.
void check_households(Save& save);

}  // namespace streetlog::sync::validation
