#pragma once

#include <deque>
#include <map>
#include <memory>

#include "sync/session/evidence.hpp"
#include "sync/session/ports.hpp"
#include "sync/session/snapshot.hpp"
#include "sync/timeliness/probes.hpp"

namespace streetlog::sync {

/// Records that arrived together, checked and ready for the writer. `records` point into `body`, so
/// it is handed around by shared pointer and never changed.
struct IncomingRun {
    Replica replica;
    std::uint64_t first_seq = 0;
    std::uint32_t count = 0;
    Hash prev_hash{};
    Hash head_hash{};
    Encoding encoding = Encoding::kPlain;  // of `packed`
    std::uint32_t raw_bytes = 0;
    Bytes packed;                      // the batch as received
    Bytes body;                        // the batch unfolded; empty when opaque
    std::vector<EncodedView> records;  // `count` of them, none when opaque
    std::vector<Hash> chain;           // h(seq) of each record
    std::vector<RunReceipt> receipts;  // the device brought these along (after a hub restore)
    Bytes signature;                   // of the author, for the chain after the last record
    bool unproven = false;             // the author's signature does not fit: kept, but set aside
    bool opaque = false;     // damaged three times over: kept as bytes; only the range is known
    bool duplicate = false;  // all of it is below the acked sequence; only to be acked again

    [[nodiscard]] std::uint64_t last_seq() const { return first_seq + count - 1; }
};

/// Find out whether the device may come in; answer with on_authenticated(). The device signed its
/// Hello together with `challenge`.
struct Authenticate {
    Hello hello;
    Bytes challenge;
};

/// Give this to the writer; answer with on_committed().
struct Submit {
    std::shared_ptr<const IncomingRun> run;
};

/// A row of a scope of states: the record that wrote it last, and the hub's number of the entity.
struct RowPlace {
    HubSeq seq;
    std::int64_t row = 0;
};

/// Read the next page; answer with on_page_ready(), also when there is nothing (an empty page with
/// caught_up). One at a time for each scope.
struct ReadPage {
    std::uint32_t scope = 0;
    Position cursor;
    std::size_t max_bytes = 0;       // of the bodies
    std::optional<RowPlace> within;  // as in on_page_ready
};

/// Say which snapshot there is, with on_manifest_ready(); that may take as long as making one.
struct ReadManifest {
    std::uint32_t scope = 0;
    std::uint64_t own_from = 0;  // its own runs from this record on are to go along; 0: none
    Hash have{};                 // the one it has begun with is to be preferred
};

/// Read this piece; answer with on_piece_ready(), or with on_manifest_ready() when that snapshot is
/// not to be had.
struct ReadPiece {
    SnapshotGet get;
};

/// The device has this nonce on disk: it counts from now on, and none before it.
struct KeepNonce {
    Bytes nonce;
};

/// Read the device's own records from there on, whole runs of about that many bytes; answer with
/// on_own_ready().
struct ReadOwn {
    std::uint64_t from_seq = 0;
    std::size_t max_bytes = 0;
};

/// The device has other records than the hub after `common`, or is a possible copy. Give it an
/// incarnation that nobody has had, durably; answer with on_incarnation().
struct GrantIncarnation {
    std::uint64_t common = 0;
};

/// Records of the hub's own, proven to be, that may be missing here. Give them to the writer in
/// order; answer with on_taken_back() once, when all are on disk or of no use.
struct TakeBack {
    std::vector<std::shared_ptr<const IncomingRun>> runs;
};

/// The hub's own signed word that it received these records earlier than its log has it now.
struct LearnEarlier {
    std::vector<RunReceipt> receipts;
};

/// The device offers a bundle that it carries for another one: answer with on_carry_answer() how
/// much of it is here, or what became of it.
struct LookForCarried {
    CarryOffer offer;
};

/// The next bytes of the bundle that was offered last; answer as before, and only once they can be
/// asked for no more.
struct KeepCarried {
    CarryPiece piece;
};

/// Something came that only a faulty or hostile program sends. It has no effect.
struct Suspect {
    std::string what;
};

/// The reader has this on disk.
struct CursorConfirmed {
    std::uint32_t scope = 0;
    Position cursor;
};

/// End the connection once what was sent before is out.
struct Close {
    WireCode reason = WireCode::kNone;
    std::string detail;
};

using HubAction = std::variant<Send,
                               Authenticate,
                               Submit,
                               ReadPage,
                               ReadManifest,
                               ReadPiece,
                               KeepNonce,
                               ReadOwn,
                               GrantIncarnation,
                               TakeBack,
                               LearnEarlier,
                               LookForCarried,
                               KeepCarried,
                               Suspect,
                               CursorConfirmed,
                               Close>;

struct HubSessionConfig {
    DeviceId hub;
    std::uint64_t epoch = 0;
    std::uint64_t features = 0;                    // as in HelloAck
    std::optional<SigningKey> key;                 // the hub's; none: what is sent is not signed
    std::uint64_t push_window_bytes = 512 * 1024;  // batches a device may have in flight
    std::size_t page_bytes_max = 192 * 1024;
    std::uint32_t damage_max = 3;  // as often a batch may be damaged before it is taken as it is
};

/// Whether the device's log and what the hub has of it fit each other: kOk, kRolledBack or kForked.
/// `acked_seq` and `acked_hash` are the hub's. A device that is ahead compares the rest itself.
[[nodiscard]] HelloVerdict judge_heads(const Hello& hello,
                                       std::uint64_t acked_seq,
                                       const Hash& acked_hash,
                                       HubLog& log);

/// What the hub knows about the device that said Hello. `verdict` has the heads in it.
struct DeviceGrant {
    HelloVerdict verdict = HelloVerdict::kUnknownDevice;
    std::uint64_t acked_seq = 0;
    Hash acked_hash{};
    std::vector<ScopeGrant> scopes;
    std::uint32_t bundle = 0;
    std::uint32_t policy = 0;
    std::optional<PublicKey> key;  // the device's; none: its batches come unsigned
    Bytes next_nonce;
    std::vector<OlderReplica> older;
    std::vector<OlderReplica> hubs;
    std::uint64_t safe_seq = 0;
};

/// The outcome of one submitted run; they come in the order of submission.
struct CommitResult {
    std::uint64_t acked_seq = 0;  // of the replica, now on disk
    std::vector<RunReceipt> receipts;
    std::vector<RecordException> exceptions;
    std::uint64_t safe_seq = 0;
    Position head;  // of the hub's log, after it
};

/// The hub's side of one connection. No I/O, no clock, not thread-safe. Feed it what happens, then
/// carry out take_actions() in order; after Close it ignores everything.
///
/// Invariants: an ack never names a sequence above the newest CommitResult; runs are submitted
/// without gap or overlap and each starts at the chain hash where the one before ended.
class HubSession {
  public:
    HubSession(HubLog& log, HubSessionConfig config);

