#pragma once

#include <map>
#include <set>

#include "tests/sim/model.hpp"
#include "tests/sim/world.hpp"

namespace streetlog::sim {

/// A person of the client index as the log implies it.
struct IndexWanted {
    std::set<EntityId> members;
    std::map<std::uint16_t, std::set<sync::Dot>> values;  // by group
    std::map<std::uint16_t, sync::Dot> winners;           // where the model knows it
    std::optional<std::int64_t> last_seen_day;
};

/// What must hold once everybody has everything. Throws Violation.
class Audit {
  public:
    explicit Audit(World& world) : world_(world) {}

    void run();

    /// Devices that are told of some projects only: whatever they hold is as the hub has it, and
    /// the stays of their projects are there.
    void check_scopes();

  private:
    /// Of the clients of other projects such a device knows who the log says is in the client
    /// index, all of them, and of each no more than that.
    void check_index(const SimAgent& agent, const std::map<EntityId, IndexWanted>& wanted) const;
    [[nodiscard]] std::map<EntityId, IndexWanted> index_wanted() const;

    /// The hub's log against what was saved: every record once, whole, in order.
    void read_log();
    /// Each Save once.
    void check_saves();
    /// Copies are suspected where there are some, and only there.
    void check_alarms();
    void check_held(const std::set<sync::RecordKey>& held);
    void compare_dumps();
    void compare_views();
    void compare_verdicts();
    void make_again();
    void newcomer();
    void newcomer_with_snapshot();

    void same_text(const std::string& who, const std::string& got, const std::string& want);

    World& world_;
    std::vector<ModelRecord> records_;
    std::map<sync::RecordKey, const TrueRecord*> logged_;  // of devices: what each is
    std::optional<Model> model_;
    std::string dump_;
};

}  // namespace streetlog::sim
