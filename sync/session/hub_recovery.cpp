#include <algorithm>
#include <utility>

#include "sync/session/hub_session.hpp"

// The part of HubSession for devices whose log does not fit the hub's, and for a hub that lost its
// end: what it signed itself is proof enough to take it back from anybody.
namespace streetlog::sync {
namespace {

constexpr std::size_t kPointsMax = 64;

}  // namespace

HelloVerdict judge_heads(const Hello& hello,
                         std::uint64_t acked_seq,
                         const Hash& acked_hash,
                         HubLog& log) {
    if (hello.last_seq > acked_seq) return HelloVerdict::kOk;
    if (hello.last_seq == acked_seq)
        return hello.head_hash == acked_hash ? HelloVerdict::kOk : HelloVerdict::kForked;
    // Where the hub has only unreadable bytes the device itself sees whether the rest fits.
    const auto known = log.hash_at(hello.replica, hello.last_seq);
    if (known && *known != hello.head_hash) return HelloVerdict::kForked;
    return HelloVerdict::kRolledBack;
}

void HubSession::on_nonce_kept(NonceKept m) {
    if (next_nonce_.empty() || m.nonce != next_nonce_)
        return close(WireCode::kProtocolViolation, "a nonce that was not given out");
    next_nonce_.clear();
    actions_.emplace_back(KeepNonce{std::move(m.nonce)});
}

void HubSession::on_ask_own(const AskOwn& m) {
    if (!recovering_ || own_due_ || m.from_seq == 0 || m.from_seq > acked_seq_)
        return close(WireCode::kProtocolViolation, "own records that are not there");
    own_due_ = true;
    actions_.emplace_back(ReadOwn{m.from_seq, config_.page_bytes_max});
}

void HubSession::on_own_ready(OwnRecords records) {
    if (state_ != State::kLive || !own_due_) return;
    own_due_ = false;
    prove(records.runs);
    ++small_left_;
    Bytes bytes = encode_message(records);
    if (bytes.size() > kMessageBytesMax)
        return refuse(WireCode::kInternal, Millis{0}, "own records over the message limit");
    actions_.emplace_back(Send{std::move(bytes), SendLane::kRecords});
}

/// The points ascend, and what is common ends once: a search is enough.
void HubSession::on_compare(const Compare& m) {
    if (m.points.empty() || m.points.size() > kPointsMax ||
        !std::ranges::is_sorted(m.points, std::less_equal<>{}, &ChainPoint::seq) ||
        m.points.front().seq == 0)
        return close(WireCode::kProtocolViolation, "a comparison over its limits");
    const auto end = std::ranges::partition_point(m.points, [this](const ChainPoint& point) {
        return log_.hash_at(hello_.replica, point.seq) == point.hash;
    });
    ++small_left_;
    send(Common{end == m.points.begin() ? 0 : (end - 1)->seq}, SendLane::kControl);
}

void HubSession::on_ask_incarnation(const AskIncarnation& m) {
    if (incarnation_due_ || m.common > std::max(hello_.last_seq, acked_seq_))
        return close(WireCode::kProtocolViolation, "one incarnation at a time");
    incarnation_due_ = true;
    actions_.emplace_back(GrantIncarnation{m.common});
}

void HubSession::on_incarnation(std::uint32_t incarnation) {
    if (state_ == State::kLive) send(Incarnation{incarnation}, SendLane::kControl);
}

void HubSession::on_reoffer(Reoffer m) {
    if (recovering_ || taking_back_)
        return close(WireCode::kProtocolViolation, "a Reoffer out of turn");
    TakeBack back;
    for (PageRun& run : m.runs)
        if (auto again = own_again(std::move(run))) back.runs.push_back(std::move(again));
    taking_back_ = true;
    if (back.runs.empty()) return on_taken_back();
    actions_.emplace_back(std::move(back));
}

void HubSession::on_taken_back() {
    if (state_ != State::kLive || !taking_back_) return;
    taking_back_ = false;
    ++small_left_;
    send(ReofferAck{}, SendLane::kControl);
}

/// A run of the hub's own that it signed and lacks; nothing when it is of no use. Where the run
/// before is missing the chain cannot be followed: another device may have it.
std::shared_ptr<const IncomingRun> HubSession::own_again(PageRun page) {
    const RunReceipt& receipt = page.receipt;
    const RecordKey first{receipt.replica, receipt.first_seq};
    const auto suspect = [this](const char* what) {
        actions_.emplace_back(Suspect{what});
        return nullptr;
    };
    if (receipt.replica.device != config_.hub || !config_.key ||
        !verify_receipt(config_.key->public_key(), receipt))
        return suspect("a record offered as the hub's that the hub did not sign");
    if (log_.hash_at(receipt.replica, receipt.last_seq)) return nullptr;  // it is here
    const bool follows = taken_back_.replica == first.replica && taken_back_.seq + 1 == first.seq;
    const auto before =
        follows ? std::optional{taken_back_hash_} : log_.hash_at(receipt.replica, first.seq - 1);
    if (!before) return nullptr;
    Push push;
    push.first_seq = receipt.first_seq;
    push.count = static_cast<std::uint32_t>(receipt.times.size());
    push.raw_bytes = page.raw_bytes;
    push.encoding = page.encoding;
    push.prev_hash = *before;
    push.head_hash = receipt.last_hash;
    push.body = std::move(page.body);
    auto run = std::make_shared<IncomingRun>();
    if (!open(push, *run)) return suspect("a record offered as the hub's that is another one");
    run->replica = receipt.replica;
    run->packed = std::move(push.body);
    run->receipts = {receipt};
    taken_back_ = {receipt.replica, receipt.last_seq};
    taken_back_hash_ = receipt.last_hash;
    return run;
}

void HubSession::on_earlier(Earlier m) {
    if (recovering_) return close(WireCode::kProtocolViolation, "receipts out of turn");
    LearnEarlier learn;
    for (RunReceipt& r : m.receipts) {
        const bool given = r.replica.device == hello_.replica.device && config_.key &&
                           verify_receipt(config_.key->public_key(), r);
        const bool here = given && log_.hash_at(r.replica, r.last_seq) == r.last_hash;
        if (here)
            learn.receipts.push_back(std::move(r));
        else if (!given || r.replica == hello_.replica)
            actions_.emplace_back(Suspect{"a receipt that the hub did not give"});
    }
    if (!learn.receipts.empty()) actions_.emplace_back(std::move(learn));
}

/// Receipts are the hub's own word: what it did not sign, or signed for other records than these,
/// is left out, and the records are received now.
void HubSession::keep_proven(std::vector<RunReceipt>& receipts, const IncomingRun& run) {
    if (!config_.key) return;
    const auto dropped = std::erase_if(receipts, [&](const RunReceipt& r) {
        if (!verify_receipt(config_.key->public_key(), r)) return true;
        const bool readable = !run.chain.empty();
        return readable && run.chain[r.last_seq - run.first_seq] != r.last_hash;
    });
    if (dropped > 0) actions_.emplace_back(Suspect{"a receipt that the hub did not give"});
}

bool HubSession::proven(const Push& m) const {
    if (!device_key_) return true;
    const std::uint64_t last = m.first_seq + m.count - 1;
    return verify_batch(*device_key_, hello_.replica, last, m.head_hash, m.signature);
}

/// Signs what the reader keeps as evidence: receipts of its own records, and of the hub's, which it
/// may have to give back one day.
void HubSession::prove(std::vector<PageRun>& runs) const {
    if (!config_.key) return;
    for (PageRun& run : runs)
        if (run.receipt.replica == hello_.replica || run.receipt.replica.device == config_.hub)
            sign_receipt(*config_.key, run.receipt);
}

}  // namespace streetlog::sync