    /// Sends the Challenge. `nonce` is random and at least 16 bytes.
    void start(Bytes nonce, Instant hub_now);

    void on_message(BytesView message, Instant hub_now);
    void on_authenticated(const DeviceGrant& grant, Instant hub_now);
    void on_committed(const CommitResult& result);

    /// The writer could not take it (disk full, stopping). The session ends; the device tries
    /// again.
    void on_commit_failed(WireCode code, Millis retry_after);

    /// The log has grown to here.
    void on_feed(HubSeq head);
    /// `within`: the page ends in the middle of what one record wrote, with that row, and its
    /// cursor stays before the record.
    void on_page_ready(Page page, const std::optional<RowPlace>& within = {});

    /// What scopes of states are made from has got to here.
    void on_projected(HubSeq at);
    /// The page that was asked for cannot be read before the next on_projected().
    void on_page_later(std::uint32_t scope);
    void on_manifest_ready(SnapshotManifest manifest);
    void on_piece_ready(const SnapshotPiece& piece);

    void on_own_ready(OwnRecords records);
    void on_incarnation(std::uint32_t incarnation);
    void on_taken_back();
    void on_carry_answer(CarryAnswer answer);

    /// Withholds new credit while true; gives what is due when it turns false.
    void on_pressure(bool pressed);
    void on_closed();

    /// Sends an Error and closes; for BUSY, MAINTENANCE, REVOKED.
    void refuse(WireCode code, Millis retry_after, std::string detail);

    [[nodiscard]] std::vector<HubAction> take_actions();

    [[nodiscard]] bool done() const { return state_ == State::kDone; }

    /// The other side has not said yet who it is.
    [[nodiscard]] bool awaits_hello() const { return state_ == State::kAwaitHello; }

    [[nodiscard]] const Replica& replica() const { return hello_.replica; }

    [[nodiscard]] const Hello& hello() const { return hello_; }

    /// The device's boot clock against the hub's, from the probes so far; nothing before the second
    /// probe of a session.
    [[nodiscard]] std::optional<SessionClock> session_clock() const;

  private:
    enum class State : std::uint8_t { kNew, kAwaitHello, kAuthenticating, kLive, kDone };

