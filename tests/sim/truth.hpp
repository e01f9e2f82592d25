#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
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
    sync::Hash chain{};               // of its replica after it
    Instant saved;                    // true time
    std::optional<Instant> occurred;  // true time of the interaction; none: it is not one
    bool wall_lied = false;  // the author's wall clock was set where no program could see it
};

/// What was told to whom, gathered as it happens and independent of any store.
class Truth {
  public:
    [[noreturn]] static void broken(std::string what) { throw Violation{std::move(what)}; }

    void saved(const sync::RecordKey& key, TrueRecord record);
    [[nodiscard]] const TrueRecord* find(const sync::RecordKey& key) const;
    /// Newest record of the replica that was told to be saved.
    [[nodiscard]] std::uint64_t last_of(const sync::Replica& replica) const;

    [[nodiscard]] const std::map<sync::RecordKey, TrueRecord>& records() const { return records_; }

    /// A message left the hub: its acks are promises, its receipts are for ever.
    void hub_said(const sync::Replica& reader, const sync::Message& message);
    /// Newest sequence the hub ever told the replica to be on its disk.
    [[nodiscard]] std::uint64_t promised(const sync::Replica& replica) const;

    /// What it said of each since its disk was lost, or ever: what it must have.
    [[nodiscard]] const std::map<sync::Replica, std::uint64_t>& promises() const { return owed_; }

    [[nodiscard]] std::optional<sync::Receipt> receipt_of(const sync::RecordKey& key) const;

    /// The hub is what it was when it had that much of each replica.
    void hub_lost(const std::map<sync::Replica, std::uint64_t>& has);
    /// Its author has this receipt on its disk while the hub loses it: for ever, then.
    void kept(const sync::RecordKey& key, const sync::Receipt& receipt);

    [[nodiscard]] const std::map<sync::RecordKey, sync::Receipt>& kept_receipts() const {
        return kept_;
    }

    [[nodiscard]] bool hub_fell_back() const { return fell_back_; }

    std::uint64_t acks = 0;
    std::uint64_t receipts = 0;
    std::uint64_t pages = 0;

  private:
    void receipt(const sync::RunReceipt& receipt);
    void page(const sync::Replica& reader, const sync::Page& page);

    std::map<sync::RecordKey, TrueRecord> records_;
    void promise(const sync::Replica& replica, std::uint64_t seq);

    std::map<sync::Replica, std::uint64_t> promised_, owed_;
    std::map<sync::RecordKey, sync::Receipt> receipts_;
    std::map<sync::RecordKey, sync::Receipt> kept_;
    bool fell_back_ = false;
};

}  // namespace streetlog::sim
