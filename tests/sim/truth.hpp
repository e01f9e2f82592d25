#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/change/codec.hpp"
#include "sync/session/messages.hpp"

namespace streetlog::sim {

/// What breaks a promise ends the run.
struct Violation {
    std::string what;
};

/// A record as its author's program said "saved": what nobody may lose or change.
struct TrueRecord {
    sync::EncodedRecord bytes;
    sync::Hash before{};              // chain of its replica
    sync::Hash chain{};               // after it
    Instant saved;                    // true time
    std::optional<Instant> occurred;  // true time of the interaction; none: it is not one
    bool wall_lied = false;  // the author's wall clock was set where no program could see it
    std::uint64_t save = 0;  // which it was, whatever key it has since
};

/// A record by key and by the chain after it: devices that were copied save different ones under
/// one key.
using Stamp = std::pair<sync::RecordKey, sync::Hash>;

/// What was told to whom, gathered as it happens and independent of any store.
class Truth {
  public:
    [[noreturn]] static void broken(std::string what) { throw Violation{std::move(what)}; }

    /// The next record of an author who had the chain `record.before`. One that a fork stamps anew
    /// keeps its `save`. Answers the chain after it.
    sync::Hash saved(const sync::RecordKey& key, TrueRecord record);
    [[nodiscard]] const TrueRecord* find(const sync::RecordKey& key, const sync::Hash& chain) const;

    /// Whoever saved under this key.
    [[nodiscard]] bool known(const sync::RecordKey& key) const { return records_.contains(key); }

    /// How many Saves there were, counted from 1, and the key of each at that time.
    [[nodiscard]] const std::vector<sync::RecordKey>& saves() const { return saves_; }

    /// A message left the hub: its acks are promises, its receipts are for ever.
    void hub_said(const sync::Replica& reader, const sync::Message& message);
    /// Newest sequence the hub ever told the replica to be on its disk.
    [[nodiscard]] std::uint64_t promised(const sync::Replica& replica) const;

    /// What it said of each since its disk was lost, or ever: what it must have.
    [[nodiscard]] const std::map<sync::Replica, std::uint64_t>& promises() const { return owed_; }

    [[nodiscard]] std::optional<sync::Receipt> receipt_of(const Stamp& stamp) const;

    /// Calls for each record of the receipt, newest first, with what it is, if that is known.
    template <class F>
    void each_of(const sync::RunReceipt& r, F&& f) const {
        const auto* record = find({r.replica, r.last_seq}, r.last_hash);
        for (auto seq = r.last_seq; seq >= r.first_seq; --seq) {
            const sync::RecordKey key{r.replica, seq};
            f(Stamp{key, record == nullptr ? sync::Hash{} : record->chain}, r.of(seq));
            if (record != nullptr) record = find({r.replica, seq - 1}, record->before);
        }
    }

    /// The hub is what it was when it had that much of each replica.
    void hub_lost(const std::map<sync::Replica, std::uint64_t>& has);
    /// Its author has this receipt on its disk while the hub loses it: for ever, then.
    void kept(const Stamp& stamp, const sync::Receipt& receipt);

    [[nodiscard]] const std::map<Stamp, sync::Receipt>& kept_receipts() const { return kept_; }

    [[nodiscard]] bool hub_fell_back() const { return fell_back_; }

    std::uint64_t acks = 0;
    std::uint64_t receipts = 0;
    std::uint64_t pages = 0;

  private:
    void receipt(const sync::RunReceipt& receipt);
    void page(const sync::Replica& reader, const sync::Page& page);

    std::map<sync::RecordKey, std::vector<TrueRecord>> records_;
    std::vector<sync::RecordKey> saves_;
    void promise(const sync::Replica& replica, std::uint64_t seq);

    std::map<sync::Replica, std::uint64_t> promised_, owed_;
    std::map<Stamp, sync::Receipt> receipts_;
    std::map<sync::RecordKey, sync::Hash> received_;  // which of those with this key
    std::map<Stamp, sync::Receipt> kept_;
    bool fell_back_ = false;
};

}  // namespace streetlog::sim
