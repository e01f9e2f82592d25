// store_oracle FILE [SEED]: lets every history of FILE happen in real stores (store_world.hpp) and
// compares what is then read from the hub's database and from each agent's with what the model
// expects: siblings, winner and need of review of every own and merged view, canonical ids,
// contradictions, first receipts. Histories share stores by the hundred. Half of those whose
// receipts the hub can give out itself get them so; the others' records carry the model's.
// Prints the first differences; exit code 0: none, 1: some, 2: usage.
#include <algorithm>
#include <fstream>
#include <iostream>

#include "sync/identity/partition.hpp"
#include "tests/property/store_world.hpp"

namespace streetlog::sync::testing {
namespace {

using test::need;

constexpr std::size_t kHistoriesPerWorld = 100;
constexpr std::size_t kDifferencesPrinted = 10;

/// What one database holds of one history.
class Check {
  public:
    Check(const History& history, const std::string& who, store::EntityReader& reader)
        : history_(history), who_(who), reader_(reader) {
        for (const auto& [id, canon] : history.canon) states_.emplace(id, need(reader.load(id)));
    }

    std::vector<std::string> differences() {
        for (const auto& [id, place] : history_.first)
            if (states_.at(id).first != place) differ("first receipt");
        for (const auto& [key, expected] : history_.own) {
            const Member member{key.first, &states_.at(key.first)};
            compare(expected, own_view(member, {}, key.second), key.second, "own view");
            if (shows_what_it_holds()) compare_screen(key, expected, store::View::kOwn);
        }
        for (const auto& [key, expected] : history_.merged) {
            std::vector<Member> members;
            for (const EntityId id : need(reader_.profile_of(key.first)))
                members.push_back({id, &states_.at(id)});
            compare(expected, merged_view(members, key.second), key.second, "merged view");
            if (shows_what_it_holds()) compare_screen(key, expected, store::View::kMerged);
        }
        for (const auto& [id, canon] : history_.canon)
            if (need(reader_.canon_of(id)) != canon) differ("canonical id");
        compare_contradictions();
        return std::move(found_);
    }

  private:
    /// An author's screen also shows what the hub refused.
    [[nodiscard]] bool shows_what_it_holds() const { return !who_.starts_with("author"); }

    void differ(const std::string& what) {
        found_.push_back("history " + std::to_string(history_.id) + ", " + who_ + ": " + what);
    }

    void compare(const ExpectedView& expected,
                 std::span<const Seen> seen,
                 RegisterId id,
                 std::string_view what) {
        const ExpectedView got = view_from(seen, id);
        if (got != expected)
            differ(std::string{what} + ": got " + describe(got) + ", expected " +
                   describe(expected));
    }

    void compare_screen(const std::pair<EntityId, RegisterId>& key,
                        const ExpectedView& expected,
                        store::View view) {
        const auto screen = need(reader_.group(key.first, key.second, view));
        if (screen.supersedes != expected.siblings) differ("what a screen names");
        if (screen.conflict != expected.review) differ("what a screen calls a conflict");
        if (expected.winner && screen.cells != cells_of(*expected.winner))
            differ("the value a screen shows");
    }

    [[nodiscard]] std::vector<Cell> cells_of(const Dot& dot) const {
        for (const HistoryRecord& record : history_.records)
            if (record.record.header.key() == dot.record()) return record.record.ops[dot.op].cells;
        return {};
    }

    void compare_contradictions() {
        std::vector<Link> live;
        for (const HistoryRecord& record : history_.records)
            for (const Op& op : record.record.ops) {
                if (op.kind != OpKind::kLink) continue;
                const auto state = need(reader_.load(op.entity));
                for (const Sibling* sibling : visible(state, kLinkRegister))
                    if (const auto link = link_of(*sibling)) live.push_back(*link);
            }
        const auto first = [&](EntityId id) { return states_.at(id).first; };
        if (partition(live, first).contradictions != history_.contradictions)
            differ("contradictions");
    }

    const History& history_;
    std::string who_;
    store::EntityReader& reader_;
    std::map<EntityId, EntityState> states_;
    std::vector<std::string> found_;
};

struct Totals {
    std::size_t histories = 0, issued = 0, records = 0, differ = 0;
};

void run_world(std::span<const History> histories, std::uint32_t seed, Totals& totals) {
    StoreWorld world{seed};
    std::vector<History> moved;
    for (const History& history : histories) {
        const bool issued = history.id % 2 == 0 && can_be_issued(history);
        moved.push_back(world.play(history, issued ? Receipts::kIssued : Receipts::kCarried));
        totals.issued += issued ? 1 : 0;
        totals.records += history.records.size();
    }
    world.settle();
    std::vector<std::string> found;
    std::int64_t conflicts = 0;
    for (const History& history : moved) {
        for (const auto& [key, view] : history.own) conflicts += view.review ? 1 : 0;
        for (const auto& [who, reader] : world.readers())
            std::ranges::move(Check{history, who, *reader}.differences(),
                              std::back_inserter(found));
    }
    if (world.conflict_rows() != conflicts) found.emplace_back("the hub's list of conflicts");
    world.make_again();
    world.lose_the_hub();
    std::ranges::move(world.differences, std::back_inserter(found));
    for (const auto& line : found)
        if (++totals.differ <= kDifferencesPrinted)
            std::cout << "world " << seed << ", " << line << '\n';
    totals.histories += histories.size();
}

int run(const std::string& path, std::uint32_t seed) {
    std::ifstream in{path};
    Totals totals;
    std::vector<History> some;
    const auto flush = [&] {
        if (!some.empty()) run_world(some, seed++, totals);
        some.clear();
    };
    for (std::string line; std::getline(in, line);) {
        some.push_back(parse_history(line));
        if (some.size() == kHistoriesPerWorld) flush();
    }
    flush();
    std::cout << totals.histories << " histories (" << totals.issued
              << " with receipts of the hub's own), " << totals.records << " records, "
              << totals.differ << " differences\n";
    if (totals.histories == 0) return 2;
    return totals.differ == 0 ? 0 : 1;
}

}  // namespace
}  // namespace streetlog::sync::testing

int main(int argc, char** argv) {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.empty() || args.size() > 2) {
        std::cerr << "usage: store_oracle FILE [SEED]\n";
        return 2;
    }
    const auto seed = args.size() == 2 ? std::stoul(args[1]) : 0;
    return streetlog::sync::testing::run(args[0], static_cast<std::uint32_t>(seed));
}
