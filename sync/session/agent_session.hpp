#pragma once

#include <deque>
#include <map>
#include <set>

#include "sync/session/evidence.hpp"
#include "sync/session/pace.hpp"
#include "sync/session/ports.hpp"
#include "sync/session/snapshot_reading.hpp"
#include "sync/timeliness/probes.hpp"

namespace streetlog::sync {

/// The hub let us in, and the heads fit. Comes once, before everything but StoreNonce.
struct SessionReady {
    HelloAck ack;
};

/// Store that the hub has these records. The session has checked that it was sent every one of
/// them.
struct StoreAck {
    PushAck ack;
};

/// Store this page and its `next` cursor in one transaction, then call on_page_stored(). Pages of
/// one scope come in order.
struct ApplyPage {
    Page page;
};

/// This device is no longer told of the scope: what it has of it alone, and nothing of its own
/// unsent in it, is to go.
struct LeaveScope {
    std::uint32_t scope = 0;
};

/// A snapshot is to be loaded: keep its manifest and the reader's own receipts in it, go on with
/// what is there of it, then call on_snapshot_begun(). When everything is loaded and live, call
/// on_snapshot_live().
struct BeginSnapshot {
    SnapshotManifest manifest;
};

/// Store this piece, then call on_piece_stored(). Pieces come in order.
struct StorePiece {
    SnapshotPiece piece;
};

/// The log is read instead: what was loaded of a snapshot so far must not become live any more.
struct DropSnapshot {};

/// A finished round of time probes, four of them; the one with the shortest round trip is the best.
struct SetAnchor {
    std::vector<TimeProbe> probes;
};

/// The hub signs by this key; keep it. What it does not fit from here on is not the hub's.
struct PinHubKey {
    PublicKey key{};
};

/// Keep this nonce, then call on_nonce_stored().
struct StoreNonce {
    Bytes nonce;
};

/// Own records the hub had and this device lacks. They continue the log, and their receipts fit
/// them: append both, then call on_own_appended().
struct AppendOwn {
    std::vector<PageRun> runs;
};

/// Another copy of this device has other records under the numbers after `common`. Become this
/// incarnation: what comes after `common` is stamped anew. Then call on_incarnation_taken().
struct TakeIncarnation {
    std::uint64_t common = 0;
    std::uint32_t incarnation = 0;
};

/// The hub's log is another one than this scope was read from. What was read stands until the new
/// reading has come to its end, and is replaced by it then.
struct ReadAnew {
    std::uint32_t scope = 0;
};

/// What the hub said of a carried bundle in the end; never kGoesOn. Taken, it is to go; refused, it
/// is to be kept for a person, and offered no more.
struct SettleCarried {
    CarryAnswer answer;
};

/// The session is over; a new one may be tried after that time (zero: as the back-off says).
struct Retry {
    Millis after{0};
    std::string reason;
    bool at_once = false;  // this one set something right; what it was for comes next
};

/// The session is over and a new one would end the same way until a person acts. Nothing is lost.
struct Fatal {
    WireCode code = WireCode::kNone;
    Error error;
};

/// Worth showing or logging; the session goes on.
struct Notice {
    WireCode code = WireCode::kNone;
    std::string text;
};

using AgentAction = std::variant<Send,
                                 SessionReady,
                                 StoreAck,
                                 ApplyPage,
                                 LeaveScope,
                                 BeginSnapshot,
                                 StorePiece,
                                 DropSnapshot,
                                 SetAnchor,
                                 PinHubKey,
                                 StoreNonce,
                                 AppendOwn,
                                 TakeIncarnation,
                                 ReadAnew,
                                 SettleCarried,
                                 Retry,
                                 Fatal,
                                 Notice>;

struct AgentSessionConfig {
    std::uint32_t bundle = 0;
    std::string app_version;
    std::uint64_t features = 0;
    std::uint64_t free_disk = 0;
    std::optional<SigningKey> key;     // the device's; none: what is sent is not signed
    std::optional<PublicKey> hub_key;  // as pinned; none: taken from the first Challenge, if any

