#include <algorithm>
#include <utility>

#include "sync/session/hub_session.hpp"

// The part of HubSession that takes records in.
namespace streetlog::sync {

void HubSession::on_push(Push m, std::size_t bytes) {
    if (received_ >= granted_) return close(WireCode::kProtocolViolation, "Push without credit");
    const std::uint64_t cost = credit_of(bytes);
    received_ += cost;
    if (m.first_seq == 0 || m.count == 0 || m.count > kBatchRecordsMax ||
        m.raw_bytes > kBatchRawBytesMax || m.body.size() > kBatchRawBytesMax ||
        m.first_seq > UINT64_MAX - m.count ||
        m.first_seq + m.count - 1 > static_cast<std::uint64_t>(INT64_MAX))
        return close(WireCode::kProtocolViolation, "Push over its limits");
    const std::uint64_t last = m.first_seq + m.count - 1;
    for (const RunReceipt& r : m.receipts)
        if (r.replica != hello_.replica || r.last_seq < m.first_seq || r.last_seq > last)
            return close(WireCode::kProtocolViolation, "Push with a receipt for other records");

    const std::uint64_t expected = submitted_seq_ + 1;
    if (m.first_seq == expected) return push_in_order(std::move(m), cost);
    if (last < expected) return push_again(m, cost);
    settled_ += cost;
    if (!rewinding_) rewind(WireCode::kGap, "the batch does not start where the last one ended");
}

void HubSession::push_in_order(Push m, std::uint64_t cost) {
    rewinding_ = false;
    if (m.prev_hash != submitted_hash_)
        return close(WireCode::kForked, "the batch does not continue the chain the hub has");
    auto run = std::make_shared<IncomingRun>();
    if (auto opened = open(m, *run); !opened)
        return damaged(std::move(m), cost, std::move(opened).error().message);
    keep_proven(m.receipts, *run);
    run->receipts = m.receipts;
    if (!proven(m))
        return damaged(std::move(m), cost, "the device did not sign the batch", std::move(run));
    run->packed = std::move(m.body);
    run->signature = std::move(m.signature);
    submit(std::move(run), cost);
}

/// Something the hub has, or has under way.
void HubSession::push_again(const Push& m, std::uint64_t cost) {
    const std::uint64_t last = m.first_seq + m.count - 1;
    if (last > acked_seq_) {
        settled_ += cost;
        const auto same = std::ranges::find(in_flight_, last, &InFlight::last_seq);
        if (same != in_flight_.end() && same->head != m.head_hash)
            return close(WireCode::kForked, "other records under numbers that are being stored");
        return;  // the ack comes with the commit under way
    }
    if (const auto known = log_.hash_at(hello_.replica, last)) {
        settled_ += cost;
        if (*known != m.head_hash)
            return close(WireCode::kForked, "other records under numbers the hub has");
        return send_ack({acked_seq_, {}, {}, safe_seq_, {}});
    }
    auto run = std::make_shared<IncomingRun>();
    if (auto opened = open(m, *run); !opened || !proven(m)) {
        settled_ += cost;  // the hub has these numbers, so the damage costs nothing
        return send_ack({acked_seq_, {}, {}, safe_seq_, {}});
    }
    run->packed = m.body;
    run->receipts = m.receipts;
    keep_proven(run->receipts, *run);
    run->duplicate = true;
    in_flight_.push_back({acked_seq_, run->head_hash, cost});
    actions_.emplace_back(Submit{std::move(run)});
}

/// Unfolds the body and checks it against the hashes around it.
Result<void> HubSession::open(const Push& m, IncomingRun& run) const {
    run.replica = hello_.replica;
    run.first_seq = m.first_seq;
    run.count = m.count;
    run.prev_hash = m.prev_hash;
    run.head_hash = m.head_hash;
    run.encoding = m.encoding;
    run.raw_bytes = m.raw_bytes;
    STREETLOG_TRY(run.body, unpack(m.encoding, m.raw_bytes, m.body));
    STREETLOG_TRY(run.records, decode_batch(run.body));
    if (run.records.size() != m.count)
        return fail(ErrorCode::kMalformed, "the batch does not hold as many records as it says");
    Hash head = m.prev_hash;
    run.chain.reserve(run.records.size());
    for (const EncodedView& r : run.records) {
        head = chain_hash(head, hash_of(r));
        run.chain.push_back(head);
    }
    if (head != m.head_hash)
        return fail(ErrorCode::kMalformed, "the batch does not fit its head hash");
    return {};
}

void HubSession::damaged(Push m,
                         std::uint64_t cost,
                         std::string why,
                         std::shared_ptr<IncomingRun> readable) {
    if (damaged_seq_ != m.first_seq) {
        damaged_seq_ = m.first_seq;
        damaged_times_ = 0;
    }
    if (++damaged_times_ < config_.damage_max) {
        settled_ += cost;
        return rewind(WireCode::kDamaged, std::move(why));
    }
    // It is not the line: take custody of it, so that what follows can get through.
    if (readable) {
        actions_.emplace_back(Suspect{"a batch that the device did not sign"});
        readable->packed = std::move(m.body);
        readable->unproven = true;
        return submit(std::move(readable), cost);
    }
    auto run = std::make_shared<IncomingRun>();
    run->replica = hello_.replica;
    run->first_seq = m.first_seq;
    run->count = m.count;
    run->prev_hash = m.prev_hash;
    run->head_hash = m.head_hash;
    run->encoding = m.encoding;
    run->raw_bytes = m.raw_bytes;
    run->packed = std::move(m.body);
    if (proven(m)) run->signature = std::move(m.signature);
    run->receipts = std::move(m.receipts);
    keep_proven(run->receipts, *run);
    run->opaque = true;
    submit(std::move(run), cost);
}

void HubSession::submit(std::shared_ptr<const IncomingRun> run, std::uint64_t cost) {
    submitted_seq_ = run->last_seq();
    submitted_hash_ = run->head_hash;
    in_flight_.push_back({submitted_seq_, submitted_hash_, cost});
    actions_.emplace_back(Submit{std::move(run)});
}

/// Asks for everything from the first missing record on; what is on the way is dropped unseen.
void HubSession::rewind(WireCode code, std::string detail) {
    rewinding_ = true;
    send(ErrorMessage{code, class_of(code), 0, submitted_seq_ + 1, std::move(detail)},
         SendLane::kControl);
    send_ack({acked_seq_, {}, {}, safe_seq_, {}});  // returns the credit of the refused batch
}

void HubSession::on_committed(const CommitResult& result) {
    if (state_ != State::kLive) return;
    STREETLOG_ASSERT(!in_flight_.empty());
    // Another session of the same device may have got further: an old connection that is not dead
    // yet, a copy of the device. This one acks what it was given itself.
    acked_seq_ = std::max(acked_seq_, std::min(result.acked_seq, in_flight_.front().last_seq));
    settled_ += in_flight_.front().cost;
    in_flight_.pop_front();
    safe_seq_ = std::max(safe_seq_, result.safe_seq);
    send_ack(result);
}

void HubSession::on_commit_failed(WireCode code, Millis retry_after) {
    refuse(code, retry_after, "the hub could not store a batch");
}

void HubSession::on_pressure(bool pressed) {
    if (std::exchange(pressed_, pressed) == pressed || pressed || state_ != State::kLive) return;
    if (const std::uint64_t before = granted_; credit() > before)
        send_ack({acked_seq_, {}, {}, safe_seq_, {}});
}

/// The device may have one window of bytes beyond what is settled.
std::uint64_t HubSession::credit() {
    if (!pressed_) granted_ = std::max(granted_, settled_ + config_.push_window_bytes);
    return granted_;
}

void HubSession::send_ack(const CommitResult& result) {
    PushAck ack;
    ack.acked_seq = acked_seq_;
    ack.receipts = result.receipts;
    ack.exceptions = result.exceptions;
    ack.safe_seq = safe_seq_;
    ack.credit = credit();
    if (config_.key) {
        for (RunReceipt& receipt : ack.receipts) sign_receipt(*config_.key, receipt);
        if (!ack.receipts.empty() && result.head != Position{})
            ack.signed_head = sign_head(*config_.key, {config_.epoch, result.head});
    }
    send(ack, SendLane::kControl);
}

}  // namespace streetlog::sync
