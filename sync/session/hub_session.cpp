#include "sync/session/hub_session.hpp"

#include <algorithm>
#include <utility>

#include "schema/planted.hpp"

namespace streetlog::sync {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

/// Control messages a device may send ahead, and the most it can save up.
constexpr std::int64_t kSmallMax = 64;

/// A page for whoever grants less.
constexpr std::uint64_t kPageBytesMin = 4 * 1024;

}  // namespace

HubSession::HubSession(HubLog& log, HubSessionConfig config)
    : log_(log), config_(std::move(config)) {}

void HubSession::start(Bytes nonce, Instant hub_now) {
    STREETLOG_ASSERT(state_ == State::kNew);
    state_ = State::kAwaitHello;
    small_since_ = hub_now;
    challenge_ = nonce;
    Challenge challenge{
        std::move(nonce), hub_now, kProtocolVersion, config_.epoch, config_.hub, {}};
    if (config_.key) {
        const PublicKey& key = config_.key->public_key();
        challenge.hub_key.assign(key.begin(), key.end());
    }
    send(challenge, SendLane::kControl);
}

void HubSession::on_message(BytesView bytes, Instant hub_now) {
    if (done()) return;
    auto message = decode_message(bytes);
    if (!message) return close(WireCode::kProtocolViolation, message.error().message);
    const bool is_push = std::holds_alternative<Push>(*message);
    if (!is_push && !allow_small(hub_now)) return close(WireCode::kBusy, "too many messages");
    if (std::holds_alternative<Hello>(*message) != (state_ == State::kAwaitHello) &&
        !std::holds_alternative<Unknown>(*message) && !std::holds_alternative<Bye>(*message))
        return close(WireCode::kProtocolViolation, "Hello comes first, and once");
    if (recovering_ && (is_push || std::holds_alternative<Pull>(*message) ||
                        std::holds_alternative<CarryOffer>(*message)))
        return close(WireCode::kProtocolViolation, "records before the heads fit");
    if (state_ == State::kAuthenticating && !std::holds_alternative<Bye>(*message))
        return close(WireCode::kProtocolViolation, "a message before HelloAck");
    std::visit(
        Overloaded{[&](const Unknown& m) {
                       if (m.critical)
                           close(WireCode::kUnknownCritical, "an unknown critical message");
                   },
                   [&](const Hello& m) { on_hello(m); },
                   [&](const Probe& m) { on_probe(m, hub_now); },
                   [&](Push& m) { on_push(std::move(m), bytes.size()); },
                   [&](const Pull& m) { on_pull(m); },
                   [&](const SnapshotAsk& m) { on_snapshot_ask(m); },
                   [&](const SnapshotGet& m) { on_snapshot_get(m); },
                   [&](NonceKept& m) { on_nonce_kept(std::move(m)); },
                   [&](const AskOwn& m) { on_ask_own(m); },
                   [&](const Compare& m) { on_compare(m); },
                   [&](const AskIncarnation& m) { on_ask_incarnation(m); },
                   [&](Reoffer& m) { on_reoffer(std::move(m)); },
                   [&](Earlier& m) { on_earlier(std::move(m)); },
                   [&](const CarryOffer& m) { on_carry_offer(m); },
                   [&](CarryPiece& m) { on_carry_piece(std::move(m)); },
                   [&](const ErrorMessage& m) {
                       state_ = State::kDone;
                       actions_.emplace_back(Close{m.code, "the device reported an error"});
                   },
                   [&](const Bye&) {
                       state_ = State::kDone;
                       actions_.emplace_back(Close{WireCode::kNone, "the device said goodbye"});
                   },
                   [&](const auto&) {
                       close(WireCode::kProtocolViolation, "a message only the hub sends");
                   }},
        *message);
}

/// The device asks again only when it has the last answer, so its clock stood at the probe's
/// reading between then and now. The session keeps the tightest such pair.
void HubSession::on_probe(const Probe& m, Instant hub_now) {
    if (answered_ && *answered_ <= hub_now) {
        const HubProbe pair{*answered_, m.boot_ms, hub_now};
        const auto width = [](const HubProbe& p) { return p.arrived - p.answered; };
        if (!tightest_ || m.boot_id != tightest_said_.boot_id || width(pair) <= width(*tightest_)) {
            tightest_ = pair;
            tightest_said_ = m;
        }
    }
    answered_ = hub_now;
    send(ProbeAck{m.id, m.boot_ms, hub_now}, SendLane::kControl);
}

