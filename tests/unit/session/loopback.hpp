#pragma once

#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sync/session/agent_session.hpp"
#include "sync/session/hub_session.hpp"

namespace streetlog::sync::testing {

inline const Replica kDevice{{{0xde, 0x71, 0xce}}, 3};

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
        return run;
    }

    Result<std::optional<Hash>> hash_at(std::uint64_t seq) override { return hashes.at(seq); }

    Result<std::vector<ScopeCursor>> cursors() override {
        return std::vector<ScopeCursor>{{1, cursor, cursor}};
    }

    std::vector<EncodedRecord> records;
    std::vector<Hash> hashes{Hash{}};
    std::uint64_t acked = 0;
    Position cursor;
    std::vector<std::uint64_t> applied;  // hub sequences of applied runs, in order
    std::set<std::uint64_t> receipted;   // first sequences of own runs whose receipt is here

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
        Hash hub_hash{};
    };

    std::optional<Hash> hash_at(const Replica&, std::uint64_t seq) override {
        for (const Run& r : runs)
            if (r.last_seq == seq) return r.head;
        return std::nullopt;
    }

    [[nodiscard]] std::uint64_t acked() const { return runs.empty() ? 0 : runs.back().last_seq; }

    [[nodiscard]] Position head() const {
        return runs.empty() ? Position{} : Position{{acked()}, runs.back().hub_hash};
    }

    CommitResult commit(const IncomingRun& run) {
        if (run.duplicate) return {acked(), {}, {}, 0};
        EXPECT_EQ(run.first_seq, acked() + 1) << "a gap or an overlap reached the writer";
        runs.push_back({run.last_seq(),
                        run.count,
                        run.head_hash,
                        run.opaque,
                        hub_chain_hash(head().hash, run.head_hash)});
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
        return {acked(), {receipt}, {}, 0};
    }

    /// One run a page, as the reader's own records: without a body.
    [[nodiscard]] Page page(const ReadPage& want) const {
        Page page{want.scope, {}, want.cursor, true};
        for (const Run& r : runs) {
            if (HubSeq{r.last_seq} <= want.cursor.seq) continue;
            PageRun run;
            run.receipt.replica = kDevice;
            run.receipt.first_seq = r.last_seq - r.count + 1;
            run.receipt.last_seq = r.last_seq;
            run.receipt.times.resize(r.count);
            run.hub_seq = {run.receipt.first_seq};
            run.encoding = Encoding::kNone;
            page.runs.push_back(run);
            page.next = {{r.last_seq}, r.hub_hash};
            page.caught_up = r.last_seq == acked();
            break;
        }
        return page;
    }

    std::vector<Run> runs;
    std::vector<EncodedRecord> stored;
    HelloVerdict verdict = HelloVerdict::kOk;
    bool pressed = false;
    bool hold_commits = false;
};

/// One connection between a device and a hub, in memory. Messages are delivered one at a time and
/// can be cut, changed or repeated on the way.
class Wire {
  public:
    Wire(MemoryLog& log, MemoryHub& hub, AgentSessionConfig ac = {}, HubSessionConfig hc = {})
        : log_(log), hub_(hub), agent(log, std::move(ac)), server(hub, hc) {
        server.start(Bytes(16, 7), {now});
        carry();
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
            agent.on_page_stored(page->page.scope);
        }
    }

    void act(HubAction& a) {
        if (auto* s = std::get_if<Send>(&a)) to_agent.push_back(std::move(s->bytes));
        if (std::get_if<Authenticate>(&a) != nullptr) {
            DeviceGrant grant{hub_.verdict, hub_.acked(), {}, {{1, true}}, 1, 1};
            if (!hub_.runs.empty()) grant.acked_hash = hub_.runs.back().head;
            server.on_authenticated(grant, {now});
            server.on_feed({hub_.acked()});
        }
        if (const auto* submit = std::get_if<Submit>(&a)) {
            pending.push_back(submit->run);
            if (!hub_.hold_commits) commit_next();
        }
        if (const auto* read = std::get_if<ReadPage>(&a)) server.on_page_ready(hub_.page(*read));
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
    int delivered = 0;
};

}  // namespace streetlog::sync::testing