    bool reads = true;  // every scope that is granted; false: only pushes
    std::uint32_t batch_records_max = kBatchRecordsMax;
    std::size_t batch_bytes_max = 192 * 1024;
    std::size_t carry_bytes_max = kCarryPieceBytesMax;
    std::uint64_t pull_window_bytes = 1024 * 1024;  // pages the hub may send ahead of our store
};

/// The device's side of one connection, from the hub's Challenge to the end. No I/O, no clock, not
/// thread-safe. Feed it what happens, then carry out take_actions() in order. After Retry or Fatal
/// it is done and ignores everything; make a new one.
///
/// Invariants: a record counts as acked only by a PushAck for something this session or an earlier
/// one sent; a cursor is confirmed to the hub only after on_page_stored().
class AgentSession {
  public:
    AgentSession(AgentLog& log, AgentSessionConfig config);

    /// `now` is read from the device's clocks when the message arrived.
    void on_message(BytesView message, const ClockEvidence& now);

    /// The connection ended. Gives Retry unless the session was over already.
    void on_closed();

    /// There may be new records in the log.
    void on_saved();

    /// The page handed out in ApplyPage is committed.
    void on_page_stored(std::uint32_t scope);

    /// What BeginSnapshot handed out is stored up to `place`.
    void on_snapshot_begun(SnapshotPlace place);
    void on_piece_stored();
    /// The snapshot is loaded, and what was read there is of `at`.
    void on_snapshot_live(const Position& at);

    /// A snapshot is being read or loaded: nothing else moves the cursor meanwhile.
    [[nodiscard]] bool in_snapshot() const { return state_ == State::kLive && snapshot_; }

    /// The nonce of StoreNonce is committed.
    void on_nonce_stored(const Bytes& nonce);

    /// The records of AppendOwn are committed.
    void on_own_appended();

    /// This device is another replica now; the session ends.
    void on_incarnation_taken();

    /// The store holds earlier receipts for own records than the hub sent: the hub is to know. A
    /// few are sent; call it once a session.
    void on_earlier(std::vector<RunReceipt> receipts);

    /// Call every 15 minutes: starts a new round of time probes.
    void on_timer(const ClockEvidence& now);

    /// Says Bye; the session is over.
    void stop();

    [[nodiscard]] std::vector<AgentAction> take_actions();

    [[nodiscard]] bool done() const { return state_ == State::kDone; }

    /// The hub has everything there was at the last look at the log.
    [[nodiscard]] bool all_acked() const;

    /// Every scope has been read to its end and stored.
    [[nodiscard]] bool caught_up() const;

    /// The hub has said of every bundle that is carried here what becomes of it.
    [[nodiscard]] bool carried() const;

  private:
    enum class State : std::uint8_t {
        kAwaitChallenge,
        kAwaitHelloAck,
        kReturning,  // own records come back
        kComparing,  // looking for the last record shared with a copy
        kRenaming,   // another incarnation was asked for
        kLive,
        kDone
    };

    /// Reading of one scope.
    struct Reading {
        struct Arrived {
            Position next;
            std::uint64_t cost = 0;
            bool caught_up = false;
        };

        Position stored;
        std::deque<Arrived> unstored;  // handed out, not yet committed
        std::uint64_t received = 0;    // credit used by pages so far
        std::uint64_t settled = 0;     // part of it whose pages are stored
        bool caught_up = false;
    };

    /// A carried bundle that the hub was offered.
    struct Carrying {
        CarriedBundle bundle;
        std::uint64_t have = 0;     // at the hub, as it said last
        std::size_t under_way = 0;  // bytes of the piece that is sent
        std::uint64_t sent_ms = 0;
        int standstills = 0;  // answers that it has no more than before
    };

    void on_challenge(const Challenge& m);
    void on_hello_ack(const HelloAck& m, const ClockEvidence& now);
    void on_probe_ack(const ProbeAck& m, const ClockEvidence& now);
    void on_push_ack(PushAck m);
    void on_page(Page m, std::size_t bytes);
    void on_error(const ErrorMessage& m);

