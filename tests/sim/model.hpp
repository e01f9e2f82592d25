#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/change/codec.hpp"

/// The naive reference: every question is answered from the full set of records, by the rules of
/// tests/property/merge_model.py written down once more. It knows nothing of sync/merge or
/// sync/identity and keeps no state but the records.
namespace streetlog::sim {

/// One record with what became of it.
struct ModelRecord {
    sync::RecordKey key;
    std::optional<sync::Record> record;    // none: cannot be read
    std::vector<sync::HiddenWrite> edges;  // what of it may travel while it is hidden
    sync::Receipt receipt;
    bool hidden = false;
};

class Model {
  public:
    explicit Model(std::vector<ModelRecord> records);

    /// The canonical text of everything: what a store that holds these records dumps.
    [[nodiscard]] std::string dump() const;

    struct View {
        std::vector<sync::Dot> siblings;  // ascending
        std::optional<sync::Dot> winner;
        bool review = false;

        friend bool operator==(const View&, const View&) = default;
    };

    using Group = std::pair<std::uint16_t, std::uint16_t>;  // table, group

    /// The merged view of `members`; of one, its own view.
    [[nodiscard]] View view(const std::set<EntityId>& members, Group group) const;
    [[nodiscard]] std::vector<sync::Cell> cells_of(const sync::Dot& dot, Group group) const;
    [[nodiscard]] std::set<Group> groups_of(const std::set<EntityId>& members) const;

    /// The profile of an entity: everybody whom links make one person with it, itself included.
    [[nodiscard]] std::set<EntityId> profile_of(const EntityId& entity) const;
    [[nodiscard]] EntityId canon_of(const EntityId& entity) const;
    [[nodiscard]] std::vector<EntityId> entities() const;

  private:
    /// One write to one register.
    struct W {
        sync::Dot dot;
        EntityId entity;
        Group group;
        bool hidden = false;
        bool value = false;  // adds a value; else it only takes others away
        bool redacted = false;
        std::vector<sync::Dot> names;  // ascending
        sync::Receipt receipt;
        const sync::Header* header = nullptr;  // none of a hidden one
        const sync::Op* op = nullptr;
    };

    void add(const ModelRecord& record);
    [[nodiscard]] static bool counts(const W& by, const W& target);
    [[nodiscard]] std::vector<const W*> in(const std::set<EntityId>& members, Group group) const;
    [[nodiscard]] std::vector<const W*> visible(const std::set<EntityId>& members,
                                                Group group) const;
    [[nodiscard]] static std::vector<sync::Cell> cells(const W& w);
    [[nodiscard]] static int answer(const W& w);
    [[nodiscard]] static const W* best(const std::vector<const W*>& of);
    [[nodiscard]] static bool needs_review(const std::vector<const W*>& seen);
    void partition();
    void dump_entity(std::string& out, const EntityId& entity) const;

    std::vector<ModelRecord> records_;
    std::map<EntityId, std::map<Group, std::vector<W>>> writes_;
    std::map<EntityId, sync::Place> first_;
    std::map<EntityId, EntityId> canon_;
};

}  // namespace streetlog::sim
