// What sync/identity/first_tier.hpp and fold_letters.hpp promise, on random clients who share
// names, numbers and birthdays often enough to meet, and on any bytes for names.
#include <algorithm>
#include <ostream>

#include <gtest/gtest.h>
#include <rapidcheck.h>
// After gtest, which it does not include.
#include <rapidcheck/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/identity/first_tier.hpp"
#include "sync/identity/fold_letters.hpp"
#include "sync/identity/link_ops.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

namespace col = hud::col::client;

/// What was typed of a client: indexes into small stocks, so that clients meet.
struct Typed {
    unsigned first = 0;
    unsigned middle = 0;
    unsigned last = 0;
    unsigned suffix = 0;
    unsigned ssn = 0;
    unsigned birth = 0;
    unsigned name_quality = 0;
    unsigned ssn_quality = 0;
    unsigned birth_quality = 0;
};

std::ostream& operator<<(std::ostream& out, const Typed& t) {
    return out << "name " << t.first << '/' << t.middle << '/' << t.last << '/' << t.suffix << " ("
               << t.name_quality << ") ssn " << t.ssn << " (" << t.ssn_quality << ") birth "
               << t.birth << " (" << t.birth_quality << ')';
}

constexpr const char* kFirsts[] = {"Ana", "ANA", "Ann", "Unknown"};
constexpr const char* kMiddles[] = {"", "L", "Luz", "Maria"};
constexpr const char* kLasts[] = {"N\u00fa\u00f1ez", "Nunez Jr", "NU\u0301N\u0303EZ", "King"};
constexpr const char* kSuffixes[] = {"", "Jr", "Sr", "PhD"};
constexpr const char* kNumbers[] = {"512834097", "512-83-4097", "512834098", "078051120"};
constexpr std::int64_t kDays[] = {3'746, 3'747, -25'567, 60'000};
constexpr std::int64_t kQualities[] = {1, 1, 1, 2};

rc::Gen<Typed> any_typed() {
    const auto four = [] { return rc::gen::inRange(0U, 4U); };
    return rc::gen::build<Typed>(rc::gen::set(&Typed::first, four()),
                                 rc::gen::set(&Typed::middle, four()),
                                 rc::gen::set(&Typed::last, four()),
                                 rc::gen::set(&Typed::suffix, four()),
                                 rc::gen::set(&Typed::ssn, four()),
                                 rc::gen::set(&Typed::birth, four()),
                                 rc::gen::set(&Typed::name_quality, four()),
                                 rc::gen::set(&Typed::ssn_quality, four()),
                                 rc::gen::set(&Typed::birth_quality, four()));
}

ClientFacts facts_of(const Typed& t) {
    const std::vector<Cell> name{{col::kFirstName, std::string{kFirsts[t.first]}},
                                 {col::kMiddleName, std::string{kMiddles[t.middle]}},
                                 {col::kLastName, std::string{kLasts[t.last]}},
                                 {col::kNameSuffix, std::string{kSuffixes[t.suffix]}},
                                 {col::kNameDataQuality, kQualities[t.name_quality]}};
    const std::vector<Cell> ssn{{col::kSSN, std::string{kNumbers[t.ssn]}},
                                {col::kSSNDataQuality, kQualities[t.ssn_quality]}};
    const std::vector<Cell> birth{{col::kDOB, kDays[t.birth]},
                                  {col::kDOBDataQuality, kQualities[t.birth_quality]}};
    constexpr Date kLatest{std::chrono::sys_days{std::chrono::days{20'000}}};
    return client_facts({.name = name, .ssn = ssn, .birth = birth}, kLatest);
}

bool share_a_key(const ClientFacts& a, const ClientFacts& b) {
    const auto of_a = keys_of(a);
    return std::ranges::any_of(keys_of(b),
                               [&](MatchKey key) { return std::ranges::binary_search(of_a, key); });
}

RC_GTEST_PROP(FirstTierProperties, WhoAreOnePersonShareAKey, ()) {
    const ClientFacts a = facts_of(*any_typed());
    const ClientFacts b = facts_of(*any_typed());
    const auto evidence = compare(a, b);
    RC_CLASSIFY(evidence.has_value(), "one person");
    if (evidence) RC_ASSERT(share_a_key(a, b));
}

RC_GTEST_PROP(FirstTierProperties, WhoComparesWithWhomDoesNotMatter, ()) {
    const ClientFacts a = facts_of(*any_typed());
    const ClientFacts b = facts_of(*any_typed());
    RC_ASSERT(compare(a, b) == compare(b, a));
}

/// The rule in the words of its definition, written once more without any of its code.
RC_GTEST_PROP(FirstTierProperties, AgreesWithTheDefinition, ()) {
    const ClientFacts a = facts_of(*any_typed());
    const ClientFacts b = facts_of(*any_typed());
    int equal = 0;
    bool contradicted = false;
    if (a.ssn && b.ssn) {
        equal += *a.ssn == *b.ssn ? 1 : 0;
        contradicted = contradicted || *a.ssn != *b.ssn;
    }
    if (a.birth && b.birth) {
        equal += *a.birth == *b.birth ? 1 : 0;
        contradicted = contradicted || *a.birth != *b.birth;
    }
    if (a.name && b.name) {
        const bool same = a.name->first == b.name->first && a.name->last == b.name->last;
        const std::string& m = a.name->middle;
        const std::string& n = b.name->middle;
        const bool initials = m.size() < 2 || n.size() < 2;
        const bool middle = m == n || m.empty() || n.empty() || (initials && m[0] == n[0]);
        const std::string& s = a.name->suffix;
        const std::string& t = b.name->suffix;
        equal += same && middle && (s == t || s.empty() || t.empty()) ? 1 : 0;
        contradicted = contradicted || !same;
    }
    RC_ASSERT(compare(a, b).has_value() == (equal >= 2 && !contradicted));
}

RC_GTEST_PROP(FirstTierProperties, EvidenceComesBackFromALink, ()) {
    const auto evidence = compare(facts_of(*any_typed()), facts_of(*any_typed()));
    RC_PRE(evidence.has_value());
    const Op op = link_op({testing::entity(1), testing::entity(2)}, *evidence);
    RC_ASSERT(evidence_of(op.cells) == evidence);
}

RC_GTEST_PROP(FirstTierProperties,
              FoldingAnyBytesGivesLettersAndDigitsAndIsStable,
              (std::string text)) {
    std::string again;
    const auto words = fold_words(text);
    for (const std::string& word : words) {
        RC_ASSERT(!word.empty());
        for (const char c : word) RC_ASSERT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
        again += word + ' ';
    }
    RC_ASSERT(fold_words(again) == words);
}

}  // namespace
}  // namespace streetlog::sync
