#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sync/merge/view.hpp"

/// Histories of merge_model.py: what devices and hub wrote, and what the model says must come out.
/// The layout of a line is in the model's head comment. The model's two field groups become two of
/// the catalogue in which value, answer class and redaction can be said independently.
namespace streetlog::sync::testing {

/// One record with its first receipt.
struct HistoryRecord {
    Record record;
    Receipt receipt;
    bool hidden = false;                    // still hidden in the end
    bool released = false;                  // was hidden first
    std::vector<hud::AnswerClass> answers;  // of the ops that set a group, in order
};

struct ExpectedView {
    std::vector<Dot> siblings;
    std::optional<Dot> winner;
    bool review = false;

    friend bool operator==(const ExpectedView&, const ExpectedView&) = default;
};

struct History {
    std::int64_t id = 0;
    std::map<EntityId, std::optional<Place>> first;
    std::vector<HistoryRecord> records;
    std::map<std::pair<EntityId, RegisterId>, ExpectedView> own;
    std::map<std::pair<EntityId, RegisterId>, ExpectedView> merged;  // by canonical id
    std::map<EntityId, EntityId> canon;
    std::vector<Dot> contradictions;
};

/// Throws when the line is not one of the model's.
[[nodiscard]] History parse_history(std::string_view line);

/// What a view shows, in the model's terms.
[[nodiscard]] ExpectedView view_from(std::span<const Seen> seen, RegisterId id);

[[nodiscard]] std::string describe(const ExpectedView& view);

}  // namespace streetlog::sync::testing
