// merge_oracle FILE [through_codec | RULE]: feeds every history of FILE to the merge core, in
// random orders, with repeats, with copies of the state half way and with records the author knew
// before their receipt, and compares everything that comes out with what the model expects. With
// `through_codec` the records are encoded and decoded first, as they are on their way between
// devices. With RULE that one rule is replaced by its naive form. Prints the first differences;
// exit code 0: none, 1: some, 2: usage.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>

#include "sync/change/codec.hpp"
#include "sync/identity/partition.hpp"
#include "sync/merge/canonical.hpp"
#include "sync/merge/view.hpp"
#include "tests/property/history.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync::testing {
namespace {

constexpr int kOrdersPerHistory = 3;
constexpr int kDifferencesPrinted = 5;

using Store = std::map<EntityId, EntityState>;

/// One op of one record reaching a store.
struct Event {
    enum class Kind { kPut, kHide };

    std::size_t record = 0;
    std::uint16_t op = 0;
    Kind kind = Kind::kPut;
};

enum class Way { kDirect, kThroughCodec };

struct Options {
    Way way = Way::kDirect;
    Rules rules;
};

/// What `edges_of` says of an encoded record.
std::vector<HiddenWrite> edges_in(const Record& record) {
    std::vector<HiddenWrite> out;
    for (const Op& op : record.ops)
        out.push_back({op.entity,
                       op.table,
                       op.group,
                       static_cast<std::uint16_t>(out.size()),
                       op.redacted(),
                       op.supersedes});
    return out;
}

/// Takes a history in and says what differs.
class Run {
  public:
    Run(const History& history, const Options& options, std::uint32_t seed)
        : history_(history), rules_(options.rules), random_(seed) {
        for (const HistoryRecord& record : history.records) take_in(record.record, options.way);
    }

    std::vector<std::string> differences() {
        std::string first_dump;
        for (int round = 0; round < kOrdersPerHistory; ++round) {
            const Store store = deliver();
            check_values(store);
            check_identity(store);
            std::string dump;
            for (const auto& [id, state] : store) append_canonical(dump, id, state);
            if (round == 0) first_dump = dump;
            if (dump != first_dump) differ("another order ends in another state");
        }
        return std::move(found_);
    }

  private:
    void take_in(const Record& record, Way way) {
        if (way == Way::kDirect) {
            records_.push_back(record);
            edges_.push_back(edges_in(record));
            return;
        }
        const EncodedRecord bytes = encode(record);
        auto decoded = decode(view_of(bytes));
        if (!decoded) {
            differ(decoded.error().message);
            decoded = record;
        }
        records_.push_back(*std::move(decoded));
        edges_.push_back(edges_of(view_of(bytes)));
        edges_.back().resize(record.ops.size());
    }

    void differ(std::string what) {
        found_.push_back("history " + std::to_string(history_.id) + ": " + std::move(what));
    }

    std::vector<Event> events() const {
        std::vector<Event> out;
        for (std::size_t i = 0; i < records_.size(); ++i) {
            for (std::uint16_t op = 0; op < records_[i].ops.size(); ++op) {
                if (records_[i].ops[op].kind == OpKind::kVerdict) continue;
                using enum Event::Kind;
                const HistoryRecord& record = history_.records[i];
                if (!record.hidden) out.push_back({i, op, kPut});
                if (record.hidden || record.released) out.push_back({i, op, kHide});
            }
        }
        return out;
    }

    void put(Store& store, std::size_t i, std::uint16_t op, const std::optional<Receipt>& receipt) {
        const Record& record = records_[i];
        const Dot dot{record.header.replica, record.header.seq, op};
        sync::put(
            store[record.ops[op].entity], {dot, &record.header, &record.ops[op], receipt}, rules_);
    }

    void take(Store& store, const Event& event) {
        const HistoryRecord& record = history_.records[event.record];
        if (event.kind == Event::Kind::kPut)
            return put(store, event.record, event.op, record.receipt);
        const HiddenWrite& write = edges_[event.record][event.op];
        sync::hide(store[write.entity],
                   records_[event.record].header.key(),
                   write,
                   record.receipt.place,
                   rules_);
    }

    /// A snapshot: every state through its bytes.
    void copy(Store& store) {
        CountedReplicas numbers;
        for (auto& [id, state] : store) {
            const Bytes bytes = encode_state(state, numbers, rules_);
            auto back = decode_state(bytes, numbers);
            if (!back) throw std::runtime_error(back.error().message);
            const bool whole = rules_.ship_gone && rules_.ship_hidden_edges;
            if (whole && *back != state) differ("a state does not survive its bytes");
            state = *std::move(back);
        }
    }

    bool coin(unsigned one_in) { return random_() % one_in == 0; }

    Store deliver() {
        Store store;
        for (std::size_t i = 0; i < records_.size(); ++i) {
            if (!coin(8)) continue;  // as on its author's device: known before its receipt
            for (std::uint16_t op = 0; op < records_[i].ops.size(); ++op)
                if (records_[i].ops[op].kind != OpKind::kVerdict) put(store, i, op, std::nullopt);
        }
        auto queue = events();
        const auto again = queue;
        queue.insert(queue.end(), again.begin(), again.end());
        std::ranges::shuffle(queue, random_);
        const std::size_t cut = random_() % (queue.size() + 1);
        for (std::size_t i = 0; i < queue.size(); ++i) {
            if (i == cut) copy(store);
            take(store, queue[i]);
        }
        if (coin(2)) copy(store);
        return store;
    }

