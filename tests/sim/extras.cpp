#include "tests/sim/extras.hpp"

#include <array>
#include <fstream>
#include <utility>

namespace streetlog::sim {
namespace {

using Flag = bool Extras::*;
constexpr std::array<std::pair<std::string_view, Flag>, 6> kFlags{
    {{"scopes", &Extras::scopes},
     {"snapshots", &Extras::snapshots},
     {"carried", &Extras::carried},
     {"old-hub", &Extras::old_hub},
     {"restores", &Extras::restores},
     {"copies", &Extras::copies}}};

/// Where there is such a place: a snapshot is flushed each time.
std::filesystem::path in_memory() {
    std::error_code error;
    const std::filesystem::path memory{"/dev/shm"};
    return std::filesystem::is_directory(memory, error) ? memory
                                                        : std::filesystem::temp_directory_path();
}

}  // namespace

Extras drawn(std::uint64_t seed) {
    Dice lot{seed ^ 0x5eed0f0e87a5ULL};
    Extras out;
    for (const auto& [name, flag] : kFlags) out.*flag = lot.split(name).chance(333);
    return out;
}

std::optional<Extras> named(std::string_view list) {
    Extras out;
    if (list == "nothing") return out;
    while (!list.empty()) {
        const auto word = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), word.size() + 1));
        bool known = false;
        for (const auto& [name, flag] : kFlags)
            if (name == word) known = out.*flag = true;
        if (!known) return std::nullopt;
    }
    return out;
}

std::string list_of(const Extras& extras) {
    std::string out;
    for (const auto& [name, flag] : kFlags)
        if (extras.*flag) out += (out.empty() ? "" : ",") + std::string{name};
    return out.empty() ? "nothing" : out;
}

Shelf::Shelf() : directory_(in_memory()) {}

void Shelf::damage(Dice& dice) const {
    const auto file = path() / "scope-1.snapshot";
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || size == 0) return;
    // Under another inode, as whoever has it open goes on with what it was.
    const auto copy = path() / "copy";
    std::filesystem::copy_file(file, copy, error);
    switch (dice.below(3)) {
        case 0:
            std::filesystem::resize_file(copy, dice.below(size), error);
            break;
        case 1: {
            std::fstream bytes{copy, std::ios::in | std::ios::out | std::ios::binary};
            bytes.seekp(static_cast<std::streamoff>(dice.below(size)));
            bytes.put(static_cast<char>(dice.next()));
            break;
        }
        default:
            std::filesystem::remove(copy, error);
            std::filesystem::remove(file, error);
            return;
    }
    std::filesystem::rename(copy, file, error);
}

}  // namespace streetlog::sim
