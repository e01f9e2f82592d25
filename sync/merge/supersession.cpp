#include "sync/merge/supersession.hpp"

#include <algorithm>

#include "schema/planted.hpp"

namespace streetlog::sync {
namespace {

/// `by` names `target`.
struct Edge {
    WriteFacts by;
    Dot target;
};

const Hidden* find_hidden(const Register& reg, const Dot& dot) {
    const auto at = std::ranges::lower_bound(reg.hidden, dot, {}, &Hidden::dot);
    return at != reg.hidden.end() && at->dot == dot ? &*at : nullptr;
}

const Sibling* find_sibling(const Register& reg, const Dot& dot) {
    const auto at = std::ranges::lower_bound(reg.siblings, dot, {}, &Sibling::dot);
    return at != reg.siblings.end() && at->dot == dot ? &*at : nullptr;
}

bool received_before(const std::optional<Place>& a, const std::optional<Place>& b) {
    return a && (!b || *a < *b);
}

WriteFacts facts_of_superseder(const Gone& row) { return {row.by, row.by_place, row.by_redacted}; }

}  // namespace

bool counts(const WriteFacts& by, const WriteFacts& target, const Rules& rules) {
    // CONFLICT: the writer named a full value it only had redacted.
    // RESOLUTION: the full value stays, whatever the order of receipts says.
    if (by.redacted && !target.redacted) return false;
    if (!rules.receipt_order || planted(Bug::kNoReceiptOrder)) return true;
    if (by.dot.replica == target.dot.replica && target.dot.seq < by.dot.seq) return true;
    return received_before(target.place, by.place);
}

std::vector<Dot> superseded(std::span<const Register* const> registers,
                            Superseders which,
                            const Rules& rules) {
    std::vector<Edge> todo;
    for (const Register* reg : registers)
        for (const Gone& row : reg->gone)
            if (row.by_place || which == Superseders::kAll)
                todo.push_back({facts_of_superseder(row), row.target});

    std::vector<Dot> out;
    while (!todo.empty()) {
        const Edge edge = todo.back();
        todo.pop_back();
        const auto at = std::ranges::lower_bound(out, edge.target);
        if (at != out.end() && *at == edge.target) continue;
        for (const Register* reg : registers) {
            if (const Sibling* sibling = find_sibling(*reg, edge.target)) {
                if (counts(edge.by, facts_of(*sibling), rules)) out.insert(at, edge.target);
                break;
            }
            if (const Hidden* hidden = find_hidden(*reg, edge.target)) {
                if (!counts(edge.by, facts_of(*hidden), rules)) break;
                out.insert(at, edge.target);
                for (const Dot& next : hidden->supersedes)
                    todo.push_back({facts_of(*hidden), next});
                break;
            }
        }
    }
    return out;
}

bool is_superseded(const Register& reg,
                   const Sibling& sibling,
                   Superseders which,
                   const Rules& rules) {
    const auto rows = std::ranges::equal_range(reg.gone, sibling.dot, {}, &Gone::target);
    return std::ranges::any_of(rows, [&](const Gone& row) {
        return (row.by_place || which == Superseders::kAll) &&
               counts(facts_of_superseder(row), facts_of(sibling), rules);
    });
}

WriteFacts facts_of(const Sibling& sibling) {
    return {sibling.dot,
            sibling.receipt ? std::optional{sibling.receipt->place} : std::nullopt,
            sibling.redacted};
}

WriteFacts facts_of(const Hidden& hidden) { return {hidden.dot, hidden.place, hidden.redacted}; }

}  // namespace streetlog::sync
