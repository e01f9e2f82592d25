// The algebra that sync/merge/merge.hpp and sync/identity/partition.hpp state, on random sets of
// writes: honest ones, and ones that name dots nobody has written yet.
#include <algorithm>
#include <array>
#include <deque>
#include <ostream>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>
// After gtest, which it does not include.
#include <rapidcheck/gtest.h>

#include "sync/identity/partition.hpp"
#include "sync/merge/canonical.hpp"
#include "sync/merge/view.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;

enum class Fate { kAccepted, kReleased, kHidden };

/// What a random write says; devices and targets are small numbers, so that writes meet.
struct Draft {
    unsigned device = 0;
    unsigned group = 0;  // 0 name, 1 name created together with the client, 2 void
    unsigned quality = 0;
    bool redacted = false;
    Fate fate = Fate::kAccepted;
    bool author_first = false;                         // known before its receipt
    std::vector<std::pair<unsigned, unsigned>> names;  // device, seq
};

std::ostream& operator<<(std::ostream& out, const Draft& d) {
    out << "device " << d.device << " group " << d.group << " quality " << d.quality
        << (d.redacted ? " redacted" : "") << " fate " << static_cast<int>(d.fate)
        << (d.author_first ? " author first" : "") << " over";
    for (const auto& [device, seq] : d.names) out << ' ' << device << ':' << seq;
    return out;
}

rc::Gen<Draft> any_draft() {
    const auto below = [](unsigned n) { return rc::gen::inRange(0U, n); };
    return rc::gen::build<Draft>(
        rc::gen::set(&Draft::device, below(3)),
        rc::gen::set(&Draft::group, below(3)),
        rc::gen::set(&Draft::quality, below(4)),
        rc::gen::set(&Draft::redacted, rc::gen::map(below(4), [](unsigned n) { return n == 3; })),
        rc::gen::set(&Draft::fate,
                     rc::gen::weightedElement<Fate>(
                         {{4, Fate::kAccepted}, {1, Fate::kReleased}, {2, Fate::kHidden}})),
        rc::gen::set(&Draft::author_first),
        rc::gen::set(&Draft::names,
                     rc::gen::container<std::vector<std::pair<unsigned, unsigned>>>(
                         rc::gen::pair(below(3), rc::gen::inRange(1U, 6U)))));
}

/// One delivery of one write, in one of its forms.
struct Delivery {
    const TestWrite* write = nullptr;
    Fate as = Fate::kAccepted;

    void to(EntityState& state) const {
        if (as == Fate::kHidden)
            write->hide(state);
        else
            write->put(state);
    }
};

/// The writes of some drafts, received in a random order, and everything that may be delivered.
class Scene {
  public:
    Scene(const std::vector<Draft>& drafts, std::uint32_t seed) : random_(seed) {
        std::vector<std::uint64_t> places(drafts.size());
        for (std::size_t i = 0; i < places.size(); ++i) places[i] = i + 1;
        std::ranges::shuffle(places, random_);
        std::array<std::uint64_t, 3> seq{};
        for (std::size_t i = 0; i < drafts.size(); ++i) {
            writes_.push_back(write_of(drafts[i], ++seq[drafts[i].device]));
            writes_.back().received(places[i]);
        }
        for (std::size_t i = 0; i < drafts.size(); ++i) {
            const Draft& draft = drafts[i];
            if (draft.fate != Fate::kHidden) deliveries_.push_back({&writes_[i], Fate::kAccepted});
            if (draft.fate != Fate::kAccepted) deliveries_.push_back({&writes_[i], Fate::kHidden});
            if (draft.author_first) early_.push_back(&writes_[i]);
        }
    }

    /// Everything in a random order, with repeats.
    EntityState shuffled() {
        EntityState state;
        for (const TestWrite* write : early_)
            if (random_() % 2 == 0) write->put_unreceipted(state);
        auto queue = deliveries_;
        for (const Delivery& again : deliveries_)
            if (random_() % 2 == 0) queue.push_back(again);
        std::ranges::shuffle(queue, random_);
        for (const Delivery& delivery : queue) delivery.to(state);
        return state;
    }

    std::vector<Delivery> some() {
        std::vector<Delivery> out;
        for (const Delivery& delivery : deliveries_)
            if (random_() % 2 == 0) out.push_back(delivery);
        std::ranges::shuffle(out, random_);
        return out;
    }

    std::mt19937& random() { return random_; }

  private:
    static TestWrite write_of(const Draft& draft, std::uint64_t seq) {
        TestWrite write{draft.device + 1, seq};
        constexpr std::int64_t quality[] = {99, 8, 2, 1};
        if (draft.group == 2) {
            write.in({kName.table, hud::kLifeGroup}).kind(OpKind::kVoid);
        } else {
            if (draft.group == 1) write.kind(OpKind::kCreate);
            write.name("Ana " + std::to_string(seq), quality[draft.quality]);
            if (draft.redacted) write.cell(hud::col::client::kNameSuffix, Redacted{});
            std::ranges::sort(write.op.cells, {}, &Cell::column);
        }
        for (const auto& [device, number] : draft.names)
            write.op.supersedes.push_back(testing::dot(device + 1, number));
        return write;
    }

