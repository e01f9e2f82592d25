#pragma once

#include "sync/session/bundle.hpp"
#include "tests/sim/dice.hpp"

namespace streetlog::sim {

/// The file of a bundle. What is random in its seal comes from `dice`, so that the same seed gives
/// the same bytes.
[[nodiscard]] sync::Bytes sealed_with(const sync::Bundle& bundle,
                                      const sync::SigningKey& device,
                                      const sync::PublicKey& hub,
                                      Dice& dice);

}  // namespace streetlog::sim
