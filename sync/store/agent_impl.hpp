#pragma once

#include <set>

#include "sync/change/verdict.hpp"
#include "sync/session/earlier.hpp"
#include "sync/store/agent_store.hpp"
#include "sync/store/index_reader.hpp"
#include "sync/store/key_fill.hpp"
#include "sync/store/projection.hpp"
#include "sync/store/snapshot_loader.hpp"

/// Shared by the sources of AgentStore and AgentReader; nobody else includes this.
namespace streetlog::store {

/// What of the row `me` changes with every act.
struct MeState {
    AgentSettings settings;
    std::uint64_t next_seq = 1;
    Hash head{};
    HlcStamp hlc;
    std::uint64_t acked = 0;
    std::uint64_t stamped = 0;
    HubSeq newest_hub;
    std::optional<std::int64_t> last_receipt_ms;
    std::optional<std::int64_t> last_pull_ms;
    Bytes signed_head;
    std::uint64_t safe = 0;
    std::optional<std::int64_t> shared_seq;
};

/// An earlier incarnation of this device: its records after `common` have other names since.
struct Branch {
    std::uint32_t incarnation = 0;
    std::uint64_t common = 0;
    std::uint32_t successor = 0;
};

[[nodiscard]] std::vector<Branch> read_branches(Db& db);
[[nodiscard]] bool is_rebuild_due(Db& db);

/// Empty optional: the database is not set up.
[[nodiscard]] std::optional<MeState> read_me(Db& db);

/// An own record from its row: a batch body of one.
[[nodiscard]] Result<sync::Record> decode_own(BytesView body);
/// The same where it must be one; throws StorageFailure.
[[nodiscard]] sync::Record need_own(BytesView body);

/// Receipts are stored as a PushAck message that holds one.
[[nodiscard]] Bytes encode_receipt(const sync::RunReceipt& receipt);
[[nodiscard]] Result<sync::RunReceipt> decode_receipt(BytesView body);

/// A row of `run`: receipt, encoding, raw_bytes, body, hub_seq, hidden.
[[nodiscard]] Result<sync::PageRun> run_at(const Stmt& row);

/// The hidden records of a run, as a Page message that holds one run without a body.
[[nodiscard]] Bytes encode_hidden(const std::vector<sync::HiddenRecord>& hidden);
[[nodiscard]] Result<std::vector<sync::HiddenRecord>> decode_hidden(BytesView body);

/// `state` with own records that the hub did not accept put back as if unsent, unless rejected.
class RefusedOverlay {
  public:
    explicit RefusedOverlay(Db& db, Generation of = Generation::kLive);
    [[nodiscard]] std::vector<std::uint64_t> refused_on(std::int64_t eno);
    void put_back(std::span<const std::uint64_t> seqs, EntityId id, sync::EntityState& state);

  private:
    Stmt refused_, body_;
};

struct AgentReader::Impl {
    Impl(Db& connection, std::unique_ptr<Db> keep, sync::Replica replica);

    /// What the screens of this device show beside the states.
    void show(std::int64_t eno, EntityId id, sync::EntityState& state);

    std::unique_ptr<Db> owned;  // when the reader opened it itself
    Db& db;
    RefusedOverlay overlay;
    DbReplicaNumbers numbers;
    IndexReader index;
    sync::Replica self;
};

/// One generation of everything that is made from the log.
struct StateTables {
    StateTables(Db& db, DbReplicaNumbers& numbers, sync::Replica self, Generation of);

    /// Writes what was touched, own refused records put back on top.
    void flush();

    Projection projection;
    RefusedOverlay overlay;
    IndexReader index;
    Stmt run_add, run_drop, held_add, refused_add, refused_drop;
};

/// What stands between a snapshot and its being shown; the row `bootstrap`. Stored; never
/// renumbered.
enum class BootstrapPhase : std::uint8_t {
    kNone = 0,
    kLoad = 1,   // chunks arrive and are loaded, each when it is whole
    kIds = 2,    // entity_id is filled
    kKeys = 3,   // client_key is filled
    kRuns = 4,   // runs that the device had before are taken over
    kOwn = 5,    // own records are put on top; then it is shown
    kClear = 6,  // it is shown, or was given up: what is left behind goes
};

struct Bootstrap {
    BootstrapPhase phase = BootstrapPhase::kNone;
    std::int64_t generation = 0;
    Hash id{};  // of the snapshot
    sync::SnapshotManifest manifest;
    std::uint32_t chunks = 0;  // loaded
    std::int64_t run = 0;      // row of the last run taken over
    std::uint64_t own = 0;     // newest own record put on top
    std::uint64_t stamped = 0;
    bool again = false;  // the device's own snapshot, to make the states anew from it