    void compare(const ExpectedView& expected,
                 std::span<const Seen> seen,
                 RegisterId id,
                 const std::string& what) {
        const ExpectedView got = view_from(seen, id);
        if (got != expected)
            differ(what + ": got " + describe(got) + ", expected " + describe(expected));
    }

    std::vector<Member> members_of(const Store& store) const {
        static const EntityState kNothing;
        std::vector<Member> out;
        for (const auto& [id, canon] : history_.canon) {
            const auto at = store.find(id);
            out.push_back({id, at == store.end() ? &kNothing : &at->second});
        }
        return out;
    }

    void check_values(const Store& store) {
        const auto everybody = members_of(store);
        for (const Member& member : everybody) {
            if (member.state->first != history_.first.at(member.id)) differ("first receipt");
            for (const auto& [key, expected] : history_.own) {
                if (key.first != member.id) continue;
                const auto seen = own_view(member, everybody, key.second, rules_);
                compare(expected, seen, key.second, "own view");
                if (rules_.own_view &&
                    siblings_of(seen) != visible(*member.state, key.second, rules_))
                    differ("the two forms of the own view");
            }
        }
        for (const auto& [key, expected] : history_.merged) {
            std::vector<Member> members;
            for (const Member& member : everybody)
                if (history_.canon.at(member.id) == key.first) members.push_back(member);
            compare(expected, merged_view(members, key.second, rules_), key.second, "merged view");
        }
        check_answers(store);
    }

    /// The catalogue gives each write the class the model gave it.
    void check_answers(const Store& store) {
        for (std::size_t i = 0; i < records_.size(); ++i) {
            for (std::size_t op = 0; op < history_.records[i].answers.size(); ++op) {
                const Dot dot{records_[i].header.replica,
                              records_[i].header.seq,
                              static_cast<std::uint16_t>(op)};
                const auto at = store.find(records_[i].ops[op].entity);
                if (at == store.end()) continue;
                for (const auto& [id, reg] : at->second.registers)
                    for (const Sibling& sibling : reg.siblings)
                        if (sibling.dot == dot && sibling.answer != history_.records[i].answers[op])
                            differ("answer class");
            }
        }
    }

    void check_identity(const Store& store) {
        std::vector<Link> live;
        for (const auto& [id, state] : store)
            for (const Sibling* sibling : visible(state, kLinkRegister, rules_))
                if (const auto link = link_of(*sibling)) live.push_back(*link);
        std::ranges::shuffle(live, random_);
        const FirstReceipt first = [&](EntityId id) { return history_.first.at(id); };
        const Partition whole = partition(live, first);
        if (whole.contradictions != history_.contradictions) differ("contradictions");
        for (const auto& [entity, canon] : history_.canon) {
            if (whole.canon_of(entity) != canon) differ("canonical id");
            const auto component = component_of(live, entity);
            const Partition part = partition(links_within(live, component), first);
            if (part.canon_of(entity) != canon) differ("canonical id, from its component alone");
        }
    }

    const History& history_;
    const Rules rules_;
    std::mt19937 random_;
    std::vector<Record> records_;
    std::vector<std::vector<HiddenWrite>> edges_;  // of each op of each record
    std::vector<std::string> found_;
};

std::optional<Options> options_of(std::string_view word) {
    Options options;
    Rules& rules = options.rules;
    if (word == "through_codec") {
        options.way = Way::kThroughCodec;
        return options;
    }
    const std::pair<std::string_view, bool*> names[] = {
        {"receipt_order", &rules.receipt_order},
        {"own_view", &rules.own_view},
        {"ship_gone", &rules.ship_gone},
        {"ship_hidden_edges", &rules.ship_hidden_edges},
    };
    const auto at = std::ranges::find(names, word, [](const auto& entry) { return entry.first; });
    if (at == std::end(names)) return std::nullopt;
    *at->second = false;
    return options;
}

int run(const std::string& path, const Options& options) {
    std::ifstream in{path};
    std::uint32_t histories = 0;
    std::size_t wrong = 0;
    for (std::string line; std::getline(in, line); ++histories) {
        const History history = parse_history(line);
        const auto differences = Run{history, options, histories}.differences();
        if (differences.empty()) continue;
        if (++wrong <= kDifferencesPrinted) std::cout << differences.front() << '\n';
    }
    std::cout << histories << " histories, " << wrong << " differ\n";
    if (histories == 0) return 2;
    return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace streetlog::sync::testing

int main(int argc, char** argv) {
    using namespace streetlog::sync;
    const std::vector<std::string> args(argv + 1, argv + argc);
    const auto options =
        args.size() == 2 ? testing::options_of(args[1]) : std::optional{testing::Options{}};
    if (args.empty() || args.size() > 2 || !options) {
        std::cerr << "usage: merge_oracle FILE [through_codec|receipt_order|own_view|ship_gone|"
                     "ship_hidden_edges]\n";
        return 2;
    }
    return testing::run(args[0], *options);
}
