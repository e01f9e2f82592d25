#pragma once

#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sync/session/agent_session.hpp"
#include "sync/session/hub_session.hpp"
#include "tests/support/clocks.hpp"

namespace streetlog::sync::testing {

inline const Replica kDevice{{{0xde, 0x71, 0xce}}, 3};
inline const DeviceId kHubId{{0xb}};

inline SigningKey key_of(std::uint64_t seed) {
    test::SeededRandom random{seed};
    return SigningKey::make(random);
}

inline Record record_of(const Replica& author, std::uint64_t seq, std::string text = "a note") {
    Record r;
    r.header.replica = author;
    r.header.seq = seq;
    r.header.schema = 1;
    r.header.hlc = {seq << 16};
    r.header.recorded = {1'700'000'000'000 + static_cast<std::int64_t>(seq)};
    r.header.occurred = r.header.recorded;
    r.header.kind = EventKind::kContact;
    r.header.source = TimeSource::kTyped;
    Op op;
    op.entity.bytes[0] = static_cast<Byte>(seq);
    op.kind = OpKind::kCreate;
    op.table = 9;
    op.group = 1;
    op.cells = {{3, std::int64_t{20'000}}, {5, std::move(text)}};
    r.ops.push_back(std::move(op));
    return r;
}

/// The device's disk: outlives sessions.
class MemoryLog final : public AgentLog {
  public:
    explicit MemoryLog(Replica replica = kDevice) : replica_(replica) {}

    void save(std::size_t n = 1, std::size_t text_bytes = 8) {
        for (; n > 0; --n) {
            records.push_back(
                encode(record_of(replica_, records.size() + 1, std::string(text_bytes, 'x'))));
            hashes.push_back(chain_hash(hashes.back(), sync::hash_of(view_of(records.back()))));
        }
    }

    Result<LogHead> head() override {
        LogHead out;
        out.replica = replica_;
        out.last_seq = records.size();
        out.head_hash = hashes.back();
        out.acked_seq = out.last_receipt_seq = acked;
        out.session_nonce = session_nonce;
        out.signed_head = signed_head;
        out.shared_seq = shared_seq;
        return out;
    }

    Result<PushRun> read_run(std::uint64_t first,
                             std::uint32_t max_records,
                             std::size_t max_bytes) override {
        PushRun run{first, hashes[first - 1], {}, {}, {}};
        std::size_t bytes = 0;
        for (std::uint64_t s = first; s <= records.size() && run.records.size() < max_records;
             ++s) {
            const EncodedRecord& r = records[s - 1];
            bytes += r.header.size() + r.ops[0].size();
            if (!run.records.empty() && bytes > max_bytes) break;
            run.records.push_back(r);
            run.head_hash = hashes[s];
        }
        for (const RunReceipt& r : own_receipts)
            if (r.first_seq >= first && r.last_seq < first + run.records.size())
                run.receipts.push_back(r);
        return run;
    }

    Result<std::optional<Hash>> hash_at(std::uint64_t seq) override {
        return seq < hashes.size() ? std::optional{hashes[seq]} : std::nullopt;
    }

    Result<std::vector<PageRun>> hub_runs(const std::vector<OlderReplica>&,
                                          const RecordKey& after,
                                          std::size_t) override {
        std::vector<PageRun> out;
        for (const PageRun& run : hub_records)
            if (RecordKey{run.receipt.replica, run.receipt.last_seq} > after && out.size() < 2)
                out.push_back(run);
        return out;
    }

    void append_own(const PageRun& run) {
        const auto raw = unpack(run.encoding, run.raw_bytes, run.body);
        const auto views = decode_batch(*raw);
        for (std::size_t i = 0; i < views->size(); ++i) {
            if (run.receipt.first_seq + i <= records.size()) continue;
            records.push_back(copy_of((*views)[i]));
            hashes.push_back(chain_hash(hashes.back(), sync::hash_of((*views)[i])));
        }
        receipted.insert(run.receipt.first_seq);
    }

    /// As the store does it, but for the stamps inside the records.
    void take_incarnation(const TakeIncarnation& taken) {
        renamed = taken;
        replica_.incarnation = taken.incarnation;
        std::vector<EncodedRecord> rest(records.begin() + static_cast<std::ptrdiff_t>(taken.common),
                                        records.end());
        records.clear();
        hashes.resize(1);
        acked = 0;
        session_nonce.clear();
        shared_seq.reset();
        save(rest.size());
    }

    Result<std::vector<ScopeCursor>> cursors() override {
        return std::vector<ScopeCursor>{{1, cursor, cursor}};
    }

    std::vector<EncodedRecord> records;
    std::vector<Hash> hashes{Hash{}};
    std::uint64_t acked = 0;
    Position cursor;
    std::vector<std::uint64_t> applied;    // hub sequences of applied runs, in order
    std::set<std::uint64_t> receipted;     // first sequences of own runs whose receipt is here
    std::vector<RunReceipt> own_receipts;  // go along with pushed records
    Bytes session_nonce;
    Bytes signed_head;
    std::optional<std::uint64_t> shared_seq;
    std::optional<TakeIncarnation> renamed;
    std::vector<PageRun> hub_records;  // that came with pages, in order
    bool reads_anew = false;
    std::optional<PublicKey> pinned;

  private:
    Replica replica_;
};

/// What a device's clocks say `ms` after its boot.
inline ClockEvidence boot_clock(std::int64_t ms) {
    ClockEvidence now;
    now.boot_id = 7;
    now.boot_ms = static_cast<std::uint64_t>(ms);
    now.suspends = 0;
    return now;
}

/// The hub's disk: outlives sessions.
struct MemoryHub final : HubLog {
    struct Run {
        std::uint64_t last_seq = 0;
        std::uint32_t count = 0;
        Hash head{};
        bool opaque = false;
        bool unproven = false;
        Hash hub_hash{};
    };

    std::optional<Hash> hash_at(const Replica& replica, std::uint64_t seq) override {
        if (seq == 0) return Hash{};
        if (replica.device == kHubId) {
            const auto at = own_heads.find({replica, seq});
            return at == own_heads.end() ? std::nullopt : std::optional{at->second};
        }
        for (const Run& r : runs)
            if (r.last_seq == seq) return r.head;
        Hash chain{};
        for (std::size_t i = 0; i < stored.size(); ++i) {
            chain = chain_hash(chain, sync::hash_of(view_of(stored[i])));
            if (i + 1 == seq) return chain;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::uint64_t acked() const { return runs.empty() ? 0 : runs.back().last_seq; }

    [[nodiscard]] Position head() const {
        return runs.empty() ? Position{} : Position{{acked()}, runs.back().hub_hash};
    }

    CommitResult commit(const IncomingRun& run) {
        if (run.duplicate) return {acked(), {}, {}, 0, {}};
        EXPECT_EQ(run.first_seq, acked() + 1) << "a gap or an overlap reached the writer";
        runs.push_back({run.last_seq(),
                        run.count,
                        run.head_hash,
                        run.opaque,
                        run.unproven,
                        hub_chain_hash(head().hash, run.head_hash)});
        brought.insert(brought.end(), run.receipts.begin(), run.receipts.end());
        for (const EncodedView& v : run.records) stored.push_back(copy_of(v));
        RunReceipt receipt{run.replica,
                           run.first_seq,
                           run.last_seq(),
                           run.head_hash,
                           {99},
                           {run.first_seq},
                           {},
                           {}};
        receipt.times.resize(run.count);
        return {acked(), {receipt}, {}, 0, head()};
    }

    [[nodiscard]] PageRun own_run(const Run& r) const {
        PageRun run;
        run.receipt.replica = kDevice;
        run.receipt.first_seq = r.last_seq - r.count + 1;
        run.receipt.last_seq = r.last_seq;
        run.receipt.last_hash = r.head;
        run.receipt.received = {99};
        run.receipt.first_hub_seq = {run.receipt.first_seq};
        run.receipt.times.resize(r.count);
        run.hub_seq = {run.receipt.first_seq};
        run.encoding = Encoding::kNone;
        return run;
    }

    /// One run with its body.
    [[nodiscard]] OwnRecords own_records(std::uint64_t from) const {
        for (const Run& r : runs) {
            if (r.last_seq < from) continue;
            PageRun run = own_run(r);
            std::vector<EncodedView> views;
            for (std::uint64_t s = run.receipt.first_seq; s <= r.last_seq; ++s)
                views.push_back(view_of(stored[s - 1]));
            run.body = encode_batch(views);
            run.raw_bytes = static_cast<std::uint32_t>(run.body.size());
            run.encoding = Encoding::kPlain;
            return {{run}, r.last_seq < acked()};
        }
        return {};
    }

    /// One run a page, as the reader's own records: without a body.
    [[nodiscard]] Page page(const ReadPage& want) const {
        Page page;
        page.scope = want.scope;
        page.next = want.cursor;
        page.caught_up = true;
        for (const Run& r : runs) {
            if (HubSeq{r.last_seq} <= want.cursor.seq) continue;
            page.runs.push_back(own_run(r));
            page.next = {{r.last_seq}, r.hub_hash};
            page.caught_up = r.last_seq == acked();
            break;
        }
        return page;
    }

    std::vector<Run> runs;
    std::vector<EncodedRecord> stored;
    HelloVerdict verdict = HelloVerdict::kOk;
    std::optional<PublicKey> device_key;  // what the device is enrolled with
    std::optional<SigningKey> key;        // its own
    bool knows_cursors = true;
    std::uint64_t nonce = 0;             // number of the newest that counts
    std::vector<std::uint64_t> granted;  // common sequences of incarnations granted
    std::vector<std::string> suspicions;
    std::vector<RunReceipt> brought;  // receipts that came with records
    std::vector<RunReceipt> earlier;
    std::map<RecordKey, Hash> own_heads;  // of its own records
    bool pressed = false;
    bool hold_commits = false;
};

/// One connection between a device and a hub, in memory. Messages are delivered one at a time and
/// can be cut, changed or repeated on the way.
class Wire {
  public:
    Wire(MemoryLog& log, MemoryHub& hub, AgentSessionConfig ac = {}, HubSessionConfig hc = {})
        : log_(log),
          hub_(hub),
          agent(log, with_keys(std::move(ac), hub)),
          server(hub, with_key(std::move(hc), hub)) {
        server.start(Bytes(16, 7), {now});
        carry();
    }

    static AgentSessionConfig with_keys(AgentSessionConfig c, const MemoryHub& hub) {
        if (hub.key && !c.hub_key) c.hub_key = hub.key->public_key();
        return c;
    }

    static HubSessionConfig with_key(HubSessionConfig c, const MemoryHub& hub) {
        c.hub = kHubId;
        c.key = hub.key;
        return c;
    }

    /// Delivers the next message of either side; false when the line is quiet.
    bool step() {
        auto& queue = !to_agent.empty() ? to_agent : to_hub;
        if (queue.empty()) return false;
        const bool up = &queue == &to_hub;
        Bytes message = std::move(queue.front());
        queue.pop_front();
        if (tamper) tamper(up, message);
        ++delivered;
        now += 10;
        if (up)
            server.on_message(message, {now});
        else
            agent.on_message(message, boot_clock(now));
        carry();
        return true;
    }

    void run() {
        for (int i = 0; i < 100'000 && step(); ++i) {
        }
    }

    /// Carries out what both sessions want until neither wants anything but messages.
    void carry() {
        for (bool busy = true; busy;) {
            busy = false;
            for (AgentAction& a : agent.take_actions()) busy = true, act(a);
            for (HubAction& a : server.take_actions()) busy = true, act(a);
        }
    }

    template <class T>
    [[nodiscard]] std::vector<T> seen() const {
        std::vector<T> out;
        for (const AgentAction& a : history)
            if (const T* t = std::get_if<T>(&a)) out.push_back(*t);
        return out;
    }

    void commit_next() {
        const auto run = pending.front();
        pending.pop_front();
        const CommitResult result = hub_.commit(*run);
        server.on_committed(result);
        server.on_feed({hub_.acked()});
    }

  private:
    void act(AgentAction& a) {
        history.push_back(a);
        if (auto* s = std::get_if<Send>(&a)) to_hub.push_back(std::move(s->bytes));
        if (const auto* ack = std::get_if<StoreAck>(&a)) {
            EXPECT_LE(ack->ack.acked_seq, hub_.acked()) << "acked before it was committed";
            log_.acked = std::max(log_.acked, ack->ack.acked_seq);
            for (const RunReceipt& r : ack->ack.receipts) log_.receipted.insert(r.first_seq);
        }
        if (const auto* page = std::get_if<ApplyPage>(&a)) {
            for (const PageRun& r : page->page.runs) {
                log_.applied.push_back(r.hub_seq.value);
                log_.receipted.insert(r.receipt.first_seq);
            }
            log_.cursor = page->page.next;
            if (!page->page.signed_head.empty()) log_.signed_head = page->page.signed_head;
            agent.on_page_stored(page->page.scope);
        }
        if (const auto* nonce = std::get_if<StoreNonce>(&a)) {
            log_.session_nonce = nonce->nonce;
            if (!forgets_nonces) agent.on_nonce_stored(nonce->nonce);
        }
        if (const auto* own = std::get_if<AppendOwn>(&a)) {
            for (const PageRun& r : own->runs) log_.append_own(r);
            agent.on_own_appended();
        }
        if (const auto* taken = std::get_if<TakeIncarnation>(&a)) {
            log_.take_incarnation(*taken);
            agent.on_incarnation_taken();
        }
        if (std::holds_alternative<ReadAnew>(a)) log_.reads_anew = true;
        if (const auto* pin = std::get_if<PinHubKey>(&a)) log_.pinned = pin->key;
    }

    void act(HubAction& a) {
        if (auto* s = std::get_if<Send>(&a)) to_agent.push_back(std::move(s->bytes));
        if (const auto* auth = std::get_if<Authenticate>(&a)) {
            DeviceGrant grant;
            grant.verdict = hub_.verdict;
            grant.acked_seq = hub_.acked();
            if (!hub_.runs.empty()) grant.acked_hash = hub_.runs.back().head;
            grant.scopes = {{1, hub_.knows_cursors}};
            grant.key = hub_.device_key;
            if (hub_.key)
                grant.next_nonce = make_nonce(*hub_.key, auth->hello.replica, hub_.nonce + 1);
            const bool proven =
                !hub_.device_key || verify_hello(*hub_.device_key, auth->challenge, auth->hello);
            if (!proven)
                grant.verdict = HelloVerdict::kRefused;
            else if (grant.verdict == HelloVerdict::kOk)
                grant.verdict = judge_heads(auth->hello, grant.acked_seq, grant.acked_hash, hub_);
            server.on_authenticated(grant, {now});
            server.on_feed({hub_.acked()});
        }
        if (const auto* submit = std::get_if<Submit>(&a)) {
            pending.push_back(submit->run);
            if (!hub_.hold_commits) commit_next();
        }
        if (const auto* read = std::get_if<ReadPage>(&a)) server.on_page_ready(hub_.page(*read));
        if (std::holds_alternative<KeepNonce>(a)) ++hub_.nonce;
        if (const auto* own = std::get_if<ReadOwn>(&a))
            server.on_own_ready(hub_.own_records(own->from_seq));
        if (const auto* grant = std::get_if<GrantIncarnation>(&a)) {
            hub_.granted.push_back(grant->common);
            server.on_incarnation(kDevice.incarnation + 1);
        }
        if (const auto* back = std::get_if<TakeBack>(&a)) {
            for (const auto& run : back->runs)
                hub_.own_heads[{run->replica, run->last_seq()}] = run->head_hash;
            server.on_taken_back();
        }
        if (const auto* learn = std::get_if<LearnEarlier>(&a))
            hub_.earlier.insert(hub_.earlier.end(), learn->receipts.begin(), learn->receipts.end());
        if (const auto* suspect = std::get_if<Suspect>(&a))
            hub_.suspicions.push_back(suspect->what);
        if (const auto* close = std::get_if<Close>(&a)) closed = *close;
    }

    MemoryLog& log_;
    MemoryHub& hub_;

  public:
    std::int64_t now = 1000;
    AgentSession agent;
    HubSession server;
    std::deque<Bytes> to_agent;
    std::deque<Bytes> to_hub;
    std::deque<std::shared_ptr<const IncomingRun>> pending;
    std::vector<AgentAction> history;
    std::function<void(bool up, Bytes&)> tamper;
    std::optional<Close> closed;
    bool forgets_nonces = false;  // the device stores them, but never says so
    int delivered = 0;
};

}  // namespace streetlog::sync::testing