    std::mt19937 random_;
    std::deque<TestWrite> writes_;
    std::vector<Delivery> deliveries_;
    std::vector<const TestWrite*> early_;
};

std::string dump(const EntityState& state) {
    std::string out;
    append_canonical(out, entity(1), state);
    return out;
}

EntityState take_in(EntityState state, const std::vector<Delivery>& deliveries) {
    for (const Delivery& delivery : deliveries) delivery.to(state);
    return state;
}

std::vector<Draft> any_drafts() { return *rc::gen::container<std::vector<Draft>>(any_draft()); }

RC_GTEST_PROP(MergeLaws, AnyOrderRepeatAndLateReceiptGivesTheSameBytes, (std::uint32_t seed)) {
    Scene scene{any_drafts(), seed};
    const std::string once = dump(scene.shuffled());
    for (int i = 0; i < 4; ++i) RC_ASSERT(dump(scene.shuffled()) == once);
}

RC_GTEST_PROP(MergeLaws, TakingInIsCommutativeAssociativeAndIdempotent, (std::uint32_t seed)) {
    Scene scene{any_drafts(), seed};
    const auto a = scene.some();
    const auto b = scene.some();
    const auto c = scene.some();
    const EntityState ab = take_in(take_in({}, a), b);
    RC_ASSERT(take_in(take_in({}, b), a) == ab);
    RC_ASSERT(take_in(take_in(ab, a), b) == ab);
    std::vector<Delivery> bc = b;
    bc.insert(bc.end(), c.begin(), c.end());
    std::ranges::shuffle(bc, scene.random());
    RC_ASSERT(take_in(ab, c) == take_in(take_in({}, a), bc));
}

RC_GTEST_PROP(MergeLaws, StateGoesOnFromItsBytesAsIfNothingHappened, (std::uint32_t seed)) {
    Scene scene{any_drafts(), seed};
    const auto before = scene.some();
    const auto after = scene.some();
    const EntityState state = take_in({}, before);
    CountedReplicas numbers;
    const auto copy = decode_state(encode_state(state, numbers), numbers);
    RC_ASSERT(copy.has_value());
    RC_ASSERT(take_in(*copy, after) == take_in(state, after));
}

RC_GTEST_PROP(MergeLaws, WinnerIsVisibleAndIndependentOfOrder, (std::uint32_t seed)) {
    Scene scene{any_drafts(), seed};
    const EntityState state = scene.shuffled();
    Siblings siblings = visible(state, kName);
    const Sibling* const best = winner(siblings, kName);
    RC_ASSERT(siblings.empty() == (best == nullptr));
    std::ranges::shuffle(siblings, scene.random());
    RC_ASSERT(winner(siblings, kName) == best);
}

std::vector<Link> any_links() {
    const auto raw =
        *rc::gen::container<std::vector<std::tuple<unsigned, unsigned, unsigned>>>(rc::gen::tuple(
            rc::gen::inRange(0U, 6U), rc::gen::inRange(0U, 6U), rc::gen::inRange(0U, 48U)));
    std::vector<Link> links;
    for (const auto& [a, b, kind] : raw)
        links.push_back({dot(1, links.size() + 1),
                         entity(a),
                         entity(b),
                         kind % 4 == 0 ? LinkVerdict::kDifferent : LinkVerdict::kSame,
                         static_cast<LinkStrength>(1 + kind / 4 % 3),
                         kind / 12});
    return links;
}

RC_GTEST_PROP(PartitionLaws, DependsOnWhatTheEdgesSayAlone, (std::uint32_t seed)) {
    std::mt19937 random{seed};
    auto links = any_links();
    std::map<EntityId, Place> places;
    for (std::uint64_t n = 0; n < 6; ++n)
        if (random() % 4 != 0) places[entity(n)] = {{static_cast<std::int64_t>(random() % 9)}, {n}};
    const FirstReceipt first = [&](EntityId id) {
        const auto at = places.find(id);
        return at == places.end() ? std::nullopt : std::optional{at->second};
    };
    const Partition once = partition(links, first);

    std::ranges::shuffle(links, random);
    for (Link& link : links) {
        link.dot = dot(random() % 9, random() % 9);  // twins say the same thing twice
        if (random() % 2 == 0) std::swap(link.a, link.b);
    }
    RC_ASSERT(partition(links, first).canon == once.canon);
    for (std::uint64_t n = 0; n < 6; ++n) {
        const auto component = component_of(links, entity(n));
        RC_ASSERT(partition(links_within(links, component), first).canon_of(entity(n)) ==
                  once.canon_of(entity(n)));
    }
    for (const auto& [member, root] : once.canon) RC_ASSERT(once.canon_of(root) == root);
}

}  // namespace
}  // namespace streetlog::sync
