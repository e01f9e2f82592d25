#pragma once

#include "hub/feed/page_reader.hpp"
#include "hub/feed/snapshot_shelf.hpp"
#include "hub/ingest/carried_intake.hpp"
#include "hub/ingest/writer.hpp"
#include "hub/recovery/admission.hpp"
#include "schema/log.hpp"
#include "schema/ports.hpp"
#include "sync/net/peer.hpp"
#include "sync/session/hub_session.hpp"

namespace streetlog::hub {

/// What every peer of the hub shares. Pages are read on the peers' thread: a page is at most one
/// message, and the log lies in the page cache.
struct PeerSides {
    PageReader& pages;
    Clock& clock;
    Random& random;
    Logger& log;
    DeviceId hub;
    std::optional<sync::SigningKey> key{};  // the hub's
    SnapshotShelf* snapshots = nullptr;     // null: every device reads the log
    CarriedIntake* carried = nullptr;       // on the writer's thread; null: none are taken
};

/// What a peer needs of the connection it lives in.
class PeerPort {
  public:
    PeerPort() = default;
    PeerPort(const PeerPort&) = delete;
    PeerPort& operator=(const PeerPort&) = delete;
    virtual ~PeerPort() = default;

    virtual void send(sync::Send&& message) = 0;

    /// Once what was sent before is out.
    virtual void close() = 0;

    /// Gives the run to the writer. `done` comes on the peer's own thread and never from inside
    /// this call; not at all when the connection is gone by then.
    virtual void submit(PreparedRun run, Writer::Done done) = 0;

    /// Has the writer carry out `job` between two groups. `done` comes as that of submit().
    virtual void write(std::function<Result<void>(Ledger&)> job,
                       std::function<void(Result<void>)> done) = 0;

    /// More is queued for the writer than it should be.
    [[nodiscard]] virtual bool pressed() const = 0;
};

/// One device as the hub meets it, without the connection: carries out what HubSession decides on
/// the log and the writer. One thread.
class DevicePeer : private sync::HubLog {
  public:
    /// `who` has shown a good certificate and is let in.
    DevicePeer(const PeerSides& sides, PeerPort& port, const net::Peer& who);

    /// Sends the Challenge.
    void start();
    void on_message(sync::BytesView message);
    void on_closed();
    /// The log has grown to here.
    void on_feed(HubSeq head);
    /// The projection has taken the log in up to here.
    void on_projected(HubSeq at);
    /// The shelf has a new snapshot, or could not make one.
    void on_snapshot();
    /// Sends an Error and ends the session.
    void refuse(sync::WireCode code, Millis retry_after, std::string detail);

    [[nodiscard]] bool done() const { return session_.done(); }

    /// The other side has not said yet who it is.
    [[nodiscard]] bool awaits_hello() const { return session_.awaits_hello(); }

  private:
    std::optional<sync::Hash> hash_at(const sync::Replica& replica, std::uint64_t seq) override;

    void act();
    void authenticate(const sync::Authenticate& who);
    void let_in(const sync::DeviceGrant& grant);
    void keep_nonce(const sync::Bytes& nonce);
    void read_own(const sync::ReadOwn& request);
    void grant_incarnation(std::uint64_t common);
    void take_back(const sync::TakeBack& back);
    void on_taken_back(bool stored);
    void suspect(const std::string& what);
    void learn_earlier(const sync::LearnEarlier& learn);
    void look_for(const sync::CarryOffer& offer);
    void keep_carried(sync::KeepCarried keep);
    void carry(std::function<Result<CarriedIntake::Answer>(Ledger&)> step,
               const sync::Hash& digest);
    void on_carried(const CarriedIntake::Answer& answer, const sync::Hash& digest);
    void submit(const std::shared_ptr<const sync::IncomingRun>& run);
    void on_ingested(const Result<IngestResult>& result);
    void read_page(const sync::ReadPage& request);
    [[nodiscard]] bool offers_snapshot(const sync::Hello& hello, const sync::ScopeGrant& grant);
    void read_manifest(const sync::ReadManifest& request);
    void answer_manifest(std::shared_ptr<SnapshotFile> file);
    void read_piece(const sync::ReadPiece& request);

    const PeerSides& sides_;
    PeerPort& port_;
    net::Peer who_;
    sync::HubSession session_;
    std::shared_ptr<SnapshotFile> snapshot_;            // what this device reads
    std::optional<sync::ReadManifest> wants_snapshot_;  // while one is being made
    std::size_t taking_back_ = 0;                       // runs that the writer has not answered for
};

}  // namespace streetlog::hub
