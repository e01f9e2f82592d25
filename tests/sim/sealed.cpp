#include "tests/sim/sealed.hpp"

#include <sodium.h>

#include "tests/sim/truth.hpp"

namespace streetlog::sim {
namespace {

Dice* source = nullptr;  // libsodium takes a function, and nothing else, as its source of chance

std::uint32_t number() { return static_cast<std::uint32_t>(source->next()); }

void fill(void* out, std::size_t size) {
    auto* bytes = static_cast<unsigned char*>(out);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(source->next());
}

const char* name() { return "the simulator's dice"; }

randombytes_implementation dice_source{name, number, nullptr, nullptr, fill, nullptr};

}  // namespace

sync::Bytes sealed_with(const sync::Bundle& bundle,
                        const sync::SigningKey& device,
                        const sync::PublicKey& hub,
                        Dice& dice) {
    Dice own = dice.split("seal");
    source = &own;
    if (sodium_init() < 0) Truth::broken("libsodium does not start");
    randombytes_set_implementation(&dice_source);
    auto sealed = sync::write_bundle(bundle, device, hub);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
    source = nullptr;
    if (!sealed) Truth::broken("a bundle cannot be sealed: " + sealed.error().message);
    return *std::move(sealed);
}

}  // namespace streetlog::sim
