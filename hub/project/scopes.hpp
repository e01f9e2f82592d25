#pragma once

#include <unordered_map>
#include <vector>

#include "sync/store/entity_states.hpp"

namespace streetlog::hub {

/// What belongs to which project, and when it was written last: devices that serve some projects
/// are told from this, in the order of the log, and nobody reads the log for it.
///
/// - A stay, and whatever else names a project when it is made, belongs to that project for good.
/// - A client belongs to every project where there is a stay of theirs.
/// - Everything else belongs where the entity does that its create names: a contact to the project
///   of the stay, a contact point to all projects of the client.
///
/// What enters a scope counts as written there and then, with all that hangs on it. Kept while the
/// projection takes the log in, and made anew with it; a function of the log alone. One thread,
/// inside the projection's transactions.
class Scopes {
  public:
    Scopes(store::Db& db, store::EntityStates& states);

    /// The record at this place of the log writes to the entity. Before the transaction's flush.
    void wrote(EntityId id, HubSeq at) { wrote_[id] = at; }

    /// What is put in force at this place makes the entity. How many records a transaction takes in
    /// makes no difference to where it enters.
    void made(EntityId id, HubSeq at) { made_.emplace(id, at); }

    /// A run of the hub's own has something that every device needs.
    void office_run(HubSeq first) { office_.with(first.value).run(); }

    /// Call for each entity once its own row is written.
    void note(const store::EntitySlot& slot);
    /// Call when all rows are.
    void settle();

    void clear();
    /// After a rollback.
    void forget();

  private:
    struct Noted {
        std::int64_t eno = 0;
        HubSeq at;
        EntityId project;  // its create names it; nil: none
        EntityId client;   // of a stay; nil: none
        HubSeq made;       // in this transaction, else where it was written
    };

    [[nodiscard]] std::int64_t scope_of(EntityId project);
    [[nodiscard]] std::vector<std::int64_t> scopes_of(std::int64_t eno, int depth = 0);
    void find_home(const Noted& noted);
    void enter(std::int64_t scope, std::int64_t eno, HubSeq at, int depth = 0);

    store::Db& db_;
    store::EntityStates& states_;
    std::unordered_map<EntityId, HubSeq> wrote_, made_;
    std::vector<Noted> noted_;
    store::Stmt scope_get_, scope_add_, home_get_, home_add_, member_of_, member_add_, change_,
        entity_, children_, office_;
};

}  // namespace streetlog::hub
