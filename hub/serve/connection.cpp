#include "hub/serve/connection.hpp"

#include <algorithm>
#include <chrono>

#include <boost/asio/post.hpp>

namespace streetlog::hub {
namespace {

constexpr std::size_t kNonceBytes = 32;

/// A Hello is a few hundred bytes: enough for the slowest link.
constexpr std::chrono::seconds kHelloWithin{15};

/// Constant time, because a wrong secret must not say how wrong it was.
bool equal_secret(sync::BytesView a, sync::BytesView b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

net::Lane lane_of(sync::SendLane lane) {
    switch (lane) {
        case sync::SendLane::kControl:
            return net::Lane::kControl;
        case sync::SendLane::kRecords:
            return net::Lane::kRecords;
        case sync::SendLane::kBlobs:
            return net::Lane::kBlobs;
    }
    return net::Lane::kBlobs;
}

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

}  // namespace

Connection::Connection(Shared& shared,
                       std::shared_ptr<net::Channel> channel,
                       const net::asio::any_io_executor& executor)
    : shared_(shared),
      channel_(std::move(channel)),
      executor_(executor),
      hello_due_(executor),
      session_(*this, sync::HubSessionConfig{.hub = shared.hub}) {}

net::asio::awaitable<void> Connection::run() {
    const auto self = shared_from_this();
    sync::Bytes nonce(kNonceBytes);
    shared_.random.fill(nonce);
    session_.start(std::move(nonce), shared_.clock.now());
    act();
    expect_hello();
    while (!session_.done()) {
        auto message = co_await channel_->receive();
        if (!message) break;
        session_.on_message(*message, shared_.clock.now());
        session_.on_pressure(shared_.writer.pressed());
        act();
    }
    hello_due_.cancel();
    session_.on_closed();
    channel_->close(net::CloseReason::kNormal);
}

void Connection::expect_hello() {
    hello_due_.expires_after(kHelloWithin);
    hello_due_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled && self->session_.awaits_hello())
            self->channel_->close(net::CloseReason::kPolicyViolation);
    });
}

void Connection::feed(HubSeq head) {
    net::asio::post(executor_, [self = shared_from_this(), head] {
        self->session_.on_feed(head);
        self->session_.on_pressure(self->shared_.writer.pressed());
        self->act();
    });
}

void Connection::close(sync::WireCode code, std::string detail) {
    net::asio::post(executor_,
                    [self = shared_from_this(), code, detail = std::move(detail)]() mutable {
                        self->session_.refuse(code, Millis{5'000}, std::move(detail));
                        self->act();
                    });
}

std::optional<sync::Hash> Connection::hash_at(const sync::Replica& replica, std::uint64_t seq) {
    try {
        const auto run = shared_.pages.log().run_of(replica, seq);
        return run && run->last_seq() == seq ? std::optional{run->head} : std::nullopt;
    } catch (const store::StorageFailure&) {
        // The session treats an unknown hash as "ask the writer", which will meet the same fault
        // and say so.
        return std::nullopt;
    }
}

void Connection::act() {
    // What an action does may add further ones (a page that is read at once), so until none are
    // left.
    for (auto actions = session_.take_actions(); !actions.empty();
         actions = session_.take_actions()) {
        for (auto& action : actions) {
            if (auto* send = std::get_if<sync::Send>(&action)) {
                // Credit bounds what a session may send, so a full lane means a peer that does not
                // read: end it.
                if (!channel_->send(std::move(send->bytes), lane_of(send->lane)))
                    channel_->close(net::CloseReason::kTryAgainLater);
            } else if (const auto* who = std::get_if<sync::Authenticate>(&action)) {
                authenticate(who->hello);
            } else if (auto* run = std::get_if<sync::Submit>(&action)) {
                submit(std::move(run->run));
            } else if (const auto* page = std::get_if<sync::ReadPage>(&action)) {
                read_page(*page);
            } else if (std::get_if<sync::Close>(&action) != nullptr) {
                channel_->close(net::CloseReason::kNormal);
            }
        }
    }
}

void Connection::authenticate(const sync::Hello& hello) {
    sync::DeviceGrant grant;
    try {
        auto& log = shared_.pages.log();
        const auto devices = log.devices();
        const auto device = std::ranges::find(devices, hello.replica.device, &store::DeviceRow::id);
        constexpr std::int64_t kActive = 1;
        if (device == devices.end()) {
            grant.verdict = sync::HelloVerdict::kUnknownDevice;
        } else if (device->state != kActive) {
            grant.verdict = sync::HelloVerdict::kRevoked;
        } else if (!equal_secret(device->secret_digest, sync::sha256(hello.secret))) {
            grant.verdict = sync::HelloVerdict::kRefused;
        } else {
            grant.verdict = sync::HelloVerdict::kOk;
            const auto replicas = log.replicas();
            const auto row =
                std::ranges::find(replicas, hello.replica, &store::ReplicaRow::replica);
            if (row != replicas.end()) {
                grant.acked_seq = row->acked_seq;
                grant.acked_hash = row->acked_hash;
            }
            sync::ScopeGrant scope{.scope = kScopeAll, .resume = true};
            for (const auto& s : hello.scopes)
                if (s.scope == kScopeAll) scope.resume = log.has({s.cursor.seq, s.cursor.hash});
            grant.scopes.push_back(scope);
        }
        session_.on_authenticated(grant, shared_.clock.now());
        session_.on_feed(log.head().seq);
    } catch (const store::StorageFailure&) {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, "the hub cannot read its log");
    }
    shared_.log.event(LogLevel::kInfo,
                      "device_hello",
                      {{"device", hello.replica.device},
                       {"verdict", static_cast<int>(grant.verdict)},
                       {"unsent", hello.unsent}});
}

void Connection::submit(std::shared_ptr<const sync::IncomingRun> run) {
    auto done = [self = shared_from_this()](Result<IngestResult> result) {
        net::asio::post(self->executor_, [self, result = std::move(result)] {
            if (!result) {
                self->session_.on_commit_failed(sync::WireCode::kInternal, Millis{5'000});
            } else if (result->outcome != IngestResult::Outcome::kStored) {
                self->session_.on_commit_failed(result->outcome == IngestResult::Outcome::kForked
                                                    ? sync::WireCode::kForked
                                                    : sync::WireCode::kGap,
                                                Millis{0});
            } else {
                sync::CommitResult commit;
                commit.acked_seq = result->acked_seq;
                for (const auto& r : result->receipts) {
                    commit.receipts.push_back(wire_receipt(
                        self->session_.replica(), r.first_seq, r.last_hash, r.receipt));
                }
                for (const auto& e : result->exceptions)
                    commit.exceptions.push_back({e.seq, e.status, e.code});
                self->session_.on_committed(commit);
            }
            self->session_.on_pressure(self->shared_.writer.pressed());
            self->act();
        });
    };
    shared_.writer.submit(prepared(run, session_.session_clock()), std::move(done));
}

void Connection::read_page(const sync::ReadPage& request) {
    auto page =
        shared_.pages.read(request.scope, request.cursor, request.max_bytes, session_.replica());
    if (page) {
        session_.on_page_ready(*std::move(page));
    } else if (page.error().code == ErrorCode::kNotFound) {
        session_.refuse(sync::WireCode::kCursorUnknown, Millis{0}, page.error().message);
    } else {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, page.error().message);
    }
}

}  // namespace streetlog::hub
