#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "schema/planted.hpp"
#include "sync/change/hlc.hpp"
#include "sync/store/agent_impl.hpp"

/// The push side: own records out, receipts in, and the states told of them.
namespace streetlog::store {
namespace {

Hash hash_of(BytesView bytes) {
    Hash out{};
    if (bytes.size() == out.size()) std::ranges::copy(bytes, out.begin());
    return out;
}

std::size_t size_of(const sync::EncodedView& record) {
    std::size_t size = record.header.size();
    for (BytesView op : record.ops) size += op.size();
    return size;
}

constexpr int kCorrupt = 11;  // SQLITE_CORRUPT

}  // namespace

Bytes encode_receipt(const sync::RunReceipt& receipt) {
    sync::PushAck holder;
    holder.receipts.push_back(receipt);
    return sync::encode_message(holder);
}

Result<sync::RunReceipt> decode_receipt(BytesView body) {
    STREETLOG_TRY(auto message, sync::decode_message(body));
    auto* holder = std::get_if<sync::PushAck>(&message);
    if (holder == nullptr || holder->receipts.size() != 1)
        return fail(ErrorCode::kDamaged, "a stored receipt cannot be read");
    return std::move(holder->receipts.front());
}

Bytes encode_hidden(const std::vector<sync::HiddenRecord>& hidden) {
    sync::Page holder;
    auto& run = holder.runs.emplace_back();
    run.hidden = hidden;
    run.receipt.first_seq = run.receipt.last_seq = 1;  // a receipt names one record at least
    run.receipt.times.resize(1);
    return sync::encode_message(holder);
}

Result<std::vector<sync::HiddenRecord>> decode_hidden(BytesView body) {
    if (body.empty()) return std::vector<sync::HiddenRecord>{};
    STREETLOG_TRY(auto message, sync::decode_message(body));
    auto* holder = std::get_if<sync::Page>(&message);
    if (holder == nullptr || holder->runs.size() != 1)
        return fail(ErrorCode::kDamaged, "the hidden records of a run cannot be read");
    return std::move(holder->runs.front().hidden);
}

Result<sync::Record> decode_own(BytesView body) {
    const Bytes aligned(body.begin(), body.end());
    STREETLOG_TRY(auto views, sync::decode_batch(aligned));
    if (views.size() != 1) return fail(ErrorCode::kDamaged, "an own record cannot be read");
    return sync::decode(views.front());
}

sync::Record need_own(BytesView body) {
    auto record = decode_own(body);
    if (!record) throw StorageFailure("an own record cannot be read", kCorrupt);
    return *std::move(record);
}

Result<sync::LogHead> AgentStore::Impl::head() {
    return guarded_job([&]() -> Result<sync::LogHead> {
        sync::LogHead out;
        out.replica = me.settings.self;
        out.last_seq = me.next_seq - 1;
        out.head_hash = me.head;
        out.acked_seq = me.acked;
        out.signed_head = me.signed_head;
        if (me.shared_seq) out.shared_seq = static_cast<std::uint64_t>(*me.shared_seq);
        auto nonce = db.prepare("SELECT session_nonce FROM me");
        if (nonce.step()) out.session_nonce.assign(nonce.blob(0).begin(), nonce.blob(0).end());
        nonce.reset();
        auto receipts = db.prepare("SELECT coalesce(max(last_seq), 0) FROM receipt");
        if (receipts.step()) out.last_receipt_seq = static_cast<std::uint64_t>(receipts.integer(0));
        receipts.reset();
        if (bootstrap.loading()) out.snapshot = bootstrap.id;
        if (me.acked < out.last_seq) {
            auto oldest = db.prepare("SELECT recorded_ms FROM own WHERE seq = ?1");
            oldest.with(me.acked + 1);
            if (oldest.step()) out.oldest_unsent = {oldest.integer(0)};
            oldest.reset();
        }
        return out;
    });
}

Result<std::uint64_t> AgentStore::Impl::first_unreceipted() {
    return guarded_job([&]() -> Result<std::uint64_t> {
        for (std::uint64_t seq = me.stamped + 1; seq <= me.acked; seq = receipt_cached.last_seq + 1)
            if (!receipt_of(seq)) return seq;
        return 0;
    });
}

/// Where a run that begins at `first` and would end at `last` has to end so that no receipt reaches
/// beyond it: one that is cut cannot be given back, and its records would be received anew. Before
/// a receipt that begins in it, or with the one it begins in and those that overlap that.
std::uint64_t AgentStore::Impl::whole_receipts(std::uint64_t first, std::uint64_t last) {
    auto over = db.prepare(
        "SELECT first_seq, last_seq FROM receipt WHERE first_seq <= ?2 AND first_seq > ?2 - ?3 AND "
        "last_seq > ?2 ORDER BY first_seq LIMIT 1");
    const std::uint64_t longest = first + sync::kBatchRecordsMax - 1;
    bool grows = false;
    for (std::uint64_t end = last; end <= longest;) {
        over.with(first, end, sync::kListMax);
        if (!over.step()) return end;
        const auto begins = static_cast<std::uint64_t>(over.integer(0));
        const auto ends = static_cast<std::uint64_t>(over.integer(1));
        over.reset();
        grows = grows || begins <= first;
        end = grows ? ends : begins - 1;
    }
    return last;  // receipts that overlap without end; those that fit go along
}

Result<sync::PushRun> AgentStore::Impl::read_run(std::uint64_t first_seq,
                                                 std::uint32_t max_records,
                                                 std::size_t max_bytes) {
    return guarded_job([&]() -> Result<sync::PushRun> {
        sync::PushRun out;
        out.first_seq = first_seq;
        STREETLOG_TRY(auto before, hash_at(first_seq - 1));
        if (!before || first_seq >= me.next_seq)
            return fail(ErrorCode::kNotFound, fmt::format("there is no own record {}", first_seq));
        out.prev_hash = *before;
        const auto read = [&](std::uint64_t from, std::uint64_t count, std::size_t most) {
            std::size_t bytes = 0;
            own_range_.with(from, count);
            while (own_range_.step()) {
                const auto stored = own_range_.blob(1);
                const Bytes body(stored.begin(), stored.end());
                const auto views = sync::decode_batch(body);
                if (!views || views->size() != 1) {
                    own_range_.reset();
                    return false;
                }
                bytes += size_of(views->front());
                if (!out.records.empty() && bytes > most) {
                    own_range_.reset();
                    break;
                }
                out.records.push_back(sync::copy_of(views->front()));
                out.head_hash = hash_of(own_range_.blob(0));
            }
            return true;
        };
        const Error unreadable{ErrorCode::kDamaged, "an own record cannot be read", {}};
        if (!read(first_seq, std::max<std::uint32_t>(max_records, 1), max_bytes))
            return std::unexpected(unreadable);
        std::uint64_t last = first_seq + out.records.size() - 1;
        const std::uint64_t end = std::min(whole_receipts(first_seq, last), me.next_seq - 1);
        if (end < last) {
            out.records.resize(end - first_seq + 1);
            STREETLOG_TRY(const auto head, hash_at(end));
            if (!head) return std::unexpected(unreadable);
            out.head_hash = *head;
        } else if (end > last && !read(last + 1, end - last, SIZE_MAX)) {
            return std::unexpected(unreadable);
        }
        last = end;
        auto receipts = db.prepare(
            "SELECT body FROM receipt WHERE first_seq > ?1 - ?3 AND first_seq <= ?2 AND last_seq "
            ">= "
            "?1 AND last_seq <= ?2 ORDER BY first_seq");
        receipts.with(first_seq, last, sync::kListMax);
        while (receipts.step()) {
            STREETLOG_TRY(auto receipt, decode_receipt(receipts.blob(0)));
            out.receipts.push_back(std::move(receipt));
        }
        return out;
    });
}

Result<std::optional<Hash>> AgentStore::Impl::hash_at(std::uint64_t seq) {
    if (seq == 0) return std::optional{Hash{}};
    return guarded_job([&]() -> Result<std::optional<Hash>> {
        own_hash_.with(seq);
        if (!own_hash_.step()) return std::optional<Hash>{};
        const Hash hash = hash_of(own_hash_.blob(0));
        own_hash_.reset();
        return std::optional{hash};
    });
}

Result<std::vector<sync::ScopeCursor>> AgentStore::Impl::cursors() {
    return guarded_job([&]() -> Result<std::vector<sync::ScopeCursor>> {
        std::vector<sync::ScopeCursor> out;
        while (cursor_get_.step()) {
            const sync::Position at{{static_cast<std::uint64_t>(cursor_get_.integer(1))},
                                    hash_of(cursor_get_.blob(2)),
                                    {static_cast<std::uint64_t>(cursor_get_.integer(3))}};
            out.push_back({static_cast<std::uint32_t>(cursor_get_.integer(0)), at, at});
        }
        return out;
    });
}

sync::AgentLog& AgentStore::log() { return *impl_; }

std::uint64_t AgentStore::oldest_unsent() const {
    return impl_->me.acked + 1 < impl_->me.next_seq ? impl_->me.acked + 1 : 0;
}

Result<void> AgentStore::Impl::check_own(const sync::RunReceipt& receipt) const {
    const bool fits = receipt.replica == me.settings.self && receipt.first_seq >= 1 &&
                      receipt.first_seq <= receipt.last_seq &&
                      receipt.times.size() == receipt.last_seq - receipt.first_seq + 1;
    if (!fits) return fail(ErrorCode::kMalformed, "a receipt that does not fit its own range");
    return {};
}

/// A new receipt makes states wait for `stamp` from its first record on; one already known changes
/// nothing.
void AgentStore::Impl::keep_receipt(const sync::RunReceipt& receipt) {
    sync::Hlc clock{me.hlc};
    for (const auto& time : receipt.times) clock.absorb(time.hlc_hub);
    me.hlc = clock.last();
    me.acked = std::max(me.acked, std::min(receipt.last_seq, me.next_seq - 1));
    const auto before = receipt_of(receipt.first_seq);
    if (before && before->place != receipt.of(receipt.first_seq).place) {
        // What the hub said of the first one it may have said before it got the records again.
        db.prepare(
              "UPDATE receipt SET adopted = 0 WHERE adopted AND first_seq <= ?2 AND last_seq >= ?1")
            .with(receipt.first_seq, receipt.last_seq)
            .run();
        receipts_differ = true;
    }
    const Bytes body = encode_receipt(receipt);
    receipt_add_
        .with(receipt.first_seq,
              receipt.last_seq,
              receipt.received.ms,
              receipt.first_hub_seq.value,
              BytesView{body})
        .run();
    if (db.changes() == 0) return;
    news_of(receipt.first_seq);
    me.last_receipt_ms =
        std::max(me.last_receipt_ms.value_or(receipt.received.ms), receipt.received.ms);
}

void AgentStore::Impl::news_of(std::uint64_t seq) {
    if (seq == 0) return;
    me.stamped = std::min(me.stamped, seq - 1);
    bootstrap.own = std::min(bootstrap.own, seq - 1);
    bootstrap.stamped = std::min(bootstrap.stamped, seq - 1);
    if (bootstrap.loading()) write_bootstrap();
}

void AgentStore::Impl::keep_exception(const sync::RecordException& exception) {
    if (exception.status == sync::RecordStatus::kAccepted) return;
    exception_of_.with(exception.seq);
    const bool known = exception_of_.step();
    if (known) exception_of_.reset();
    exception_add_.with(exception.seq, exception.status, exception.code).run();
    if (known) return;
    // It was accepted and is in the states, where nothing hides it any more.
    if (receipt_of(exception.seq)) {
        db.exec("INSERT OR IGNORE INTO rebuild_due VALUES(1)");
        rebuild_due = true;
    }
    news_of(exception.seq);
}

/// What the hub says of these records counts, not what it said before it fell back: others may have
/// come to it in another order since.
void AgentStore::Impl::keep_word(const sync::RunReceipt& receipt,
                                 std::span<const sync::RecordException> exceptions) {
    auto known =
        db.prepare("SELECT seq FROM own_exception WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq");
    known.with(receipt.first_seq, receipt.last_seq);
    std::vector<std::uint64_t> accepted;
    while (known.step()) {
        const auto seq = static_cast<std::uint64_t>(known.integer(0));
        if (std::ranges::find(exceptions, seq, &sync::RecordException::seq) == exceptions.end())
            accepted.push_back(seq);
    }
    for (const auto seq : accepted) {
        db.prepare("DELETE FROM own_exception WHERE seq = ?1").with(seq).run();
        db.prepare("DELETE FROM own_refused WHERE seq = ?1").with(seq).run();
        if (bootstrap.own >= seq)
            db.prepare("DELETE FROM own_refused_next WHERE seq = ?1").with(seq).run();
        news_of(seq);
    }
    for (const auto& exception : exceptions) keep_exception(exception);
    keep_receipt(receipt);
}

Result<void> AgentStore::store_ack(const sync::PushAck& ack) {
    for (const auto& receipt : ack.receipts) STREETLOG_CHECK(impl_->check_own(receipt));
    return impl_->transact([&]() -> Result<void> {
        for (const auto& receipt : ack.receipts) {
            std::vector<sync::RecordException> of_these;
            std::ranges::copy_if(
                ack.exceptions, std::back_inserter(of_these), [&](const auto& exception) {
                    return exception.seq >= receipt.first_seq && exception.seq <= receipt.last_seq;
                });
            impl_->keep_word(receipt, of_these);
        }
        auto& me = impl_->me;
        me.acked = std::max(me.acked, std::min(ack.acked_seq, me.next_seq - 1));
        me.safe = std::max(me.safe, std::min(ack.safe_seq, me.acked));
        if (!ack.signed_head.empty()) me.signed_head = ack.signed_head;
        return {};
    });
}

std::optional<sync::Receipt> AgentStore::Impl::receipt_of(std::uint64_t seq) {
    receipt_for_.with(seq, sync::kListMax);
    if (!receipt_for_.step()) return std::nullopt;
    const auto id = receipt_for_.integer(0);
    if (id != receipt_id) {
        auto receipt = decode_receipt(receipt_for_.blob(1));
        if (!receipt || !check_own(*receipt)) {
            receipt_for_.reset();
            throw StorageFailure("a stored receipt cannot be read", kCorrupt);
        }
        receipt_cached = *std::move(receipt);
        receipt_id = id;
    }
    receipt_for_.reset();
    return receipt_cached.of(seq);
}

sync::Record AgentStore::Impl::own_record(std::uint64_t seq) {
    own_body_.with(seq);
    if (!own_body_.step()) throw StorageFailure("an own record is missing", kCorrupt);
    auto record = decode_own(own_body_.blob(0));
    own_body_.reset();
    if (!record) throw StorageFailure("an own record cannot be read", kCorrupt);
    return *std::move(record);
}

std::optional<sync::VerdictAct> AgentStore::Impl::verdict_on(const sync::RecordKey& record) {
    verdict_of_.with(numbers.number_of(record.replica), record.seq);
    if (!verdict_of_.step()) return std::nullopt;
    const auto act = static_cast<sync::VerdictAct>(verdict_of_.integer(0));
    verdict_of_.reset();
    return act;
}

/// False when there is no receipt for it yet.
bool AgentStore::Impl::stamp_one(StateTables& into, std::uint64_t seq) {
    const auto receipt = receipt_of(seq);
    if (!receipt) return false;
    const sync::Record record = own_record(seq);
    exception_of_.with(seq);
    const bool refused = exception_of_.step();
    if (refused) exception_of_.reset();
    const auto verdict = refused ? verdict_on(record.header.key()) : std::nullopt;
    const bool hidden = refused && verdict != sync::VerdictAct::kRelease;
    for (const sync::Op& op : record.ops) {
        if (!refused || op.entity.is_nil()) continue;
        auto& row = hidden && !verdict ? into.refused_add : into.refused_drop;
        row.with(into.projection.states.touch(op.entity).eno, seq).run();
    }
    if (!hidden) {
        into.projection.put(record, receipt);
        return true;
    }
    std::vector<sync::HiddenWrite> writes;
    for (std::size_t i = 0; i < record.ops.size(); ++i) {
        const sync::Op& op = record.ops[i];
        writes.push_back({op.entity,
                          op.table,
                          op.group,
                          static_cast<std::uint16_t>(i),
                          op.redacted(),
                          op.supersedes});
    }
    into.projection.hide(record.header.key(), writes, receipt->place);
    return true;
}

std::size_t AgentStore::Impl::stamp(std::size_t records_max) {
    std::size_t done = 0;
    const std::uint64_t before = me.stamped;
    while (done < records_max && me.stamped + 1 < me.next_seq && stamp_one(live, me.stamped + 1)) {
        ++me.stamped;
        ++done;
    }
    if (done > 0 && !planted(Bug::kBackWithReceipt)) sweep_again(before);
    return done;
}

Result<std::size_t> AgentStore::stamp_receipts(std::size_t records_max) {
    if (impl_->rebuild_due && !impl_->bootstrap.loading()) STREETLOG_CHECK(rebuild_state());
    std::size_t done = 0;
    STREETLOG_CHECK(impl_->transact([&]() -> Result<void> {
        done = impl_->stamp(records_max);
        return {};
    }));
    return done;
}

bool AgentStore::fully_stamped() const {
    if (impl_->rebuild_due && !impl_->bootstrap.loading()) return false;
    const std::uint64_t next = impl_->me.stamped + 1;
    return next >= impl_->me.next_seq || !impl_->receipt_of(next);
}

RefusedOverlay::RefusedOverlay(Db& db, Generation of)
    : refused_(prepare_in(db, of, "SELECT seq FROM own_refused$ WHERE eno = ?1 ORDER BY seq")),
      body_(db.prepare("SELECT body FROM own WHERE seq = ?1")) {}

std::vector<std::uint64_t> RefusedOverlay::refused_on(std::int64_t eno) {
    std::vector<std::uint64_t> out;
    refused_.with(eno);
    while (refused_.step()) out.push_back(static_cast<std::uint64_t>(refused_.integer(0)));
    return out;
}

void RefusedOverlay::put_back(std::span<const std::uint64_t> seqs,
                              EntityId id,
                              sync::EntityState& state) {
    for (const std::uint64_t seq : seqs) {
        body_.with(seq);
        if (!body_.step()) continue;
        const auto record = decode_own(body_.blob(0));
        body_.reset();
        if (!record) throw StorageFailure("an own record cannot be read", kCorrupt);
        for (std::size_t i = 0; i < record->ops.size(); ++i) {
            const sync::Op& op = record->ops[i];
            if (op.entity != id) continue;
            const sync::Dot dot{record->header.replica, seq, static_cast<std::uint16_t>(i)};
            sync::drop(state, dot);
            sync::put(state, {dot, &record->header, &op, std::nullopt});
        }
    }
}

}  // namespace streetlog::store
