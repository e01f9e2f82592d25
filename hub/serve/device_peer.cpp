#include "hub/serve/device_peer.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace streetlog::hub {
namespace {

constexpr std::size_t kNonceBytes = 32;

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
    run.signature = in->signature;
    run.unproven = in->unproven;
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
        for (const auto& r : in->receipts) {
            if (seq < r.first_seq || seq > r.last_seq) continue;
            const auto given = r.of(seq);
            if (!receipt || given.place < receipt->place) receipt = given;
        }
        run.records.push_back({sync::inspect(in->records[i]), in->chain[i], receipt});
    }
    return run;
}

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

sync::HubSessionConfig config_for(const PeerSides& sides) {
    sync::HubSessionConfig out;
    out.hub = sides.hub;
    out.key = sides.key;
    out.epoch = sides.pages.epoch();
    if (sides.carried != nullptr) out.features = sync::kFeatureCarry;
    return out;
}

}  // namespace

DevicePeer::DevicePeer(const PeerSides& sides, PeerPort& port, const net::Peer& who)
    : sides_(sides), port_(port), who_(who), session_(*this, config_for(sides)) {}

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
        return chain_hash_at(sides_.pages.log(), replica, seq);
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
                                  [&](const sync::Authenticate& who) { authenticate(who); },
                                  [&](const sync::Submit& run) { submit(run.run); },
                                  [&](const sync::ReadPage& page) { read_page(page); },
                                  [&](const sync::ReadManifest& r) { read_manifest(r); },
                                  [&](const sync::ReadPiece& r) { read_piece(r); },
                                  [&](const sync::KeepNonce& kept) { keep_nonce(kept.nonce); },
                                  [&](const sync::ReadOwn& own) { read_own(own); },
                                  [&](const sync::GrantIncarnation& wanted) {
                                      grant_incarnation(wanted.common);
                                  },
                                  [&](const sync::TakeBack& back) { take_back(back); },
                                  [&](const sync::LearnEarlier& learn) { learn_earlier(learn); },
                                  [&](const sync::LookForCarried& look) { look_for(look.offer); },
                                  [&](sync::KeepCarried& keep) { keep_carried(std::move(keep)); },
                                  [&](const sync::Suspect& odd) { suspect(odd.what); },
                                  [&](const sync::CursorConfirmed&) {},
                                  [&](const sync::Close&) { port_.close(); }},
                       action);
        }
    }
}

