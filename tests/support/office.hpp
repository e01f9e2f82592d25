#pragma once

#include <stdexcept>

#include "hub/feed/page_reader.hpp"
#include "hub/feed/snapshot_build.hpp"
#include "hub/ingest/ledger.hpp"
#include "hub/project/hub_projection.hpp"
#include "sync/store/agent_store.hpp"
#include "tests/support/temp_dir.hpp"

/// A hub and its agents in one process: the real stores, ingest and pages, with function calls
/// where the network would be. What fails throws, for in a test it should not.
namespace streetlog::test {

template <class T>
T need(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// A run as it leaves the hub's I/O side. `receipts` are those the records have already, by place
/// in the run; empty: none of them has one.
inline hub::PreparedRun prepared_run(const sync::Replica& replica,
                                     const sync::PushRun& pushed,
                                     const std::vector<std::optional<sync::Receipt>>& receipts) {
    auto run = hub::prepare_own(replica, pushed.first_seq, pushed.prev_hash, pushed.records);
    run.authored_here = false;
    for (std::size_t i = 0; i < receipts.size(); ++i) run.records[i].receipt = receipts[i];
    return run;
}

inline sync::PushAck ack_of(const sync::Replica& replica, const hub::IngestResult& result) {
    sync::PushAck ack;
    ack.acked_seq = result.acked_seq;
    for (const auto& r : result.receipts)
        ack.receipts.push_back(hub::wire_receipt(replica, r.first_seq, r.last_hash, r.receipt));
    for (const auto& e : result.exceptions) ack.exceptions.push_back({e.seq, e.status, e.code});
    return ack;
}

class OfficeHub {
  public:
    OfficeHub(Clock& clock, DeviceId id) : directory_(id), ledger(open_ledger(clock)) {}

    [[nodiscard]] const std::filesystem::path& path() const { return directory_.dir.path(); }

    /// One run as a group of its own.
    hub::IngestResult take(hub::PreparedRun run) {
        std::vector<hub::PreparedRun> group;
        group.push_back(std::move(run));
        return need(ledger.ingest(group)).front();
    }

    /// Pushes at most `records_max` records the hub is not known to have; false when there is none.
    bool push(store::AgentStore& agent, std::uint32_t records_max = sync::kBatchRecordsMax) {
        const auto first = agent.oldest_unsent();
        if (first == 0) return false;
        const auto& self = agent.settings().self;
        const auto run = need(agent.log().read_run(first, records_max, sync::kBatchRawBytesMax));
        need(agent.store_ack(ack_of(self, take(prepared_run(self, run, {})))));
        return true;
    }

    /// The next page for `agent`, as it comes out of the wire's bytes.
    sync::Page page_for(store::AgentStore& agent, std::size_t max_bytes = 64 * 1024) {
        const auto cursor = need(agent.cursor(hub::kScopeAll)).value_or(sync::Position{});
        const auto page =
            need(pages.read(hub::kScopeAll, cursor, max_bytes, agent.settings().self));
        return std::get<sync::Page>(need(sync::decode_message(sync::encode_message(page))));
    }

    /// Applies pages until the agent has everything.
    void pull(store::AgentStore& agent, std::size_t max_bytes = 64 * 1024) {
        for (bool more = true; more;) {
            const auto page = page_for(agent, max_bytes);
            need(agent.apply_page(page, {1}));
            more = !page.caught_up;
        }
    }

    /// A snapshot of everything taken in so far.
    std::shared_ptr<hub::SnapshotFile> snapshot() {
        need(projection.catch_up(log));
        const std::atomic<bool> stop = false;
        const auto file = path() / "scope-1.snapshot";
        need(hub::build_snapshot({path(), ledger.self().device, hub::kScopeAll}, file, stop));
        return need(hub::SnapshotFile::open(file));
    }

    /// The manifest as `agent` is sent it.
    sync::SnapshotManifest manifest_for(store::AgentStore& agent, hub::SnapshotFile& file) {
        auto manifest = file.manifest();
        for (const auto& row : log.replicas()) {  // as HelloAck says it
            sync::PushAck acked;
            acked.acked_seq = row.acked_seq;
            if (row.replica == agent.settings().self) need(agent.store_ack(acked));
        }
        const auto from = need(agent.log().first_unreceipted());
        if (from > 0) need(pages.read_own(from, 1 << 20, agent.settings().self, manifest.own));
        return std::get<sync::SnapshotManifest>(
            need(sync::decode_message(sync::encode_message(manifest))));
    }

    /// Hands `agent` a snapshot in pieces of at most `piece_bytes` until it is what the agent
    /// shows. `meanwhile` is called between any two steps; false from it ends this early.
    bool bootstrap(
        store::AgentStore& agent,
        hub::SnapshotFile& file,
        std::uint32_t piece_bytes,
        const std::function<bool()>& meanwhile = [] { return true; }) {
        auto place = need(agent.begin_snapshot(manifest_for(agent, file)));
        for (;;) {
            if (!meanwhile()) return false;
            if (agent.bootstrap_due()) {
                if (need(agent.bootstrap_step())) break;
                continue;
            }
            sync::SnapshotPiece piece{hub::kScopeAll, file.id(), place.chunk, place.offset, {}};
            piece.body = need(file.read(place.chunk, place.offset, piece_bytes));
            need(agent.store_piece(piece));
            place.offset += static_cast<std::uint32_t>(piece.body.size());
            if (place.offset == file.manifest().chunks[place.chunk].bytes)
                place = {place.chunk + 1, 0};
        }
        while (agent.bootstrap_due()) need(agent.bootstrap_step());
        return true;
    }

    sync::Hash dump_hash() {
        need(projection.catch_up(log));
        return need(projection.read().dump_hash());
    }

  private:
    /// A directory that is a hub's.
    struct Directory {
        explicit Directory(DeviceId id) {
            auto made = need(store::HubLog::open(dir.path(), store::Access::kWrite));
            made.put_setting("hub", to_string(id));
        }

        TempDir dir;
    };

    hub::Ledger open_ledger(Clock& clock) { return need(hub::Ledger::open(path(), clock)); }

    store::HubLog reader() { return need(store::HubLog::open(path(), store::Access::kRead)); }

    Directory directory_;

  public:
    hub::Ledger ledger;
    store::HubLog log = reader();
    hub::HubProjection projection = need(hub::HubProjection::open(path(), ledger.self().device));
    hub::PageReader pages{reader()};
};

}  // namespace streetlog::test
