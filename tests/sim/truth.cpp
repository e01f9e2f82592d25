#include "tests/sim/truth.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sync/change/compress.hpp"

namespace streetlog::sim {

sync::Hash Truth::saved(const sync::RecordKey& key, TrueRecord record) {
    if (key.seq > 1 && find({key.replica, key.seq - 1}, record.before) == nullptr)
        broken(to_string(key) + " was saved after a record nobody saved");
    record.chain = sync::chain_hash(record.before, sync::hash_of(sync::view_of(record.bytes)));
    if (record.save == 0) {
        saves_.push_back(key);
        record.save = saves_.size();
    }
    return records_[key].emplace_back(std::move(record)).chain;
}

const TrueRecord* Truth::find(const sync::RecordKey& key, const sync::Hash& chain) const {
    const auto at = records_.find(key);
    if (at == records_.end()) return nullptr;
    const auto one = std::ranges::find(at->second, chain, &TrueRecord::chain);
    return one == at->second.end() ? nullptr : &*one;
}

std::uint64_t Truth::promised(const sync::Replica& replica) const {
    const auto at = promised_.find(replica);
    return at == promised_.end() ? 0 : at->second;
}

std::optional<sync::Receipt> Truth::receipt_of(const Stamp& stamp) const {
    const auto at = receipts_.find(stamp);
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

void Truth::kept(const Stamp& stamp, const sync::Receipt& receipt) {
    const auto [at, fresh] = kept_.emplace(stamp, receipt);
    if (!fresh && receipt.place < at->second.place) at->second = receipt;
}

void Truth::receipt(const sync::RunReceipt& r) {
    ++receipts;
    const sync::RecordKey last{r.replica, r.last_seq};
    if (known(last) && find(last, r.last_hash) == nullptr)
        broken(fmt::format("a receipt for {} binds other content", to_string(last)));
    each_of(r, [this](const Stamp& stamp, const sync::Receipt& given) {
        const auto& key = stamp.first;
        const auto [one, first] = received_.emplace(key, stamp.second);
        if (!first && one->second != stamp.second && !fell_back_)
            broken(fmt::format("two records were received as {}", to_string(key)));
        const auto [at, fresh] = receipts_.emplace(stamp, given);
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
    });
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
            const auto at = records_.find(key);
            if ((*views)[i].header.empty() != hidden)
                broken(fmt::format("{} is in a page in part", to_string(key)));
            if (!hidden && at != records_.end() &&
                std::ranges::find(at->second, sync::copy_of((*views)[i]), &TrueRecord::bytes) ==
                    at->second.end())
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
