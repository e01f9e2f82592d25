#pragma once

#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "sync/store/hub_log.hpp"

/// What the hub remembers of its last verified backup: what up to there survives the loss of this
/// machine. Devices may be told so (safeSeq), and doctor judges its age.
namespace streetlog::hub {

inline constexpr std::string_view kBackupSetting = "backup";

struct LastBackup {
    Instant made;  // hub time
    store::HubHead head;
};

/// None when there never was one, or its row cannot be read.
[[nodiscard]] std::optional<LastBackup> last_backup(store::HubLog& log);

/// Inside a transaction of the caller.
void put_last_backup(store::HubLog& log, const LastBackup& backup);

/// The command "backup note": `made`, `seq` and `hash` of a backup that was just verified. A log
/// that does not have that hash there gives kConflict. Requires: the caller may write.
[[nodiscard]] Result<boost::json::object> note_backup(store::HubLog& log,
                                                      const boost::json::object& arguments);
[[nodiscard]] boost::json::object note_arguments(const LastBackup& backup);

/// {"made", "records"}, or null.
[[nodiscard]] boost::json::value shown_backup(store::HubLog& log);

}  // namespace streetlog::hub