std::optional<SessionClock> HubSession::session_clock() const {
    if (!tightest_) return std::nullopt;
    return session_clock_from_probes({&*tightest_, 1},
                                     tightest_said_.boot_id,
                                     tightest_said_.suspended_ms,
                                     tightest_said_.suspends);
}

/// One control message more a second, and four for every page sent.
bool HubSession::allow_small(Instant hub_now) {
    const std::int64_t seconds = (hub_now - small_since_).count() / 1000;
    if (seconds > 0) {
        small_left_ = std::min(kSmallMax, small_left_ + std::min(seconds, kSmallMax));
        small_since_ = hub_now;
    }
    return --small_left_ >= 0;
}

void HubSession::on_hello(const Hello& m) {
    hello_ = m;
    state_ = State::kAuthenticating;
    actions_.emplace_back(Authenticate{m, challenge_});
}

void HubSession::on_authenticated(const DeviceGrant& grant, Instant hub_now) {
    if (state_ != State::kAuthenticating) return;
    HelloAck ack;
    ack.verdict = grant.verdict;
    ack.hub_time = hub_now;
    const auto is = [&](auto... verdicts) { return ((grant.verdict == verdicts) || ...); };
    recovering_ = is(HelloVerdict::kRolledBack, HelloVerdict::kForked);
    if (!recovering_ && !is(HelloVerdict::kOk, HelloVerdict::kCustodyOnly)) {
        send(ack, SendLane::kControl);
        state_ = State::kDone;
        actions_.emplace_back(Close{WireCode::kRefused, std::string{name_of(ack.verdict)}});
        return;
    }
    ack.acked_seq = grant.acked_seq;
    ack.acked_hash = grant.acked_hash;
    ack.bundle = grant.bundle;
    ack.policy = grant.policy;
    ack.next_nonce = next_nonce_ = grant.next_nonce;
    ack.older = grant.older;
    ack.hubs = grant.hubs;
    ack.features = config_.features;
    state_ = State::kLive;
    device_key_ = grant.key;
    safe_seq_ = grant.safe_seq;
    custody_only_ = ack.verdict == HelloVerdict::kCustodyOnly;
    if (ack.verdict == HelloVerdict::kOk) scopes_ = ack.scopes = grant.scopes;
    acked_seq_ = acked_at_hello_ = submitted_seq_ = grant.acked_seq;
    submitted_hash_ = grant.acked_hash;
    if (!recovering_) ack.credit = credit();
    send(ack, SendLane::kControl);
    // A device that is told early what is safe needs no ack for it.
    if (!recovering_ && safe_seq_ > 0) send_ack({acked_seq_, {}, {}, safe_seq_, {}});
}

void HubSession::on_pull(const Pull& m) {
    const auto grant = std::ranges::find(scopes_, m.scope, &ScopeGrant::scope);
    if (grant == scopes_.end())
        return close(WireCode::kProtocolViolation, "Pull of a scope that was not granted");
    const auto [it, first] = readings_.try_emplace(m.scope);
    Reading& reading = it->second;
    if (first) {
        // After a snapshot the cursor is where that stood.
        if (grant->resume || grant->snapshot) reading.sent = m.cursor;
    } else if (m.cursor.reach() > reading.sent.reach()) {
        return close(WireCode::kProtocolViolation, "Pull confirms what was not sent");
    } else {
        actions_.emplace_back(CursorConfirmed{m.scope, m.cursor});
    }
    reading.granted = std::max(reading.granted, m.credit);
    if (m.cursor.reach() == reading.sent.reach()) reading.tail_unconfirmed = false;
    read_more(m.scope, reading);
}

void HubSession::read_more(std::uint32_t scope, Reading& reading) {
    // While a short page is being stored the log grows on: what follows goes in one page instead of
    // many, each of which would be a transaction of the reader.
    if (state_ != State::kLive || reading.page_due || !reading.more || reading.tail_unconfirmed ||
        reading.used >= reading.granted)
        return;
    reading.page_due = true;
    // A reader on a slow link grants little at a time, so that a page is not longer than the link
    // lives.
    const auto credit = std::max<std::uint64_t>(reading.granted - reading.used, kPageBytesMin);
    actions_.emplace_back(ReadPage{scope,
                                   reading.sent,
                                   std::min<std::size_t>(config_.page_bytes_max, credit),
                                   reading.within});
}

