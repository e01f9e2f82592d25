#include "hub/serve/device_peer.hpp"

#include <algorithm>
#include <utility>

namespace streetlog::hub {
namespace {

constexpr std::size_t kNonceBytes = 32;
constexpr int kSqliteError = 1;

PreparedRun prepared(const std::shared_ptr<const sync::IncomingRun>& in,
                     const std::optional<sync::SessionClock>& clock) {
    PreparedRun run;
    run.replica = in->replica;
    run.first_seq = in->first_seq;
    run.prev = in->prev_hash;
    run.encoding = in->encoding;
    run.raw_bytes = in->raw_bytes;
    run.body = in->packed;
    run.raw = std::shared_ptr<const sync::Bytes>(in, &in->body);
    run.session = clock;
    run.records.reserve(in->count);
    if (in->opaque) {
        run.views.resize(in->count);
        for (std::uint32_t i = 0; i < in->count; ++i) {
            run.records.push_back({fail(ErrorCode::kMalformed, "the batch could not be read"),
                                   in->head_hash,
                                   std::nullopt});
        }
        return run;
    }
    run.views = in->records;
    for (std::size_t i = 0; i < in->records.size(); ++i) {
        std::optional<sync::Receipt> receipt;
        const std::uint64_t seq = in->first_seq + i;
        for (const auto& r : in->receipts)
            if (r.first_seq <= seq && seq <= r.last_seq) receipt = r.of(seq);
        run.records.push_back({sync::inspect(in->records[i]), in->chain[i], receipt});
    }
    return run;
}

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

}  // namespace

DevicePeer::DevicePeer(const PeerSides& sides, PeerPort& port, const net::Peer& who)
    : sides_(sides),
      port_(port),
      who_(who),
      session_(*this, sync::HubSessionConfig{.hub = sides.hub}) {}

void DevicePeer::start() {
    sync::Bytes nonce(kNonceBytes);
    sides_.random.fill(nonce);
    session_.start(std::move(nonce), sides_.clock.now());
    act();
}

void DevicePeer::on_message(sync::BytesView message) {
    session_.on_message(message, sides_.clock.now());
    session_.on_pressure(port_.pressed());
    act();
}

void DevicePeer::on_closed() { session_.on_closed(); }

void DevicePeer::on_feed(HubSeq head) {
    session_.on_feed(head);
    session_.on_pressure(port_.pressed());
    act();
}

void DevicePeer::on_projected(HubSeq at) {
    session_.on_projected(at);
    act();
}

void DevicePeer::refuse(sync::WireCode code, Millis retry_after, std::string detail) {
    session_.refuse(code, retry_after, std::move(detail));
    act();
}

std::optional<sync::Hash> DevicePeer::hash_at(const sync::Replica& replica, std::uint64_t seq) {
    try {
        const auto run = sides_.pages.log().run_of(replica, seq);
        return run && run->last_seq() == seq ? std::optional{run->head} : std::nullopt;
    } catch (const store::StorageFailure&) {
        // The session treats an unknown hash as "ask the writer", which will meet the same fault
        // and say so.
        return std::nullopt;
    }
}

void DevicePeer::act() {
    // What an action does may add further ones (a page that is read at once), so until none are
    // left.
    for (auto actions = session_.take_actions(); !actions.empty();
         actions = session_.take_actions()) {
        for (auto& action : actions) {
            std::visit(Overloaded{[&](sync::Send& send) { port_.send(std::move(send)); },
                                  [&](const sync::Authenticate& who) { authenticate(who.hello); },
                                  [&](const sync::Submit& run) { submit(run.run); },
                                  [&](const sync::ReadPage& page) { read_page(page); },
                                  [&](const sync::ReadManifest& r) { read_manifest(r); },
                                  [&](const sync::ReadPiece& r) { read_piece(r); },
                                  [&](const sync::CursorConfirmed&) {},
                                  [&](const sync::Close&) { port_.close(); }},
                       action);
        }
    }
}

void DevicePeer::authenticate(const sync::Hello& hello) {
    sync::DeviceGrant grant;
    try {
        grant = grant_for(hello);
        session_.on_authenticated(grant, sides_.clock.now());
        session_.on_feed(sides_.pages.log().head().seq);
    } catch (const store::StorageFailure&) {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, "the hub cannot read its log");
    }
    sides_.log.event(LogLevel::kInfo,
                     "device_hello",
                     {{"device", hello.replica.device},
                      {"verdict", static_cast<int>(grant.verdict)},
                      {"unsent", hello.unsent}});
}

