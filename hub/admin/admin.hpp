#pragma once

#include <boost/json/object.hpp>

#include "hub/ingest/ledger.hpp"
#include "hub/trust/authority.hpp"

namespace streetlog::hub {

/// The hub's administration: what a command line asks for, done where the log is written. Runs on
/// the writer's thread when the hub is running, in the command's own process when it is not.
class Admin {
  public:
    Admin(Ledger& ledger, Random& random) : ledger_(ledger), random_(random) {}

    /// `command` is the words of the command line joined by blanks ("device add"). kUsage for one
    /// that is not known; other errors as the command says.
    [[nodiscard]] Result<boost::json::object> run(std::string_view command,
                                                  const boost::json::object& arguments);

  private:
    [[nodiscard]] Result<boost::json::object> user_add(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> user_list();
    [[nodiscard]] Result<boost::json::object> status();
    [[nodiscard]] Result<boost::json::object> verify();

    Ledger& ledger_;
    Random& random_;
};

/// Makes a new hub in `directory`: its id, an empty log, its authority. kConflict when there is one
/// already. A simulated clock is copied to `directory`/clock and holds for everything the hub ever
/// does.
[[nodiscard]] Result<DeviceId> init_hub(const std::filesystem::path& directory,
                                        Random& random,
                                        const KeepRootKey& keep,
                                        const std::filesystem::path& simulated_clock = {});

}  // namespace streetlog::hub