    struct InFlight {
        std::uint64_t last_seq = 0;
        Hash head{};
        std::uint64_t cost = 0;
    };

    struct Reading {
        Position sent;                   // cursor after the last page sent
        std::optional<RowPlace> within;  // rows behind `sent` were sent as well, up to this one
        std::uint64_t granted = 0;       // total credit given by the reader
        std::uint64_t used = 0;
        bool page_due = false;          // a ReadPage is under way
        bool tail_unconfirmed = false;  // a page up to the end of the log is on the way
        bool told_caught_up = false;    // the reader knows that `sent` is the end
        bool more = true;               // there may be something after `sent`
    };

    void on_hello(const Hello& m);
    void on_probe(const Probe& m, Instant hub_now);
    void on_push(Push m, std::size_t bytes);
    void on_pull(const Pull& m);
    void on_snapshot_ask(const SnapshotAsk& m);
    void on_snapshot_get(const SnapshotGet& m);
    [[nodiscard]] bool may_load(std::uint32_t scope) const;
    void on_nonce_kept(NonceKept m);
    void on_ask_own(const AskOwn& m);
    void on_compare(const Compare& m);
    void on_ask_incarnation(const AskIncarnation& m);
    void on_reoffer(Reoffer m);
    [[nodiscard]] std::shared_ptr<const IncomingRun> own_again(PageRun run);
    void on_earlier(Earlier m);
    void on_carry_offer(const CarryOffer& m);
    void on_carry_piece(CarryPiece m);
    void keep_proven(std::vector<RunReceipt>& receipts, const IncomingRun& run);
    [[nodiscard]] bool proven(const Push& m) const;
    void prove(std::vector<PageRun>& runs) const;
    void push_in_order(Push m, std::uint64_t cost);
    void push_again(const Push& m, std::uint64_t cost);
    [[nodiscard]] Result<void> open(const Push& m, IncomingRun& run) const;
    /// `readable`: only the signature does not fit.
    void damaged(Push m,
                 std::uint64_t cost,
                 std::string why,
                 std::shared_ptr<IncomingRun> readable = nullptr);
    void submit(std::shared_ptr<const IncomingRun> run, std::uint64_t cost);
    void rewind(WireCode code, std::string detail);
    void read_more(std::uint32_t scope, Reading& reading);
    void drop_known_receipts(Page& page) const;
    void send_ack(const CommitResult& result);
    [[nodiscard]] std::uint64_t credit();
    [[nodiscard]] bool allow_small(Instant hub_now);
    void send(const Message& m, SendLane lane);
    void close(WireCode code, std::string detail);

    HubLog& log_;
    HubSessionConfig config_;
    State state_ = State::kNew;
    std::vector<HubAction> actions_;
    Bytes challenge_;
    Hello hello_;
    std::optional<PublicKey> device_key_;
    Bytes next_nonce_;
    bool custody_only_ = false;
    bool recovering_ = false;       // the heads did not fit: nothing is pushed or pulled
    bool own_due_ = false;          // a ReadOwn is under way
    bool incarnation_due_ = false;  // a GrantIncarnation is, or was
    bool taking_back_ = false;      // a TakeBack is under way
    RecordKey taken_back_;          // last record of the newest, and its chain
    Hash taken_back_hash_{};
    std::vector<ScopeGrant> scopes_;

    std::uint64_t acked_seq_ = 0;
    std::uint64_t acked_at_hello_ = 0;
    std::uint64_t safe_seq_ = 0;
    std::uint64_t submitted_seq_ = 0;  // last of the newest run given to the writer
    Hash submitted_hash_{};
    std::deque<InFlight> in_flight_;
    bool rewinding_ = false;  // the device was told to rewind; what it sent before is dropped
    std::uint64_t damaged_seq_ = 0;
    std::uint32_t damaged_times_ = 0;

    std::uint64_t received_ = 0;  // push credit used, total
    std::uint64_t settled_ = 0;   // part of it that is committed or was refused
    std::uint64_t granted_ = 0;   // push credit given, total; never falls
    bool pressed_ = false;

    std::map<std::uint32_t, Reading> readings_;
    HubSeq feed_head_;

    std::optional<Instant> answered_;  // when the last probe was answered
    std::optional<HubProbe> tightest_;
    Probe tightest_said_;

    CarryOffer carried_;              // offered last; no bytes: none, or it was answered for
    std::uint64_t carried_have_ = 0;  // of it, as the device was told
    bool carried_due_ = false;        // an answer is

    std::int64_t small_left_ = 64;  // control messages the device may still send
    Instant small_since_;
};

}  // namespace streetlog::sync
