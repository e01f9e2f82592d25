#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "sync/session/snapshot_reading.hpp"
#include "sync/store/agent_check.hpp"
#include "sync/store/agent_reader.hpp"
#include "sync/store/agent_types.hpp"
#include "sync/store/understands.hpp"

namespace streetlog::store {

/// Where a database was installed.
enum class Belongs : std::uint8_t { kNowhere, kHere, kElsewhere };

inline constexpr std::int32_t kAgentApplication = 0x534c4167;  // "SLAg"

/// agent.db: the field agent's log and everything made from it, through the one connection that
/// writes it. Each act is one transaction with synchronous=FULL: when it returns a value that is on
/// disk, when it returns an Error nothing of it is. One thread at a time; others read through
/// AgentReader::open.
class AgentStore {
  public:
    /// kConflict when the file already belongs to a device.
    [[nodiscard]] static Result<AgentStore> create(const std::filesystem::path& file,
                                                   const AgentSettings& settings);
    /// kNotFound when the file is not there or not set up. Replays held records that this version
    /// understands.
    [[nodiscard]] static Result<AgentStore> open(const std::filesystem::path& file,
                                                 Understands understands = catalogue_understands);

    AgentStore(AgentStore&&) noexcept;
    AgentStore& operator=(AgentStore&&) noexcept;
    ~AgentStore();

    [[nodiscard]] const AgentSettings& settings() const;
    /// The replica of `settings` must be this one's: kConflict otherwise.
    [[nodiscard]] Result<void> change_settings(const AgentSettings& settings);

    /// kTooLarge, naming the size, over sync::kRecordBytesMax; kInvalidInput without ops.
    [[nodiscard]] Result<Saved> save(const SaveRequest& request);
    /// All or none, in one transaction: for imports and load tests.
    [[nodiscard]] Result<std::vector<Saved>> save_many(std::span<const SaveRequest> requests);

    // Push
    /// What a session pushes from and offers as its cursors; lives as long as the store.
    [[nodiscard]] sync::AgentLog& log();
    /// First own record the hub is not known to have; 0 when there is none.
    [[nodiscard]] std::uint64_t oldest_unsent() const;
    /// Keeps receipts, exceptions and how far the hub has come; states learn of them by
    /// `stamp_receipts`.
    [[nodiscard]] Result<void> store_ack(const sync::PushAck& ack);
    /// Puts at most `records_max` own records again, with their receipts. Returns how many.
    [[nodiscard]] Result<std::size_t> stamp_receipts(std::size_t records_max);
    [[nodiscard]] bool fully_stamped() const;

    // Pull
    [[nodiscard]] Result<std::optional<sync::Position>> cursor(std::uint32_t scope);
    /// The page, the cursor and `now` as the time of the last pull. kMalformed leaves everything as
    /// it was.
    [[nodiscard]] Result<void> apply_page(const sync::Page& page, Instant now);
    /// Removes what is here for that scope alone, in steps, but nothing that is unsent; own records
    /// stay in the log. The next pull of the scope begins at its start.
    [[nodiscard]] Result<void> leave_scope(std::uint32_t scope);

    // Bundles of other devices (agent_carried.cpp)
    /// Keeps it until the hub has it. The same again is taken for one; if the hub refused it, it is
    /// offered once more. kTooLarge above kCarriedBytesMax in all.
    [[nodiscard]] Result<CarriedRow> carry(std::string_view name, BytesView bundle, Instant now);
    /// The hub has it, or has said why not.
    [[nodiscard]] Result<void> settle_carried(const sync::CarryAnswer& answer);
    /// A person gives up carrying it. kNotFound when it is not here.
    [[nodiscard]] Result<void> drop_carried(const Hash& digest);

