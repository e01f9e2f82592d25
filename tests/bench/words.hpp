#pragma once

#include <string>

#include "schema/time.hpp"
#include "tests/bench/dice.hpp"

/// Invented answers.
namespace streetlog::bench {

[[nodiscard]] std::string given_name(Dice& dice);
[[nodiscard]] std::string family_name(Dice& dice);
/// Nine digits of a number that could have been given out.
[[nodiscard]] std::string ssn(Dice& dice);
/// "1987-03-21".
[[nodiscard]] std::string birth_date(Dice& dice);
/// 40 to 200 characters, as a worker types them at the end of a contact.
[[nodiscard]] std::string note(Dice& dice);
[[nodiscard]] std::string place(Dice& dice);

}  // namespace streetlog::bench