void HubSession::on_feed(HubSeq head) {
    feed_head_ = std::max(feed_head_, head);
    for (auto& [scope, reading] : readings_) {
        if (reading.sent.reach() >= feed_head_) continue;
        reading.more = true;
        read_more(scope, reading);
    }
}

void HubSession::on_projected(HubSeq at) {
    for (auto& [scope, reading] : readings_) {
        // A reader that came with the end as its cursor has not been told that it is.
        if (reading.sent.reach() >= at && reading.told_caught_up) continue;
        reading.more = true;
        read_more(scope, reading);
    }
}

void HubSession::on_page_later(std::uint32_t scope) {
    const auto it = readings_.find(scope);
    if (it == readings_.end()) return;
    it->second.page_due = false;
    it->second.more = false;
}

void HubSession::on_page_ready(Page page, const std::optional<RowPlace>& within) {
    if (state_ != State::kLive) return;
    const auto it = readings_.find(page.scope);
    if (it == readings_.end() || !it->second.page_due) return;
    Reading& reading = it->second;
    reading.page_due = false;
    if (page.next.reach() < reading.sent.reach())
        return refuse(WireCode::kInternal, Millis{0}, "a page that goes backwards");
    // The log may have grown while the page was being read.
    reading.more = !page.caught_up || feed_head_ > page.next.reach();
    const bool news = !page.runs.empty() || !page.states.empty() || page.next != reading.sent ||
                      (page.caught_up && !reading.told_caught_up);
    if (news) {
        drop_known_receipts(page);
        prove(page.runs);
        if (config_.key && page.caught_up && page.next != Position{})
            page.signed_head =
                sign_head(*config_.key, {config_.epoch, {page.next.seq, page.next.hash, {}}});
        Bytes bytes = encode_message(page);
        if (bytes.size() > kMessageBytesMax)
            return refuse(WireCode::kInternal, Millis{0}, "a page over the message limit");
        reading.sent = page.next;
        reading.within = within;
        reading.told_caught_up = page.caught_up;
        reading.tail_unconfirmed = page.caught_up;
        reading.used += credit_of(bytes.size());
        small_left_ += 4;
        actions_.emplace_back(Send{std::move(bytes), SendLane::kRecords});
    } else if (!page.caught_up) {
        return refuse(WireCode::kInternal, Millis{0}, "a page that leads nowhere");
    } else {
        // Nothing for this scope up to the head: asking again before it grows gives the same.
        reading.more = false;
    }
    read_more(it->first, reading);
}

/// The acks of this session brought the receipts of what was pushed in it, and an ack overtakes the
/// pages: the reader stores it before a cursor that lies behind those records.
void HubSession::drop_known_receipts(Page& page) const {
    std::erase_if(page.runs, [this](const PageRun& run) {
        if (planted(Bug::kReceiptsWithheld)) return run.receipt.replica == hello_.replica;
        return run.receipt.replica == hello_.replica && run.receipt.first_seq > acked_at_hello_ &&
               run.receipt.last_seq <= acked_seq_;
    });
}

void HubSession::refuse(WireCode code, Millis retry_after, std::string detail) {
    if (done()) return;
    ErrorMessage error;
    error.code = code;
    error.error_class = class_of(code);
    error.retry_after_ms = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(retry_after.count(), 0, 24 * 3600 * 1000));
    error.detail = detail;
    send(error, SendLane::kControl);
    state_ = State::kDone;
    actions_.emplace_back(Close{code, std::move(detail)});
}

void HubSession::close(WireCode code, std::string detail) {
    refuse(code, Millis{0}, std::move(detail));
}

void HubSession::on_closed() { state_ = State::kDone; }

std::vector<HubAction> HubSession::take_actions() { return std::exchange(actions_, {}); }

void HubSession::send(const Message& m, SendLane lane) {
    actions_.emplace_back(Send{encode_message(m), lane});
}

}  // namespace streetlog::sync
