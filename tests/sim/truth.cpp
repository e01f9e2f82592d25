#include "tests/sim/truth.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sync/change/compress.hpp"

namespace streetlog::sim {

void Truth::saved(const sync::RecordKey& key, TrueRecord record) {
    const auto before = last_of(key.replica);
    if (key.seq != before + 1)
        broken(fmt::format("{} was saved after record {}", to_string(key), before));
    const sync::Hash last = before == 0 ? sync::Hash{} : find({key.replica, before})->chain;
    record.chain = sync::chain_hash(last, sync::hash_of(sync::view_of(record.bytes)));
    records_.emplace(key, std::move(record));
}

const TrueRecord* Truth::find(const sync::RecordKey& key) const {
    const auto at = records_.find(key);
    return at == records_.end() ? nullptr : &at->second;
}

std::uint64_t Truth::last_of(const sync::Replica& replica) const {
    auto at = records_.upper_bound({replica, UINT64_MAX});
    if (at == records_.begin()) return 0;
    --at;
    return at->first.replica == replica ? at->first.seq : 0;
}

std::uint64_t Truth::promised(const sync::Replica& replica) const {
    const auto at = promised_.find(replica);
    return at == promised_.end() ? 0 : at->second;
}

std::optional<sync::Receipt> Truth::receipt_of(const sync::RecordKey& key) const {
    const auto at = receipts_.find(key);
    return at == receipts_.end() ? std::nullopt : std::optional{at->second};
}

void Truth::promise(const sync::Replica& replica, std::uint64_t seq) {
    for (auto* all : {&promised_, &owed_}) {
        auto& newest = (*all)[replica];
        newest = std::max(newest, seq);
    }
}

void Truth::hub_lost(const std::map<sync::Replica, std::uint64_t>& has) {
    fell_back_ = true;
    for (auto& [replica, seq] : owed_) {
        const auto at = has.find(replica);
        seq = std::min(seq, at == has.end() ? 0 : at->second);
    }
}

void Truth::kept(const sync::RecordKey& key, const sync::Receipt& receipt) {
    const auto [at, fresh] = kept_.emplace(key, receipt);
    if (!fresh && receipt.place < at->second.place) at->second = receipt;
}

void Truth::receipt(const sync::RunReceipt& r) {
    ++receipts;
    const auto* last = find({r.replica, r.last_seq});
    if (last != nullptr && last->chain != r.last_hash)
        broken(fmt::format("a receipt for {} binds other content",
                           to_string(sync::RecordKey{r.replica, r.last_seq})));
    for (std::uint64_t seq = r.first_seq; seq <= r.last_seq; ++seq) {
        const sync::RecordKey key{r.replica, seq};
        const auto given = r.of(seq);
        const auto [at, fresh] = receipts_.emplace(key, given);
        // A hub that lost its word gives another; what it said first may come to light.
        if (!fresh && fell_back_) {
            if (given.place < at->second.place) at->second = given;
        } else if (!fresh && at->second != given)
            broken(fmt::format("{} was received at {} and now at {}",
                               to_string(key),
                               at->second.place.received.ms,
                               given.place.received.ms));
        if (given.saved.lo > given.saved.hi || given.saved.hi > given.place.received)
            broken(fmt::format("the bracket of {} is no bracket", to_string(key)));
    }
}

/// A page holds whole runs: every record of a run is there, empty only where it is said to be
/// hidden.
void Truth::page(const sync::Replica& reader, const sync::Page& page) {
    ++pages;
    for (const sync::PageRun& run : page.runs) {
        receipt(run.receipt);
        if (run.receipt.replica == reader) continue;
        const auto raw = sync::unpack(run.encoding, run.raw_bytes, run.body);
        const auto views = raw ? sync::decode_batch(*raw) : std::unexpected(raw.error());
        if (!views || views->size() != run.receipt.last_seq - run.receipt.first_seq + 1)
            broken("a page holds part of a run");
        for (std::size_t i = 0; i < views->size(); ++i) {
            const sync::RecordKey key{run.receipt.replica, run.receipt.first_seq + i};
            const bool hidden = std::ranges::find(run.hidden, key.seq, &sync::HiddenRecord::seq) !=
                                run.hidden.end();
            const auto* record = find(key);
            if ((*views)[i].header.empty() != hidden)
                broken(fmt::format("{} is in a page in part", to_string(key)));
            if (!hidden && record != nullptr && sync::copy_of((*views)[i]) != record->bytes)
                broken(fmt::format("{} is not what its author saved", to_string(key)));
        }
    }
}

void Truth::hub_said(const sync::Replica& reader, const sync::Message& message) {
    if (const auto* hello = std::get_if<sync::HelloAck>(&message)) {
        if (hello->verdict != sync::HelloVerdict::kOk) return;
        promise(reader, hello->acked_seq);
    } else if (const auto* ack = std::get_if<sync::PushAck>(&message)) {
        ++acks;
        promise(reader, ack->acked_seq);
        for (const auto& r : ack->receipts) receipt(r);
    } else if (const auto* got = std::get_if<sync::Page>(&message)) {
        page(reader, *got);
    }
}

}  // namespace streetlog::sim
