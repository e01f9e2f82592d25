#include "sync/session/agent_session.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sync/session/batch.hpp"

namespace streetlog::sync {
namespace {

constexpr std::size_t kProbesPerRound = 4;

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

/// What the person at the device can do about it.
std::string hint_for(WireCode code) {
    switch (code) {
        case WireCode::kUnknownDevice:
            return "Enrol this device at the hub: streetlog-hub device add.";
        case WireCode::kRefused:
            return "The device's certificate is of another device; the hub's administrator can "
                   "give "
                   "out a new code.";
        case WireCode::kRevoked:
            return "Ask the hub's administrator why this device was revoked.";
        case WireCode::kProtocolTooOld:
            return "Update this program.";
        default:
            return {};
    }
}

WireCode code_of(HelloVerdict verdict) {
    switch (verdict) {
        case HelloVerdict::kOk:
        case HelloVerdict::kCustodyOnly:
        case HelloVerdict::kRolledBack:
        case HelloVerdict::kForked:
            return WireCode::kNone;
        case HelloVerdict::kUnknownDevice:
            return WireCode::kUnknownDevice;
        case HelloVerdict::kRefused:
            return WireCode::kRefused;
        case HelloVerdict::kRevoked:
            return WireCode::kRevoked;
        case HelloVerdict::kTooOld:
            return WireCode::kProtocolTooOld;
    }
    return WireCode::kRefused;
}

}  // namespace

AgentSession::AgentSession(AgentLog& log, AgentSessionConfig config)
    : log_(log), config_(std::move(config)) {}

void AgentSession::on_message(BytesView bytes, const ClockEvidence& now) {
    if (done()) return;
    auto message = decode_message(bytes);
    if (!message) return violation(message.error().message);
    now_ms_ = now.boot_ms;
    const auto only_in = [&](State state, const char* what, auto&& act) {
        // What was on the way when this side found that the logs do not fit is of no use any more.
        const bool sets_right = state_ == State::kReturning || state_ == State::kComparing ||
                                state_ == State::kRenaming;
        if (sets_right && state == State::kLive) return;
        if (state_ != state) return violation(std::string{what} + " out of turn");
        act();
    };
    std::visit(
        Overloaded{
            [&](const Unknown& m) {
                if (m.critical)
                    fatal(WireCode::kUnknownCritical,
                          {ErrorCode::kUnsupported,
                           "the hub sent a message this version does not know and must not skip",
                           "Update this program."});
            },
            [&](const Challenge& m) {
                only_in(State::kAwaitChallenge, "Challenge", [&] { on_challenge(m); });
            },
            [&](const HelloAck& m) {
                only_in(State::kAwaitHelloAck, "HelloAck", [&] { on_hello_ack(m, now); });
            },
            [&](const ProbeAck& m) {
                only_in(State::kLive, "ProbeAck", [&] { on_probe_ack(m, now); });
            },
            [&](PushAck& m) {
                only_in(State::kLive, "PushAck", [&] { on_push_ack(std::move(m)); });
            },
            [&](Page& m) {
                only_in(State::kLive, "Page", [&] { on_page(std::move(m), bytes.size()); });
            },
            [&](SnapshotManifest& m) {
                only_in(State::kLive, "SnapshotManifest", [&] { on_manifest(std::move(m)); });
            },
            [&](SnapshotPiece& m) {
                only_in(
                    State::kLive, "SnapshotPiece", [&] { on_piece(std::move(m), bytes.size()); });
            },
            [&](OwnRecords& m) {
                only_in(State::kReturning, "OwnRecords", [&] { on_own_records(std::move(m)); });
            },
            [&](const Common& m) { only_in(State::kComparing, "Common", [&] { on_common(m); }); },
            [&](const Incarnation& m) {
                only_in(State::kRenaming, "Incarnation", [&] { on_incarnation(m); });
            },
            [&](const ReofferAck&) {
                if (!reoffering_) return violation("ReofferAck to no Reoffer");
                reoffer();
            },
            [&](CarryAnswer& m) {
                only_in(State::kLive, "CarryAnswer", [&] { on_carry_answer(std::move(m)); });
            },
            [&](const ErrorMessage& m) { on_error(m); },
            [&](const Bye& m) { retry(Millis{0}, "the hub said goodbye: " + m.detail); },
            [&](const auto&) { violation("the hub sent a message only devices send"); }},
        *message);
    now_ms_.reset();
}

void AgentSession::on_challenge(const Challenge& m) {
    if (m.protocol != kProtocolVersion)
        return fatal(WireCode::kProtocolTooOld,
                     {ErrorCode::kUnsupported,
                      "the hub speaks another version of the protocol",
                      hint_for(WireCode::kProtocolTooOld)});
    auto head = log_.head();
    if (!head) return fatal(WireCode::kInternal, std::move(head).error());
    auto cursors = log_.cursors();
    if (!cursors) return fatal(WireCode::kInternal, std::move(cursors).error());
    head_ = *std::move(head);
    cursors_ = *std::move(cursors);
    hub_ = m.hub;
    if (PublicKey key{}; !config_.hub_key && m.hub_key.size() == key.size()) {
        std::ranges::copy(m.hub_key, key.begin());
        config_.hub_key = key;
        actions_.emplace_back(PinHubKey{key});
    }
    Hello hello;
    hello.replica = head_.replica;
    hello.last_seq = head_.last_seq;
    hello.head_hash = head_.head_hash;
    hello.last_receipt_seq = head_.last_receipt_seq;
    hello.scopes = cursors_;
    hello.bundle = config_.bundle;
    hello.app_version = config_.app_version;
    hello.features = config_.features;
    hello.free_disk = config_.free_disk;
    hello.unsent = head_.last_seq - std::min(head_.acked_seq, head_.last_seq);
    hello.oldest_unsent = head_.oldest_unsent;
    hello.session_nonce = head_.session_nonce;
    hello.signed_head = head_.signed_head;
    hello.reidentify = head_.shared_seq.has_value();
    hello.snapshot = head_.snapshot;
    if (config_.key) hello.signature = sign_hello(*config_.key, m.nonce, hello);
    state_ = State::kAwaitHelloAck;
    hello_ms_ = now_ms_.value_or(0);
    send(hello, SendLane::kControl);
}

void AgentSession::on_hello_ack(const HelloAck& m, const ClockEvidence& now) {
    if (const WireCode code = code_of(m.verdict); code != WireCode::kNone)
        return fatal(code,
                     {ErrorCode::kNotPermitted,
                      "the hub did not let this device in: " + std::string{name_of(m.verdict)},
                      hint_for(code)});
    hello_ack_ = m;
    acked_seq_ = m.acked_seq;
    if (!check_heads(m)) return;
    keep_nonce(m);
    next_seq_ = m.acked_seq + 1;
    highest_sent_ = m.acked_seq;
    granted_ = m.credit;
    state_ = State::kLive;
    saw_round_trip(now.boot_ms - std::min(hello_ms_, now.boot_ms));
    last_page_ms_ = now.boot_ms;
    actions_.emplace_back(SessionReady{m});
    if (m.acked_seq > head_.acked_seq) {
        // The ack of an earlier session was lost on the way. The receipts come with the pages.
        PushAck late;
        late.acked_seq = m.acked_seq;
        actions_.emplace_back(StoreAck{std::move(late)});
    }
    if (m.acked_seq < head_.last_receipt_seq)
        actions_.emplace_back(Notice{
            WireCode::kNone, "the hub lacks records it had; they are sent again with receipts"});
    // A possible copy reads nothing before it has a name of its own.
    if (m.verdict == HelloVerdict::kOk && !head_.shared_seq) begin_reoffer(m);
    probing_ = true;
    send_probe(now);
}

void AgentSession::start_reading(const HelloAck& m) {
    if (!config_.reads) return;
    for (const ScopeCursor& known : cursors_)
        if (std::ranges::find(m.scopes, known.scope, &ScopeGrant::scope) == m.scopes.end())
            actions_.emplace_back(LeaveScope{known.scope});
    for (const ScopeGrant& grant : m.scopes) {
        // What is applied already is applied again without effect (sync-core, I3).
        const auto known = std::ranges::find(cursors_, grant.scope, &ScopeCursor::scope);
        const bool read = known != cursors_.end() && known->cursor != Position{};
        if (read && !grant.resume) {
            actions_.emplace_back(Notice{WireCode::kCursorUnknown,
                                         "the hub does not know where this device stopped reading; "
                                         "the scope is read from the beginning"});
            actions_.emplace_back(ReadAnew{grant.scope});
        }
        if (grant.snapshot && loads_snapshots() && !snapshot_) {
            ask_for_snapshot(grant);
        } else {
            if (loads_snapshots()) actions_.emplace_back(DropSnapshot{});
            start_pulling(grant.scope, read && grant.resume);
        }
    }
}

void AgentSession::start_pulling(std::uint32_t scope, bool resume) {
    Reading reading;
    const auto known = std::ranges::find(cursors_, scope, &ScopeCursor::scope);
    if (known != cursors_.end() && resume) reading.stored = known->cursor;
    send_pull(scope, readings_.insert_or_assign(scope, std::move(reading)).first->second);
}

void AgentSession::send_pull(std::uint32_t scope, const Reading& reading) {
    const std::uint64_t window = pull_pace_.bytes(config_.pull_window_bytes);
    send(Pull{scope, reading.stored, reading.settled + window}, SendLane::kControl);
}

void AgentSession::send_probe(const ClockEvidence& now) {
    send(Probe{next_probe_, now.boot_ms, now.boot_id, now.suspended_ms, now.suspends},
         SendLane::kControl);
}

void AgentSession::on_probe_ack(const ProbeAck& m, const ClockEvidence& now) {
    if (!probing_ || m.id != next_probe_ || m.boot_ms > now.boot_ms)
        return violation("ProbeAck to no probe");
    ++next_probe_;
    saw_round_trip(now.boot_ms - m.boot_ms);
    round_.push_back({m.boot_ms, now.boot_ms, m.hub_time.ms});
    if (round_.size() < kProbesPerRound) return send_probe(now);
    probing_ = false;
    actions_.emplace_back(SetAnchor{std::exchange(round_, {})});
    may_push_ = true;
    on_saved();  // what was saved while the two shook hands was told to nobody yet
}

void AgentSession::saw_round_trip(std::uint64_t ms) {
    push_pace_.round_trip(ms);
    pull_pace_.round_trip(ms);
    carry_pace_.round_trip(ms);
}

void AgentSession::on_timer(const ClockEvidence& now) {
    if (state_ != State::kLive || probing_) return;
    probing_ = true;
    send_probe(now);
}

void AgentSession::on_saved() {
    if (state_ != State::kLive) return;
    auto head = log_.head();
    if (!head) return fatal(WireCode::kInternal, std::move(head).error());
    head_ = *head;
    push_while_credit();
    carry_on();
}

void AgentSession::on_push_ack(PushAck m) {
    if (m.acked_seq > highest_sent_ || m.acked_seq < acked_seq_)
        return violation("PushAck for records that were not sent");
    for (const RunReceipt& r : m.receipts) {
        if (r.replica != head_.replica || r.last_seq > m.acked_seq)
            return violation("PushAck with a receipt for other records");
        if (!proven(r)) return violation("PushAck with a receipt that does not fit the records");
    }
    if (config_.hub_key && !m.signed_head.empty() &&
        !verified_head(*config_.hub_key, m.signed_head))
        return violation("PushAck with a head the hub did not sign");
    acked_seq_ = m.acked_seq;
    next_seq_ = std::max(next_seq_, acked_seq_ + 1);
    granted_ = std::max(granted_, m.credit);
    push_pace_.acked(acked_seq_, *now_ms_);
    store_ack(std::move(m));
    push_while_credit();
}

/// Acks that wait to be stored become one: each is a transaction of the device.
void AgentSession::store_ack(PushAck m) {
    for (AgentAction& action : actions_) {
        auto* waiting = std::get_if<StoreAck>(&action);
        if (waiting == nullptr) continue;
        PushAck& ack = waiting->ack;
        ack.acked_seq = m.acked_seq;
        ack.safe_seq = std::max(ack.safe_seq, m.safe_seq);
        ack.credit = std::max(ack.credit, m.credit);
        if (!m.signed_head.empty()) ack.signed_head = std::move(m.signed_head);
        std::ranges::move(m.receipts, std::back_inserter(ack.receipts));
        std::ranges::move(m.exceptions, std::back_inserter(ack.exceptions));
        return;
    }
    actions_.emplace_back(StoreAck{std::move(m)});
}

void AgentSession::push_while_credit() {
    if (state_ != State::kLive || !may_push_ || reoffering_) return;
    // What another copy may hold as well is handed over; what follows needs another name first.
    if (head_.shared_seq && acked_seq_ >= push_limit()) return ask_incarnation(acked_seq_);
    while (state_ == State::kLive && used_ < granted_ && next_seq_ <= push_limit() &&
           push_pace_.has_room()) {
        auto push = next_push();
        if (!push) return fatal(WireCode::kInternal, std::move(push).error());
        const std::uint64_t last = push->first_seq + push->count - 1;
        Bytes bytes = encode_message(*push);
        STREETLOG_ASSERT(bytes.size() <= kMessageBytesMax);
        used_ += credit_of(bytes.size());
        next_seq_ = last + 1;
        highest_sent_ = std::max(highest_sent_, last);
        push_pace_.sent(last, push->raw_bytes, now_ms_);
        actions_.emplace_back(Send{std::move(bytes), SendLane::kRecords});
    }
}

Result<Push> AgentSession::next_push() {
    const auto most =
        std::min<std::uint64_t>(config_.batch_records_max, push_limit() - next_seq_ + 1);
    STREETLOG_TRY(
        auto push,
        read_batch(log_,
                   next_seq_,
                   {static_cast<std::uint32_t>(most), push_pace_.bytes(config_.batch_bytes_max)}));
    if (config_.key)
        push.signature = sign_batch(
            *config_.key, head_.replica, push.first_seq + push.count - 1, push.head_hash);
    return push;
}

void AgentSession::on_page(Page m, std::size_t bytes) {
    const auto it = readings_.find(m.scope);
    if (it == readings_.end()) return violation("Page of a scope that was not asked for");
    Reading& reading = it->second;
    if (reading.received >= reading.settled + config_.pull_window_bytes)
        return violation("Page without credit");
    const Position before =
        reading.unstored.empty() ? reading.stored : reading.unstored.back().next;
    if (m.next.reach() < before.reach()) return violation("Page that goes backwards");
    if (!proven(m.runs)) return;
    if (config_.hub_key && !m.signed_head.empty()) {
        const auto head = verified_head(*config_.hub_key, m.signed_head);
        if (!head || head->head.seq != m.next.seq || head->head.hash != m.next.hash)
            return violation("Page with a head the hub did not sign");
    }
    const std::uint64_t cost = credit_of(bytes);
    reading.received += cost;
    pull_pace_.observe(bytes, *now_ms_ - std::min(last_page_ms_, *now_ms_));
    last_page_ms_ = *now_ms_;
    reading.unstored.push_back({m.next, cost, m.caught_up});
    actions_.emplace_back(ApplyPage{std::move(m)});
}

void AgentSession::on_page_stored(std::uint32_t scope) {
    if (state_ != State::kLive) return;
    const auto it = readings_.find(scope);
    STREETLOG_ASSERT(it != readings_.end() && !it->second.unstored.empty());
    Reading& reading = it->second;
    reading.stored = reading.unstored.front().next;
    reading.settled += reading.unstored.front().cost;
    reading.caught_up = reading.unstored.front().caught_up;
    reading.unstored.pop_front();
    send_pull(scope, reading);
}

void AgentSession::on_error(const ErrorMessage& m) {
    const std::string name{name_of(m.code)};
    switch (class_of(m.code)) {
        case ErrorClass::kRetry:
            return retry(Millis{m.retry_after_ms}, "the hub said " + name);
        case ErrorClass::kRewind:
            if (state_ != State::kLive || m.expected_seq <= acked_seq_ ||
                m.expected_seq > highest_sent_)
                return violation("rewind to a place that was not sent");
            next_seq_ = m.expected_seq;
            push_pace_.rewind();
            return push_while_credit();
        case ErrorClass::kReauth:
        case ErrorClass::kResnapshot:
        case ErrorClass::kRecord:
            actions_.emplace_back(Notice{m.code, "the hub said " + name});
            return;
        case ErrorClass::kReidentify:
            return reidentified("the hub said " + name);
        case ErrorClass::kUpgrade:
        case ErrorClass::kStop:
            return fatal(m.code,
                         {ErrorCode::kNotPermitted, "the hub said " + name, hint_for(m.code)});
        case ErrorClass::kProtocol:
        case ErrorClass::kNone:
            break;
    }
    // A code of a later version: its class says enough to go on.
    if (m.error_class == ErrorClass::kStop || m.error_class == ErrorClass::kUpgrade)
        return fatal(m.code, {ErrorCode::kUnsupported, "the hub ended the session: " + name, {}});
    retry(Millis{m.retry_after_ms}, "the hub said " + name);
}

void AgentSession::on_closed() { retry(Millis{0}, "the connection ended"); }

void AgentSession::stop() {
    if (done()) return;
    send(Bye{}, SendLane::kControl);
    state_ = State::kDone;
}

std::vector<AgentAction> AgentSession::take_actions() { return std::exchange(actions_, {}); }

bool AgentSession::all_acked() const {
    return state_ == State::kLive && acked_seq_ >= head_.last_seq;
}

bool AgentSession::caught_up() const {
    return state_ == State::kLive && !snapshot_ &&
           std::ranges::all_of(readings_, [](const auto& r) {
               return r.second.caught_up && r.second.unstored.empty();
           });
}

void AgentSession::send(const Message& m, SendLane lane) {
    actions_.emplace_back(Send{encode_message(m), lane});
}

void AgentSession::fatal(WireCode code, Error error) {
    if (done()) return;
    state_ = State::kDone;
    actions_.emplace_back(Fatal{code, std::move(error)});
}

void AgentSession::retry(Millis after, std::string reason) {
    if (done()) return;
    state_ = State::kDone;
    actions_.emplace_back(Retry{after, std::move(reason)});
}

/// A hub that breaks the protocol may be damaged in transit or newer; nothing was taken from the
/// message, so trying again is safe.
void AgentSession::violation(std::string what) {
    if (done()) return;
    send(
        ErrorMessage{
            WireCode::kProtocolViolation, class_of(WireCode::kProtocolViolation), 0, 0, what},
        SendLane::kControl);
    retry(Millis{0}, "protocol broken: " + what);
}

}  // namespace streetlog::sync
