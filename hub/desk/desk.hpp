#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "hub/project/follower.hpp"
#include "schema/ports.hpp"
#include "sync/change/verdict.hpp"

namespace streetlog::hub {

/// What the data-quality manager asks of the hub: lateness, duplicates, conflicts, records set
/// aside, one client's record, an import, what devices are told, who is kept from them. Runs on the
/// follower's thread when the hub is running, in the command's own process when it is not. Every
/// command first brings the projection up to date.
class Desk {
  public:
    /// Lines for the person who waits.
    using Say = std::function<void(std::string)>;

    /// `random` makes the keys that a policy may need.
    Desk(Follower& follower, Random& random, Say say)
        : follower_(follower), random_(random), say_(std::move(say)) {}

    /// Whether `command`, the words of the command line joined by blanks, is one of the desk's.
    [[nodiscard]] static bool knows(std::string_view command);
    [[nodiscard]] Result<boost::json::object> run(std::string_view command,
                                                  const boost::json::object& arguments);

  private:
    using Object = boost::json::object;

    [[nodiscard]] Result<Object> dispatch(std::string_view command, const Object& arguments);
    [[nodiscard]] Result<Object> late(const Object& arguments);
    [[nodiscard]] Result<Object> duplicates();
    [[nodiscard]] Result<Object> unlink(const Object& arguments);
    [[nodiscard]] Result<Object> conflicts();
    [[nodiscard]] Result<Object> resolve(const Object& arguments);
    [[nodiscard]] Result<Object> quarantine();
    [[nodiscard]] Result<Object> decide(const Object& arguments, sync::VerdictAct act);
    [[nodiscard]] Result<Object> show(const Object& arguments);
    [[nodiscard]] Result<Object> dump(const Object& arguments);
    [[nodiscard]] Result<Object> rebuild();
    [[nodiscard]] Result<Object> import(const Object& arguments);
    [[nodiscard]] Result<Object> rule_add(const Object& arguments);
    [[nodiscard]] Result<Object> rule_list();
    [[nodiscard]] Result<Object> scope();
    [[nodiscard]] Result<Object> set_scope(const Object& arguments);
    [[nodiscard]] Result<Object> policy();
    [[nodiscard]] Result<Object> set_ssn_policy(const Object& arguments);
    [[nodiscard]] Result<Object> restrict_client(const Object& arguments, bool restricted);

    /// Writes it as a record of the hub's own, and reads it back.
    [[nodiscard]] Result<void> say_in_log(sync::Op op);

    [[nodiscard]] HubProjection::Progress progress(std::string what);

    Follower& follower_;
    Random& random_;
    Say say_;
};

}  // namespace streetlog::hub
