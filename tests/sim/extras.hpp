#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/dice.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::sim {

/// What a deployment has beside what every one has.
struct Extras {
    bool scopes = false;     // devices that are told of some projects only
    bool snapshots = false;  // devices come late, are replaced or lose their place, and load one
    bool carried = false;    // records come to the hub as files, too
    bool old_hub = false;    // the hub's program begins as one that does not know case notes
    bool copies = false;     // devices are copied and both are used, or come back from a copy
    bool restores = false;   // the hub's disk is lost, and a backup of it comes back
};

/// By lot: each in a third of all seeds, whatever the others are.
[[nodiscard]] Extras drawn(std::uint64_t seed);

/// "scopes,snapshots,carried,old-hub,restores,copies", some of them, or "nothing"; none when that
/// is no such list.
[[nodiscard]] std::optional<Extras> named(std::string_view list);
[[nodiscard]] std::string list_of(const Extras& extras);

/// Where the hub keeps its snapshot: a real directory, for no database is in it. Gone with this.
class Shelf {
  public:
    Shelf();

    [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }

    /// What a power cut may make of it.
    void damage(Dice& dice) const;

  private:
    test::TempDir directory_;
};

}  // namespace streetlog::sim