    [[nodiscard]] bool loading() const {
        return phase != BootstrapPhase::kNone && phase != BootstrapPhase::kClear;
    }
};

struct AgentStore::Impl final : sync::AgentLog {
    Impl(Db connection, MeState state, Understands understood);

    // AgentLog
    [[nodiscard]] Result<sync::LogHead> head() override;
    [[nodiscard]] Result<sync::PushRun> read_run(std::uint64_t first_seq,
                                                 std::uint32_t max_records,
                                                 std::size_t max_bytes) override;
    [[nodiscard]] std::uint64_t whole_receipts(std::uint64_t first, std::uint64_t last);
    [[nodiscard]] Result<std::optional<Hash>> hash_at(std::uint64_t seq) override;
    [[nodiscard]] Result<std::uint64_t> first_unreceipted() override;
    [[nodiscard]] Result<std::vector<sync::ScopeCursor>> cursors() override;
    [[nodiscard]] Result<std::vector<sync::PageRun>> hub_runs(
        const std::vector<sync::OlderReplica>& has,
        const sync::RecordKey& after,
        std::size_t max_bytes) override;
    [[nodiscard]] Result<std::optional<sync::CarriedBundle>> next_carried(
        const Hash& after) override;
    [[nodiscard]] Result<Bytes> read_carried(const Hash& digest,
                                             std::uint64_t offset,
                                             std::size_t max_bytes) override;

    /// One transaction: runs `job`, flushes states, read tables and links, writes `me`, commits. On
    /// an error or StorageFailure nothing is written and memory is as before.
    [[nodiscard]] Result<void> transact(const std::function<Result<void>()>& job);
    /// The same for what can be had again: a power cut may undo the newest of these, and never
    /// anything that was saved before or between them.
    [[nodiscard]] Result<void> transact_lightly(const std::function<Result<void>()>& job);
    [[nodiscard]] Result<void> run(const std::function<Result<void>()>& job);
    [[nodiscard]] Result<void> full_again();
    void flush();
    void flush_in_steps(std::size_t& records);
    void write_me();
    void roll_back(const MeState& before);
    /// Throws away what memory has made of the database; it is read anew as it is needed.
    [[nodiscard]] Result<void> forget();

    /// Own records.
    [[nodiscard]] Result<Saved> append(const SaveRequest& request);
    [[nodiscard]] std::size_t stamp(std::size_t records_max);
    [[nodiscard]] bool stamp_one(StateTables& into, std::uint64_t seq);
    /// Something was learnt of an own record: it is to be put again.
    void news_of(std::uint64_t seq);
    [[nodiscard]] sync::Record own_record(std::uint64_t seq);
    [[nodiscard]] std::optional<sync::Receipt> receipt_of(std::uint64_t seq);
    [[nodiscard]] Result<void> check_own(const sync::RunReceipt& receipt) const;
    void keep_receipt(const sync::RunReceipt& receipt);
    void keep_exception(const sync::RecordException& exception);
    void forget_carried(const Hash& digest);
    void keep_word(const sync::RunReceipt& receipt,
                   std::span<const sync::RecordException> exceptions);
    [[nodiscard]] std::optional<sync::VerdictAct> verdict_on(const sync::RecordKey& record);

    /// Others' records.
    [[nodiscard]] Result<void> apply_run(const sync::PageRun& run, std::int64_t older);
    void keep_run(StateTables& into, const sync::PageRun& run, std::int64_t older);
    [[nodiscard]] Result<void> merge_run(StateTables& into, const sync::PageRun& run);
    [[nodiscard]] Result<void> merge_bytes(StateTables& into,
                                           const sync::EncodedView& bytes,
                                           const sync::RecordKey& key,
                                           const sync::Receipt& receipt,
                                           HubSeq hub_seq);
    void hold(StateTables& into,
              const sync::EncodedView& bytes,
              const sync::RecordKey& key,
              const sync::Receipt& receipt,
              HubSeq hub_seq);
    [[nodiscard]] Result<void> replay_held();
    [[nodiscard]] Result<void> rebuild_read();
    [[nodiscard]] Result<void> rebuild_state();
    void take_words(const sync::Record& record);
    void take_verdict(const sync::RecordVerdict& verdict);
    void take_earlier(const sync::RunReceipt& receipt);