    /// False when the heads do not fit; what sets that right has begun then.
    [[nodiscard]] bool check_heads(const HelloAck& m);
    void keep_nonce(const HelloAck& m);
    void begin_return(const HelloAck& m);
    void ask_own();
    void on_own_records(OwnRecords m);
    [[nodiscard]] bool continues_log(const PageRun& run, std::uint64_t& seq, Hash& head);
    void begin_compare();
    void compare();
    void on_common(const Common& m);
    void ask_incarnation(std::uint64_t common);
    void on_incarnation(const Incarnation& m);
    void begin_reoffer(const HelloAck& m);
    void reoffer();
    [[nodiscard]] bool proven(const RunReceipt& receipt);
    [[nodiscard]] bool proven(const std::vector<PageRun>& runs);
    void reidentified(std::string why);
    [[nodiscard]] std::uint64_t push_limit() const;
    void start_reading(const HelloAck& m);
    void start_pulling(std::uint32_t scope, bool resume);

    [[nodiscard]] bool loads_snapshots() const {
        return (config_.features & kFeatureSnapshots) != 0;
    }

    void ask_for_snapshot(const ScopeGrant& grant);
    [[nodiscard]] Result<std::uint64_t> own_from();
    void on_manifest(SnapshotManifest m);
    void on_piece(SnapshotPiece m, std::size_t bytes);
    void get_pieces();

    [[nodiscard]] bool hub_takes_carried() const {
        return (hello_ack_.features & kFeatureCarry) != 0;
    }

    void carry_on();
    void on_carry_answer(CarryAnswer m);
    void send_carried();
    void settle_carried(CarryAnswer answer);
    void send_pull(std::uint32_t scope, const Reading& reading);
    void send_probe(const ClockEvidence& now);
    void saw_round_trip(std::uint64_t ms);
    void push_while_credit();
    void store_ack(PushAck m);
    [[nodiscard]] Result<Push> next_push();
    void send(const Message& m, SendLane lane);
    void fatal(WireCode code, Error error);
    void retry(Millis after, std::string reason);
    void violation(std::string what);

    AgentLog& log_;
    AgentSessionConfig config_;
    State state_ = State::kAwaitChallenge;
    std::vector<AgentAction> actions_;
    LogHead head_;
    std::vector<ScopeCursor> cursors_;
    DeviceId hub_;
    HelloAck hello_ack_;

    // Own records that come back: how far they and their chain have come.
    std::uint64_t returned_seq_ = 0;
    Hash returned_hash_{};
    bool more_to_return_ = false;
    // The fork lies above `common_` and at or below `differing_`.
    std::uint64_t common_ = 0;
    std::uint64_t differing_ = 0;
    std::vector<std::uint64_t> compared_;
    bool reoffering_ = false;
    RecordKey reoffered_;

    bool may_push_ = false;        // the first round of probes is over
    std::uint64_t acked_seq_ = 0;  // by the hub, in this session
    std::uint64_t next_seq_ = 1;   // next to send
    std::uint64_t highest_sent_ = 0;
    std::uint64_t granted_ = 0;  // push credit, total
    std::uint64_t used_ = 0;

    std::optional<std::uint64_t> now_ms_;  // while a message is looked at
    std::uint64_t hello_ms_ = 0;
    Pace push_pace_;
    Pace pull_pace_;
    std::uint64_t last_page_ms_ = 0;  // or of the first Pull

    std::uint32_t next_probe_ = 1;
    std::vector<TimeProbe> round_;
    bool probing_ = false;

    std::map<std::uint32_t, Reading> readings_;
    std::optional<SnapshotReading> snapshot_;  // while one is read or loaded
    SnapshotManifest manifest_;                // of it, without the reader's own records
    bool resume_ = false;                      // what else the scope was granted
    std::uint64_t own_asked_ = 0;

    std::optional<Carrying> carrying_;
    std::set<Hash> answered_;  // carried bundles of which this session knows what becomes
    Pace carry_pace_;
};

}  // namespace streetlog::sync
