#pragma once

#include "hub/project/hub_projection.hpp"

namespace streetlog::hub {

/// Records the hub is to author: header drafts with their ops, all or none.
using Drafts = std::vector<std::pair<sync::Header, std::vector<sync::Op>>>;
/// Hands drafts to whoever writes the log and waits until they are on disk.
using Author = std::function<Result<std::vector<sync::RecordKey>>(Drafts)>;

/// What follows the log: keeps the projection in step with it and says of clients that look like
/// one person that they are, in link records of the hub. One thread.
class Follower {
  public:
    Follower(HubProjection projection, store::HubLog log, Author author);

    /// Returns when the log has nothing new and no client is left to compare. A crash in between
    /// loses nothing: what was not compared is compared at the next call.
    [[nodiscard]] Result<void> catch_up(const HubProjection::Progress& progress = {});

    [[nodiscard]] HubProjection& projection() { return projection_; }

    /// Whose log it is.
    [[nodiscard]] DeviceId hub() const { return projection_.hub(); }

    [[nodiscard]] store::HubLog& log() { return log_; }

    [[nodiscard]] const Author& author() const { return author_; }

  private:
    /// False when there was nobody to compare.
    [[nodiscard]] Result<bool> match_some();

    HubProjection projection_;
    store::HubLog log_;
    Author author_;
};

}  // namespace streetlog::hub
