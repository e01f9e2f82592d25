#pragma once

#include "sync/store/agent_types.hpp"
#include "sync/store/entity_reader.hpp"
#include "sync/store/index_reader.hpp"

namespace streetlog::store {

/// An own record that the hub did not accept; still shown to its author until it is rejected.
struct RefusedRecord {
    std::uint64_t seq = 0;
    sync::RecordStatus status = sync::RecordStatus::kQuarantined;
    sync::StatusCode code = sync::StatusCode::kNone;
    bool rejected = false;
    std::vector<EntityId> entities;
};

struct AgentStatus {
    std::uint64_t saved = 0;      // own records in all
    std::uint64_t unsent = 0;     // of those, not on the hub's disk as far as known
    std::uint64_t safe = 0;       // of this incarnation, in a verified backup of the hub
    bool suspected_copy = false;  // the hub will give this device another number
    std::uint64_t oldest_unsent_seq = 0;
    std::optional<Instant> oldest_unsent_occurred;  // its interaction time
    std::optional<Instant> last_receipt;            // hub time of the newest receipt
    std::optional<Instant> last_pull;
    HubSeq newest_hub;
    std::uint64_t quarantined = 0;  // own records, not rejected or released since
    std::uint64_t held_by_hub = 0;
    std::uint64_t held_here = 0;  // of others: this version cannot read them yet
    std::uint64_t clients = 0;
};

/// Reads agent.db. Every answer comes from committed data alone, or, through the store's own
/// reader, from the store's connection. One thread at a time. Reads throw nothing: what fails is
/// an Error.
class AgentReader : public EntityReader {
  public:
    /// A query-only connection beside a running agent.
    [[nodiscard]] static Result<AgentReader> open(const std::filesystem::path& file);

    AgentReader(AgentReader&&) noexcept;
    AgentReader& operator=(AgentReader&&) noexcept;
    ~AgentReader();

    [[nodiscard]] Result<AgentSettings> settings();
    [[nodiscard]] Result<AgentStatus> status();

    [[nodiscard]] Result<std::vector<RefusedRecord>> refused();
    /// What is carried for others, the oldest first.
    [[nodiscard]] Result<std::vector<CarriedRow>> carried();

    /// As EntityReader; somebody known from the client index alone is a client.
    [[nodiscard]] Result<EntityRow> entity_of(EntityId id);
    /// What the client index says of the person, whoever else says something of them.
    [[nodiscard]] Result<std::optional<IndexEntry>> index_entry(EntityId id);
    /// As EntityReader, beside those the client index knows, and when the device last heard from
    /// the hub.
    [[nodiscard]] Result<FindResult> find(const FindQuery& query);

    /// Own record `seq`, as it was saved.
    [[nodiscard]] Result<sync::Record> own_record(std::uint64_t seq);

  private:
    friend class AgentStore;
    struct Impl;

    explicit AgentReader(std::unique_ptr<Impl> impl);
    [[nodiscard]] Result<sync::Bytes> ssn_key();
    /// The store's own reader, when the device takes another incarnation.
    void name_self(const sync::Replica& self);

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::store