    /// Scopes of states (agent_scopes.cpp).
    [[nodiscard]] Result<void> apply_states(const sync::Page& page);
    [[nodiscard]] Result<void> apply_scope(const sync::Page& page);
    /// The client index (agent_index.cpp).
    [[nodiscard]] Result<void> apply_index(const sync::Page& page);
    [[nodiscard]] bool leave_some_of_index();
    [[nodiscard]] std::uint64_t own_merged(HubSeq as_of);
    void put_own_on(const std::set<EntityId>& entities, HubSeq as_of);
    [[nodiscard]] std::set<EntityId> own_entities(std::uint64_t after, std::uint64_t last);
    [[nodiscard]] std::set<EntityId> own_entities_before();
    void rebuilt();
    void sweep();
    void sweep_again(std::uint64_t after);
    void unsweep(std::uint64_t after);
    void forget_in(std::uint32_t scope, EntityId id, const std::set<EntityId>& unsent);
    [[nodiscard]] bool leave_some(std::uint32_t scope, std::int64_t& after);
    void read_from_start(std::uint32_t scope);
    [[nodiscard]] std::vector<std::pair<EntityId, Bytes>> scoped_states();
    /// Falling back and forking.
    [[nodiscard]] Result<void> append_own(const sync::PageRun& run);
    [[nodiscard]] Result<void> take_incarnation(std::uint64_t common, std::uint32_t incarnation);
    void append_encoded(const sync::Record& record, const sync::EncodedRecord& encoded);
    enum class Before : std::uint8_t { kAll, kReleased };
    void put_before(StateTables& into, Before which);
    /// Everything that knows this device's replica.
    void name_self(const sync::Replica& self);
    /// What the dot is called since the device took another incarnation.
    [[nodiscard]] sync::Dot renamed(sync::Dot dot) const;
    /// Rows of `run` up to this id were read from a log that the hub does not have any more; 0:
    /// there are none.
    [[nodiscard]] std::int64_t older_runs(std::uint32_t scope);
    [[nodiscard]] Result<void> drop_older_runs(std::uint32_t scope);

    /// A snapshot on its way (agent_bootstrap.cpp).
    void read_bootstrap();
    void write_bootstrap();
    [[nodiscard]] StateTables& next_tables();
    [[nodiscard]] Result<void> begin(Bootstrap what);
    [[nodiscard]] sync::SnapshotPlace place();
    void drop_pieces_from(std::uint32_t chunk);
    [[nodiscard]] std::optional<Bytes> chunk_bytes(std::int64_t generation, std::uint32_t chunk);
    [[nodiscard]] Result<bool> bootstrap_step();
    [[nodiscard]] Result<bool> load_step();
    [[nodiscard]] Result<void> load_chunk(std::uint32_t chunk, BytesView raw);
    [[nodiscard]] std::uint64_t loaded_entities();
    [[nodiscard]] Result<SnapshotLoader*> loader_at_work();
    [[nodiscard]] Result<bool> fill_step();
    [[nodiscard]] Result<bool> runs_step();
    [[nodiscard]] Result<bool> own_step();
    void go_live();
    [[nodiscard]] bool clear_step();
    void forget_base();
    void give_up_bootstrap();
    void forget_next();
    [[nodiscard]] bool chunk_is_next();
    void live_changed();
    [[nodiscard]] Result<bool> rebuild_from_base();

    Db db;
    MeState me;
    bool light = false;  // commits are not durable at once; no act of a person until they are
    bool stale = false;  // memory could not be made to follow the disk; no act until it is
    DbReplicaNumbers numbers;
    StateTables live;
    std::vector<Branch> branches;
    bool receipts_differ = false;  // since somebody asked
    bool rebuild_due = false;      // states hold what the hub took back
    Bootstrap bootstrap;
    std::unique_ptr<StateTables> next;
    std::unique_ptr<SnapshotLoader> loader;
    std::unique_ptr<KeyFill> filling;
    int filling_kind = 0;
    bool refuses_snapshots = false;
    Understands understands;
    std::unique_ptr<AgentReader> reader;
    std::int64_t receipt_id = 0;  // of `receipt_cached`
    sync::RunReceipt receipt_cached;
    Stmt write_me_, own_add_, own_body_, own_range_, own_hash_, receipt_add_, receipt_for_,
        exception_add_, exception_of_, verdict_add_, verdict_of_, cursor_get_, cursor_set_,
        cursor_older_;
};

}  // namespace streetlog::store
