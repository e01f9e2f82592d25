#pragma once

#include <deque>
#include <map>
#include <memory>

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
    bool opaque = false;     // damaged three times over: kept as bytes; only the range is known
    bool duplicate = false;  // all of it is below the acked sequence; only to be acked again

    [[nodiscard]] std::uint64_t last_seq() const { return first_seq + count - 1; }
};

/// Find out whether the device may come in; answer with on_authenticated().
struct Authenticate {
    Hello hello;
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

using HubAction = std::
    variant<Send, Authenticate, Submit, ReadPage, ReadManifest, ReadPiece, CursorConfirmed, Close>;

struct HubSessionConfig {
    DeviceId hub;
    std::uint64_t epoch = 0;
    std::uint64_t push_window_bytes = 512 * 1024;  // batches a device may have in flight
    std::size_t page_bytes_max = 192 * 1024;
    std::uint32_t damage_max = 3;  // as often a batch may be damaged before it is taken as it is
};

/// What the hub knows about the device that said Hello. The session itself compares heads and may
/// turn kOk into kRolledBack or kForked.
struct DeviceGrant {
    HelloVerdict verdict = HelloVerdict::kUnknownDevice;
    std::uint64_t acked_seq = 0;
    Hash acked_hash{};
    std::vector<ScopeGrant> scopes;
    std::uint32_t bundle = 0;
    std::uint32_t policy = 0;
};

/// The outcome of one submitted run; they come in the order of submission.
struct CommitResult {
    std::uint64_t acked_seq = 0;  // of the replica, now on disk
    std::vector<RunReceipt> receipts;
    std::vector<RecordException> exceptions;
    std::uint64_t safe_seq = 0;
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
    void on_manifest_ready(const SnapshotManifest& manifest);
    void on_piece_ready(const SnapshotPiece& piece);

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
    void push_in_order(Push m, std::uint64_t cost);
    void push_again(const Push& m, std::uint64_t cost);
    [[nodiscard]] Result<void> open(const Push& m, IncomingRun& run) const;
    void damaged(Push m, std::uint64_t cost, std::string why);
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
    Hello hello_;
    bool custody_only_ = false;
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

    std::int64_t small_left_ = 64;  // control messages the device may still send
    Instant small_since_;
};

}  // namespace streetlog::sync