/// Throws StorageFailure.
sync::DeviceGrant DevicePeer::grant_for(const sync::Hello& hello) {
    sync::DeviceGrant grant;
    auto& log = sides_.pages.log();
    // Its state was looked at when it showed its certificate, and is again and again.
    if (hello.replica.device != who_.device) {
        grant.verdict = sync::HelloVerdict::kRefused;
        return grant;
    }
    const bool lapsed = who_.validity == net::Validity::kLapsed;
    grant.verdict = lapsed ? sync::HelloVerdict::kCustodyOnly : sync::HelloVerdict::kOk;
    const auto replicas = log.replicas();
    const auto row = std::ranges::find(replicas, hello.replica, &store::ReplicaRow::replica);
    if (row != replicas.end()) {
        grant.acked_seq = row->acked_seq;
        grant.acked_hash = row->acked_hash;
    }
    if (lapsed) return grant;
    std::vector<std::uint32_t> scopes{kScopeAll};
    if (const auto projects = log.projects_of(hello.replica.device); !projects.empty()) {
        auto found = sides_.pages.scopes_of(projects);
        if (!found) throw store::StorageFailure(found.error().message, kSqliteError);
        scopes = *std::move(found);
    }
    for (const auto scope : scopes) {
        const auto cursor = std::ranges::find(hello.scopes, scope, &sync::ScopeCursor::scope);
        auto& given = grant.scopes.emplace_back();
        given.scope = scope;
        given.resume =
            cursor == hello.scopes.end() || log.has({cursor->cursor.seq, cursor->cursor.hash});
        given.snapshot = offers_snapshot(hello, given);
    }
    return grant;
}

void DevicePeer::submit(const std::shared_ptr<const sync::IncomingRun>& run) {
    port_.submit(prepared(run, session_.session_clock()),
                 [this](Result<IngestResult> result) { on_ingested(result); });
}

void DevicePeer::on_ingested(const Result<IngestResult>& result) {
    if (!result) {
        session_.on_commit_failed(sync::WireCode::kInternal, Millis{5'000});
    } else if (result->outcome != IngestResult::Outcome::kStored) {
        session_.on_commit_failed(result->outcome == IngestResult::Outcome::kForked
                                      ? sync::WireCode::kForked
                                      : sync::WireCode::kGap,
                                  Millis{0});
    } else {
        sync::CommitResult commit;
        commit.acked_seq = result->acked_seq;
        for (const auto& r : result->receipts) {
            commit.receipts.push_back(
                wire_receipt(session_.replica(), r.first_seq, r.last_hash, r.receipt));
        }
        for (const auto& e : result->exceptions)
            commit.exceptions.push_back({e.seq, e.status, e.code});
        session_.on_committed(commit);
    }
    session_.on_pressure(port_.pressed());
    act();
}

void DevicePeer::read_page(const sync::ReadPage& request) {
    auto read = sides_.pages.read(request, session_.replica());
    if (read) {
        if (read->left_out > 0)
            sides_.log.event(LogLevel::kWarning,
                             "states_left_out",
                             {{"device", session_.replica().device}, {"count", read->left_out}});
        session_.on_page_ready(std::move(read->page), read->within);
    } else if (read.error().code == ErrorCode::kUnavailable) {
        session_.on_page_later(request.scope);
    } else if (read.error().code == ErrorCode::kNotFound) {
        session_.refuse(sync::WireCode::kCursorUnknown, Millis{0}, read.error().message);
    } else {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, read.error().message);
    }
}

}  // namespace streetlog::hub
