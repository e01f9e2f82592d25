#include "tests/bench/words.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace streetlog::bench {
namespace {

constexpr std::array<std::string_view, 40> kGiven{
    "Maria", "James",  "Aisha",  "Tomas",   "Linh",   "Robert",   "Fatima", "Grace",
    "Devon", "Olga",   "Samuel", "Keisha",  "Andre",  "Yolanda",  "Hector", "Ngozi",
    "Bao",   "Ruth",   "Miguel", "Tamika",  "Walter", "Irina",    "Jamal",  "Carmen",
    "Pavel", "Denise", "Oscar",  "Leticia", "Curtis", "Mei",      "Dwayne", "Sofia",
    "Earl",  "Amina",  "Victor", "Brenda",  "Kofi",   "Lorraine", "Juan",   "Zoya"};

constexpr std::array<std::string_view, 40> kFamily{
    "Nguyen",   "Okafor",   "Smith",   "Garcia",   "Kowalski",   "Johnson", "Haddad", "Williams",
    "Petrov",   "Brown",    "Silva",   "Martinez", "Washington", "Lee",     "Abebe",  "Jackson",
    "Romero",   "Thompson", "Ivanova", "Castillo", "Freeman",    "Patel",   "Murphy", "Delgado",
    "Robinson", "Tran",     "Carter",  "Mendoza",  "Walker",     "Osei",    "Reyes",  "Baker",
    "Schmidt",  "Morales",  "Howard",  "Kaplan",   "Vargas",     "Price",   "Wells",  "Lopez"};

constexpr std::array<std::string_view, 24> kSyllables{
    "ra", "min", "to", "las", "ke", "von", "da", "shu", "el", "bri", "no",  "mar",
    "ti", "gal", "so", "ren", "wa", "jo",  "fi", "cor", "le", "han", "ysa", "du"};

constexpr std::array<std::string_view, 96> kWords{
    "met",     "at",        "the",       "outreach",  "van",        "asked",       "for",
    "a",       "bed",       "tonight",   "follow",    "up",         "with",        "case",
    "worker",  "about",     "documents", "and",       "medication", "storage",     "locker",
    "transit", "pass",      "intake",    "shelter",   "referral",   "said",        "that",
    "his",     "her",       "sister",    "brother",   "lives",      "in",          "county",
    "lost",    "phone",     "again",     "needs",     "new",        "birth",       "certificate",
    "state",   "card",      "clinic",    "on",        "Tuesday",    "Friday",      "morning",
    "after",   "noon",      "foot",      "wound",     "dressed",    "refused",     "water",
    "socks",   "blanket",   "tent",      "moved",     "from",       "bridge",      "park",
    "library", "station",   "parking",   "lot",       "behind",     "church",      "street",
    "quiet",   "talkative", "tired",     "cold",      "sober",      "dog",         "named",
    "friend",  "camp",      "cleared",   "city",      "crew",       "voucher",     "landlord",
    "waiting", "list",      "number",    "veteran",   "office",     "appointment", "missed",
    "kept",    "detox",     "coffee",    "breakfast", "mail"};

constexpr std::array<std::string_view, 12> kStreets{"Main",
                                                    "Harbor",
                                                    "Mission",
                                                    "Third",
                                                    "Alameda",
                                                    "Cedar",
                                                    "Union",
                                                    "Market",
                                                    "Olive",
                                                    "Grand",
                                                    "Pier",
                                                    "Depot"};

/// Half of the names are common ones, the others made up.
template <std::size_t N>
std::string name(Dice& dice, const std::array<std::string_view, N>& common) {
    if (dice.percent(50)) return std::string{dice.pick(common)};
    std::string out;
    for (std::int64_t n = dice.between(2, 4); n > 0; --n) out += dice.pick(kSyllables);
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
}

}  // namespace

std::string given_name(Dice& dice) { return name(dice, kGiven); }

std::string family_name(Dice& dice) { return name(dice, kFamily); }

std::string ssn(Dice& dice) {
    return fmt::format(
        "{:03}{:02}{:04}", dice.between(1, 665), dice.between(1, 99), dice.between(1, 9999));
}

std::string birth_date(Dice& dice) {
    return fmt::format(
        "{}-{:02}-{:02}", dice.between(1940, 2023), dice.between(1, 12), dice.between(1, 28));
}

std::string note(Dice& dice) {
    const auto length = static_cast<std::size_t>(dice.between(40, 200));
    std::string out;
    while (out.size() < length) {
        if (!out.empty()) out += dice.percent(8) ? ", " : " ";
        if (dice.percent(4)) {
            out += std::to_string(dice.between(1, 900));
        } else if (dice.percent(4)) {
            out += given_name(dice);
        } else {
            out += dice.pick(kWords);
        }
    }
    return out;
}

std::string place(Dice& dice) {
    return fmt::format("{} St and {}", dice.pick(kStreets), dice.between(1, 99));
}

}  // namespace streetlog::bench
