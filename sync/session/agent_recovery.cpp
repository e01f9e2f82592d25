#include <algorithm>
#include <utility>

#include "sync/session/agent_session.hpp"

// The part of AgentSession that sets right what the first words of a session brought to light: own
// records that the device lacks, a copy with other records under the same numbers, a hub that lost
// its end. And what the hub's signatures are good for.
namespace streetlog::sync {
namespace {

/// Places of the chain in one question. Each answer leaves a 64th of the way.
constexpr std::uint64_t kPointsMax = 63;

/// Of the hub's own records in one message, about; one run may be larger.
constexpr std::size_t kReofferBytesMax = 64 * 1024;

}  // namespace

/// The hub's idea of our log must be a prefix of it.
bool AgentSession::check_heads(const HelloAck& m) {
    if (m.verdict == HelloVerdict::kForked) {
        begin_compare();
        return false;
    }
    if (m.acked_seq > head_.last_seq) {
        begin_return(m);
        return false;
    }
    if (m.verdict == HelloVerdict::kRolledBack) {
        violation("ROLLED_BACK without a record that this device lacks");
        return false;
    }
    const auto own = log_.hash_at(m.acked_seq);
    if (!own) {
        fatal(WireCode::kInternal, own.error());
        return false;
    }
    if (!*own || **own == m.acked_hash) return true;
    begin_compare();
    return false;
}

/// The next session begins with heads that tell.
void AgentSession::reidentified(std::string why) {
    if (done()) return;
    state_ = State::kDone;
    actions_.emplace_back(Retry{Millis{0}, std::move(why), true});
}

/// Not where a fork was found: the nonce goes on with whoever keeps the number.
void AgentSession::keep_nonce(const HelloAck& m) {
    if (!m.next_nonce.empty()) actions_.emplace_back(StoreNonce{m.next_nonce});
}

void AgentSession::begin_return(const HelloAck& m) {
    keep_nonce(m);
    actions_.emplace_back(
        Notice{WireCode::kRolledBack,
               "this device is an older image of itself; its own records come back from the hub"});
    state_ = State::kReturning;
    returned_seq_ = head_.last_seq;
    returned_hash_ = head_.head_hash;
    acked_seq_ = m.acked_seq;
    ask_own();
}

void AgentSession::ask_own() { send(AskOwn{returned_seq_ + 1}, SendLane::kControl); }

/// Whether the records of `run` follow record `seq` of our log, whose chain is `head`; both move to
/// its end. The run may begin earlier: what we have of it must be the same.
bool AgentSession::continues_log(const PageRun& run, std::uint64_t& seq, Hash& head) {
    const RunReceipt& receipt = run.receipt;
    if (receipt.replica != head_.replica || receipt.first_seq > seq + 1 || receipt.last_seq <= seq)
        return false;
    if (config_.hub_key && !verify_receipt(*config_.hub_key, receipt)) return false;
    const auto before = log_.hash_at(receipt.first_seq - 1);
    if (!before) return false;
    const auto raw = unpack(run.encoding, run.raw_bytes, run.body);
    if (!raw) return false;
    const auto records = decode_batch(*raw);
    if (!records || records->size() != receipt.times.size()) return false;
    // Within one message runs follow each other without their records being stored yet.
    Hash chain = receipt.first_seq == seq + 1 ? head : before->value_or(Hash{});
    for (std::size_t i = 0; i < records->size(); ++i) {
        chain = chain_hash(chain, sync::hash_of((*records)[i]));
        if (receipt.first_seq + i == seq && chain != head) return false;
    }
    if (chain != receipt.last_hash) return false;
    seq = receipt.last_seq;
    head = chain;
    return true;
}

void AgentSession::on_own_records(OwnRecords m) {
    if (m.runs.empty()) return violation("own records that do not come");
    const auto strange = std::ranges::find_if(m.runs, [this](const PageRun& run) {
        return !continues_log(run, returned_seq_, returned_hash_);
    });
    // It is not us who wrote it, or it cannot be read: go on under another name.
    if (strange == m.runs.begin()) return begin_compare();
    more_to_return_ = m.more || strange != m.runs.end();
    m.runs.erase(strange, m.runs.end());
    actions_.emplace_back(AppendOwn{std::move(m.runs)});
}

void AgentSession::on_own_appended() {
    if (state_ != State::kReturning) return;
    if (more_to_return_) return ask_own();
    reidentified("this device has its own records back");
}

void AgentSession::begin_compare() {
    auto head = log_.head();
    if (!head) return fatal(WireCode::kInternal, std::move(head).error());
    head_ = *std::move(head);
    actions_.emplace_back(Notice{
        WireCode::kForked, "a copy of this device exists; it goes on under a number of its own"});
    state_ = State::kComparing;
    common_ = 0;
    differing_ = std::min(acked_seq_, head_.last_seq) + 1;
    compare();
}

void AgentSession::compare() {
    if (differing_ <= common_ + 1) return ask_incarnation(std::min(common_, head_.last_seq));
    Compare question;
    const std::uint64_t open = differing_ - common_ - 1;
    const std::uint64_t points = std::min(open, kPointsMax);
    compared_.clear();
    for (std::uint64_t i = 1; i <= points; ++i) {
        const std::uint64_t seq = common_ + (open * i + points - 1) / points;
        const auto hash = log_.hash_at(seq);
        if (!hash) return fatal(WireCode::kInternal, hash.error());
        if (!*hash) continue;
        compared_.push_back(seq);
        question.points.push_back({seq, **hash});
    }
    if (compared_.empty()) return ask_incarnation(common_);
    send(question, SendLane::kControl);
}

void AgentSession::on_common(const Common& m) {
    const auto at = std::ranges::find(compared_, m.seq);
    if (m.seq != 0 && at == compared_.end()) return violation("Common for a place not asked about");
    if (m.seq == 0) {
        differing_ = compared_.front();
    } else {
        common_ = m.seq;
        if (at + 1 != compared_.end()) differing_ = *(at + 1);
    }
    compare();
}

void AgentSession::ask_incarnation(std::uint64_t common) {
    state_ = State::kRenaming;
    common_ = common;
    send(AskIncarnation{common}, SendLane::kControl);
}

void AgentSession::on_incarnation(const Incarnation& m) {
    if (m.incarnation == 0 || m.incarnation == head_.replica.incarnation)
        return violation("an incarnation that is none");
    actions_.emplace_back(TakeIncarnation{common_, m.incarnation});
}

void AgentSession::on_incarnation_taken() { reidentified("this device has a number of its own"); }

void AgentSession::on_nonce_stored(const Bytes& nonce) {
    if (!done()) send(NonceKept{nonce}, SendLane::kControl);
}

/// A hub that does not know what we have read has lost it: what it said itself comes first, so that
/// it knows its devices and its rules again before our records are judged by them.
void AgentSession::begin_reoffer(const HelloAck& m) {
    for (const ScopeCursor& known : cursors_) {
        const auto grant = std::ranges::find(m.scopes, known.scope, &ScopeGrant::scope);
        if (grant != m.scopes.end() && !grant->resume && known.cursor != Position{})
            reoffering_ = true;
    }
    if (!reoffering_) return start_reading(m);
    reoffered_ = {};
    reoffer();
}

void AgentSession::reoffer() {
    if (state_ != State::kLive) return;
    auto runs = log_.hub_runs(hello_ack_.hubs, reoffered_, kReofferBytesMax);
    if (!runs) return fatal(WireCode::kInternal, std::move(runs).error());
    if (runs->empty()) {
        reoffering_ = false;
        start_reading(hello_ack_);
        return on_saved();
    }
    reoffered_ = {runs->back().receipt.replica, runs->back().receipt.last_seq};
    Bytes bytes = encode_message(Reoffer{*std::move(runs)});
    STREETLOG_ASSERT(bytes.size() <= kMessageBytesMax);
    actions_.emplace_back(Send{std::move(bytes), SendLane::kRecords});
}

/// Signed by the hub, and for the very records that we have.
bool AgentSession::proven(const RunReceipt& receipt) {
    if (config_.hub_key && !verify_receipt(*config_.hub_key, receipt)) return false;
    const auto own = log_.hash_at(receipt.last_seq);
    return own && *own == receipt.last_hash;
}

/// False ends the session: nothing of the page may be stored.
bool AgentSession::proven(const std::vector<PageRun>& runs) {
    for (const PageRun& run : runs) {
        const RunReceipt& receipt = run.receipt;
        if (receipt.replica == head_.replica) {
            const auto own = log_.hash_at(receipt.last_seq);
            if (own && !*own) {
                reidentified("the hub has records of this device that it lacks itself");
                return false;
            }
            if (!proven(receipt)) {
                violation("Page with a receipt that does not fit the records");
                return false;
            }
        } else if (receipt.replica.device == hub_ && config_.hub_key &&
                   !verify_receipt(*config_.hub_key, receipt)) {
            violation("Page with a record of the hub that it did not sign");
            return false;
        }
    }
    return true;
}

void AgentSession::on_earlier(std::vector<RunReceipt> receipts) {
    if (state_ != State::kLive || receipts.empty()) return;
    if (receipts.size() > kEarlierMax) receipts.resize(kEarlierMax);
    send(Earlier{std::move(receipts)}, SendLane::kControl);
}

std::uint64_t AgentSession::push_limit() const {
    if (!head_.shared_seq) return head_.last_seq;
    return std::min(head_.last_seq, std::max(*head_.shared_seq, hello_ack_.acked_seq));
}

}  // namespace streetlog::sync
