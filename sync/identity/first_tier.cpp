#include "sync/identity/first_tier.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "sync/change/cells.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::sync {
namespace {

/// Which two facts a key is made of; part of the hash, so that no two kinds of key ever meet.
enum class KeyKind : Byte { kSsnName = 1, kSsnBirth = 2, kNameBirth = 3 };

/// What a key is hashed from. Names are letters only, so a zero ends them without doubt.
class KeyBytes {
  public:
    explicit KeyBytes(KeyKind kind) {
        for (const char c : std::string_view{"streetlog-first-tier/1"}) add_byte(c);
        bytes_.push_back(std::to_underlying(kind));
    }

    KeyBytes& add(std::uint32_t number) {
        for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<Byte>(number >> (8 * i)));
        return *this;
    }

    KeyBytes& add(Date date) { return add(static_cast<std::uint32_t>(days_of(date))); }

    KeyBytes& add(const NormalName& name) {
        for (const std::string* part : {&name.first, &name.last}) {
            for (const char c : *part) add_byte(c);
            bytes_.push_back(0);
        }
        return *this;
    }

    [[nodiscard]] MatchKey key() const {
        const Hash hash = sha256(bytes_);
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < 8; ++i) out = out << 8 | hash[i];
        return static_cast<MatchKey>(out);
    }

  private:
    void add_byte(char c) { bytes_.push_back(static_cast<Byte>(c)); }

    Bytes bytes_;
};

/// An initial agrees with every name it begins, and an empty name with all.
bool middle_names_agree(const std::string& a, const std::string& b) {
    if (a.size() <= 1) return b.empty() || b.starts_with(a);
    if (b.size() <= 1) return a.starts_with(b);
    return a == b;
}

bool suffixes_agree(const std::string& a, const std::string& b) {
    return a.empty() || b.empty() || a == b;
}

Agreement agreement(const NormalName& a, const NormalName& b) {
    if (a.first != b.first || a.last != b.last) return Agreement::kUnequal;
    return middle_names_agree(a.middle, b.middle) && suffixes_agree(a.suffix, b.suffix)
               ? Agreement::kEqual
               : Agreement::kUnclear;
}

template <class T>
Agreement agreement(const T& a, const T& b) {
    return a == b ? Agreement::kEqual : Agreement::kUnequal;
}

template <class T>
Agreement agreement(const std::optional<T>& a, const std::optional<T>& b) {
    return a && b ? agreement(*a, *b) : Agreement::kMissing;
}

struct Named {
    Agreement state;
    std::string_view fact;
    std::int64_t millibits;
};

/// In the order they are spoken of.
std::array<Named, 3> each(const FirstTierEvidence& e) {
    return {{{e.ssn, "SSN", kSsnMillibits},
             {e.name, "full name", kNameMillibits},
             {e.birth, "date of birth", kBirthMillibits}}};
}

}  // namespace

std::int64_t FirstTierEvidence::millibits() const {
    std::int64_t sum = 0;
    for (const Named& named : each(*this))
        if (named.state == Agreement::kEqual) sum += named.millibits;
    return sum;
}

std::vector<MatchKey> keys_of(const ClientFacts& facts) {
    std::vector<MatchKey> out;
    if (facts.ssn && facts.name)
        out.push_back(KeyBytes{KeyKind::kSsnName}.add(*facts.ssn).add(*facts.name).key());
    if (facts.ssn && facts.birth)
        out.push_back(KeyBytes{KeyKind::kSsnBirth}.add(*facts.ssn).add(*facts.birth).key());
    if (facts.name && facts.birth)
        out.push_back(KeyBytes{KeyKind::kNameBirth}.add(*facts.name).add(*facts.birth).key());
    std::ranges::sort(out);
    return out;
}

std::optional<FirstTierEvidence> compare(const ClientFacts& a, const ClientFacts& b) {
    const FirstTierEvidence out{.ssn = agreement(a.ssn, b.ssn),
                                .name = agreement(a.name, b.name),
                                .birth = agreement(a.birth, b.birth)};
    const auto all = each(out);
    if (std::ranges::count(all, Agreement::kEqual, &Named::state) < 2) return std::nullopt;
    if (std::ranges::count(all, Agreement::kUnequal, &Named::state) > 0) return std::nullopt;
    return out;
}

std::string to_text(const FirstTierEvidence& evidence) {
    std::vector<std::string_view> equal;
    std::string rest;
    for (const Named& named : each(evidence)) {
        if (named.state == Agreement::kEqual)
            equal.push_back(named.fact);
        else if (named.state == Agreement::kMissing)
            rest += std::string{", no "}.append(named.fact).append(" to compare");
        else if (named.state == Agreement::kUnclear)
            rest += ", first and last name too but not the rest of it";
        else
            rest += std::string{", "}.append(named.fact).append(" differs");
    }
    std::string out;
    for (std::size_t i = 0; i < equal.size(); ++i) {
        if (i > 0) out += i + 1 == equal.size() ? " and " : ", ";
        out += equal[i];
    }
    return out.append(equal.size() == 1 ? " is equal" : " are equal").append(rest);
}

HouseholdGuard household_guard(std::span<const EntityId> a, std::span<const EntityId> b) {
    std::vector<EntityId> sorted(a.begin(), a.end());
    std::ranges::sort(sorted);
    const bool shared = std::ranges::any_of(b, [&](const EntityId& household) {
        return std::ranges::binary_search(sorted, household);
    });
    return shared ? HouseholdGuard::kSameHousehold : HouseholdGuard::kClear;
}

}  // namespace streetlog::sync