    // Snapshot, instead of the log from its beginning: its pieces are kept, and loaded into tables
    // beside those that are shown. Saves go on between any two calls; nothing of it shows before
    // bootstrap_step() says so.
    /// Takes the manifest with the receipts of own records in it; goes on where it stopped if it is
    /// the same snapshot, gives up another that was not finished. Answers what is missing first.
    [[nodiscard]] Result<sync::SnapshotPlace> begin_snapshot(
        const sync::SnapshotManifest& manifest);
    /// The piece at that place. kDamaged when the chunk it completes is not what it should be: then
    /// that is to be asked for anew.
    [[nodiscard]] Result<void> store_piece(const sync::SnapshotPiece& piece);
    /// Gives up what is not live yet. Before pages are applied again.
    [[nodiscard]] Result<void> drop_snapshot();
    /// Whether bootstrap_step() has something to do.
    [[nodiscard]] bool bootstrap_due() const;
    /// One step of some milliseconds. Answers the cursor once the snapshot, with all own records on
    /// top, is what is shown; after that what was shown before is cleared away. Must not be called
    /// while pages are applied, unless it is that.
    [[nodiscard]] Result<std::optional<sync::Position>> bootstrap_step();
    /// None when no snapshot is on its way.
    [[nodiscard]] std::optional<BootstrapStatus> bootstrap() const;
    /// False once one could not be understood: until the next start the log is read instead.
    [[nodiscard]] bool loads_snapshots() const;
    /// Begins reading the scope from the start of another log than it was read from: hub sequences
    /// mean other runs there. What was read before stands until a page says that the new reading
    /// has caught up; what the new log does not have is gone then.
    [[nodiscard]] Result<void> read_anew(std::uint32_t scope);

    // Falling back and forking (sync/session/agent_recovery.cpp)
    /// Own records that the hub had and this store lacks, with their receipts. kConflict when they
    /// do not continue the log.
    [[nodiscard]] Result<void> append_own(std::span<const sync::PageRun> runs);
    /// From here on this is that incarnation of the device. Own records after `common` are stamped
    /// anew under it, in their order, with the times and the evidence they have; those up to
    /// `common` keep their names and are kept.
    [[nodiscard]] Result<void> take_incarnation(std::uint64_t common, std::uint32_t incarnation);
    /// The database may be a copy: what is in it now may be in another, too. The hub is told before
    /// anything after that is sent.
    [[nodiscard]] Result<void> suspect_copy();
    /// Receipts the store has for records of this device, under whatever incarnation, that it has
    /// later ones for as well; at most `most`, and none that the hub is known to go by.
    [[nodiscard]] Result<std::vector<sync::RunReceipt>> earlier_receipts(std::size_t most);
    /// Whether a record got another receipt since this was asked last.
    [[nodiscard]] bool take_receipts_differ();
    /// Whether the database belongs to this installation; `token` and `machine` are what is kept
    /// outside of it.
    [[nodiscard]] Result<Belongs> belongs_to(BytesView token, BytesView machine);
    [[nodiscard]] Result<void> install(BytesView token, BytesView machine);

    [[nodiscard]] Bytes session_nonce() const;
    [[nodiscard]] Result<void> set_session_nonce(BytesView nonce);
    [[nodiscard]] std::optional<Anchor> anchor() const;
    [[nodiscard]] Result<void> set_anchor(const Anchor& anchor);

    /// The receipts of own records, as sync/store/agent_check.hpp.
    [[nodiscard]] Result<EvidenceCheck> verify_evidence();

    [[nodiscard]] AgentReader& read();

    // Whole-store acts, in steps of bounded transactions or one large one; for doctor and tests.
    /// Read tables, links and canon from the states.
    [[nodiscard]] Result<void> rebuild_read();
    /// States from own records, runs, held records and receipts; then the read tables.
    [[nodiscard]] Result<void> rebuild_state();
    /// Stamps everything, then hands over the canonical text entity by entity: equal for two stores
    /// that hold the same set. Holds what people typed; for files and tests, never for logs.
    [[nodiscard]] Result<void> dump(const std::function<void(std::string_view)>& sink);
    /// The same as one hash (sync::CanonicalHash).
    [[nodiscard]] Result<Hash> dump_hash();
    /// WAL pages back into the file; call when idle.
    void checkpoint();

    struct Impl;

  private:
    explicit AgentStore(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace streetlog::store