void DevicePeer::authenticate(const sync::Authenticate& who) {
    Admission admission;
    try {
        admission =
            admit(sides_.pages, *this, sides_.key, sides_.hub, who_, who.hello, who.challenge);
        for (sync::ScopeGrant& scope : admission.grant.scopes)
            scope.snapshot = offers_snapshot(who.hello, scope);
    } catch (const store::StorageFailure&) {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, "the hub cannot read its log");
        return;
    }
    if (admission.later)
        return session_.refuse(
            sync::WireCode::kBusy, Millis{15'000}, "the hub is still reading its own log");
    const sync::DeviceGrant& grant = admission.grant;
    const HelloFindings& found = admission.findings;
    sides_.log.event(LogLevel::kInfo,
                     "device_hello",
                     {{"device", who.hello.replica.device},
                      {"verdict", static_cast<int>(grant.verdict)},
                      {"unsent", who.hello.unsent}});
    if (!found.any()) return let_in(grant);
    sides_.log.event(LogLevel::kWarning,
                     "device_hello_odd",
                     {{"device", who.hello.replica.device},
                      {"possible_copy", !found.copy.empty()},
                      {"hub_fell_back", found.hub_fell_back}});
    port_.write([notes = found](Ledger& ledger) { return ledger.note(notes); },
                [this, given = grant](const Result<void>& noted) {
                    if (noted)
                        let_in(given);
                    else
                        session_.refuse(sync::WireCode::kInternal,
                                        Millis{5'000},
                                        "the hub cannot write what it found out");
                    act();
                });
}

void DevicePeer::let_in(const sync::DeviceGrant& grant) {
    try {
        session_.on_authenticated(grant, sides_.clock.now());
        session_.on_feed(sides_.pages.log().head().seq);
    } catch (const store::StorageFailure&) {
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, "the hub cannot read its log");
    }
}

/// Nobody waits for it: until it is on disk the nonce before is good as well.
void DevicePeer::keep_nonce(const sync::Bytes& nonce) {
    const auto number = sync::number_of_nonce(*sides_.key, session_.replica(), nonce);
    if (!number) return;
    port_.write([replica = session_.replica(),
                 number = *number](Ledger& ledger) { return ledger.keep_nonce(replica, number); },
                [](const Result<void>&) {});
}

void DevicePeer::read_own(const sync::ReadOwn& request) {
    auto records =
        sides_.pages.own_records(session_.replica(), request.from_seq, request.max_bytes);
    if (records)
        session_.on_own_ready(*std::move(records));
    else
        session_.refuse(sync::WireCode::kInternal, Millis{5'000}, records.error().message);
}

void DevicePeer::grant_incarnation(std::uint64_t common) {
    const auto granted = std::make_shared<std::uint32_t>(0);
    port_.write(
        [granted, from = session_.replica(), common](Ledger& ledger) -> Result<void> {
            STREETLOG_TRY(*granted, ledger.grant_incarnation(from, common));
            return {};
        },
        [this, granted](const Result<void>& done) {
            if (done)
                session_.on_incarnation(*granted);
            else
                session_.refuse(sync::WireCode::kInternal,
                                Millis{5'000},
                                "the hub could not store an incarnation");
            act();
        });
}

void DevicePeer::take_back(const sync::TakeBack& back) {
    taking_back_ = back.runs.size();
    for (const auto& run : back.runs)
        port_.submit(prepared(run, std::nullopt), [this](const Result<IngestResult>& result) {
            on_taken_back(result.has_value());
        });
}

/// A run that did not fit in (another device brought the same meanwhile) is of no use.
void DevicePeer::on_taken_back(bool stored) {
    if (!stored)
        session_.refuse(
            sync::WireCode::kInternal, Millis{5'000}, "the hub could not store its own records");
    else if (--taking_back_ == 0)
        session_.on_taken_back();
    act();
}

void DevicePeer::suspect(const std::string& what) {
    sides_.log.event(LogLevel::kWarning, "forgery", {{"device", session_.replica().device}});
    port_.write(
        [what, device = session_.replica().device](Ledger& ledger) {
            return ledger.raise(store::AlarmKind::kForgery, device, what);
        },
        [](const Result<void>&) {});
}

/// The log goes by them from there on, and a person hears of it.
void DevicePeer::learn_earlier(const sync::LearnEarlier& learn) {
    const auto& first = *std::ranges::min_element(
        learn.receipts, {}, [](const sync::RunReceipt& r) { return r.first_seq; });
    std::uint64_t records = 0;
    for (const auto& r : learn.receipts) records += r.last_seq - r.first_seq + 1;
    const std::string what = fmt::format(
        "it has receipts for {}, from its record {} on, that are earlier than "
        "this log's were, and it goes by them now; the first is of {}",
        records == 1 ? "1 record" : fmt::format("{} records", records),
        first.first_seq,
        format_instant(first.received));
    port_.write(
        [what, device = session_.replica().device, receipts = learn.receipts](
            Ledger& ledger) -> Result<void> {
            STREETLOG_TRY(const auto adopted, ledger.adopt_earlier(receipts));
            if (adopted == 0) return {};
            return ledger.raise(store::AlarmKind::kEarlierReceipts, device, what);
        },
        [](const Result<void>&) {});
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
        commit.head = {result->head.seq, result->head.hash};
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
