#pragma once

#include "hub/feed/audience.hpp"
#include "hub/feed/state_pages.hpp"
#include "sync/session/messages.hpp"
#include "sync/store/hub_log.hpp"

namespace streetlog::hub {

/// Makes the pages a device pulls, from the log as it was stored: whole runs in hub order, in the
/// bytes the author sent. The reader's own records come without their bodies, hidden ones as edges
/// without cells. Behind a run with releases come the released records, each as a run of its own
/// with the receipt and the place it had; the reader's own ones do not, for it has them. (The
/// desk writes each verdict as a run, so a page never has to hold two of them.) One thread; reads
/// only.
class PageReader {
  public:
    explicit PageReader(store::HubLog log) : log_(std::move(log)) {}

    /// From here on scopes other than kScopeAll can be read, too.
    void follow(StatePages states);

    /// Whatever the scope: errors and `within` as in StatePages::read.
    [[nodiscard]] Result<StatePages::Read> read(const sync::ReadPage& request,
                                                const sync::Replica& reader);

    /// The scopes of a device that is told of these projects: the office's and those of the
    /// projects where anything ever happened. kUnavailable until the projection is as far as the
    /// log was at `follow`: one that is being made anew does not know them yet, and a device drops
    /// what it is not told of.
    [[nodiscard]] Result<std::vector<std::uint32_t>> scopes_of(std::span<const EntityId> projects);

    /// What follows `cursor`, bodies of about `max_bytes` together, at least one run when there is
    /// one. kNotFound when the hub's chain does not have that hash there.
    [[nodiscard]] Result<sync::Page> read(std::uint32_t scope,
                                          const sync::Position& cursor,
                                          std::size_t max_bytes,
                                          const sync::Replica& reader);

    /// One run of the log as it goes into a page; `told_at`: into that of another place, where the
    /// hub says something new of it.
    [[nodiscard]] sync::PageRun as_sent(store::LogRun&& run,
                                        const sync::Replica& reader,
                                        std::optional<HubSeq> told_at = std::nullopt);

    /// The reader's own runs from its record `first_seq` on, without bodies, receipts of about
    /// `max_bytes` together; false when there are more. For a device that will not read the pages
    /// in which they stand.
    [[nodiscard]] Result<bool> read_own(std::uint64_t first_seq,
                                        std::size_t max_bytes,
                                        const sync::Replica& reader,
                                        std::vector<sync::PageRun>& out);
    /// The author's own records from `from` on, whole runs with their bodies: about `max_bytes`, at
    /// least one run.
    [[nodiscard]] Result<sync::OwnRecords> own_records(const sync::Replica& author,
                                                       std::uint64_t from,
                                                       std::size_t max_bytes);

    /// The label of this log since it last fell back; 0: it never did, or cannot be read now.
    [[nodiscard]] std::uint64_t epoch();

    [[nodiscard]] store::HubLog& log() { return log_; }

  private:
    /// Records that verdicts of `run` put in force.
    [[nodiscard]] std::vector<sync::PageRun> released_by(const store::LogRun& run,
                                                         const sync::Replica& reader);

    /// Entities that are everybody's and that `run` says something new of: records of others it
    /// released or gives earlier receipts.
    [[nodiscard]] std::vector<EntityId> anew_to_all(const store::LogRun& run,
                                                    const sync::Replica& reader);
    /// Records of others that `run` gives earlier receipts, again with these.
    [[nodiscard]] std::vector<sync::PageRun> earlier_by(const store::LogRun& run,
                                                        const sync::Replica& reader);

    /// What the hub says to everybody, and the receipts of the reader's own records.
    [[nodiscard]] Result<sync::Page> read_office(const sync::Position& cursor,
                                                 std::size_t max_bytes,
                                                 const sync::Replica& reader);

    store::HubLog log_;
    std::optional<StatePages> states_;
    HubSeq followed_from_;
};

/// A run's receipts as they travel.
[[nodiscard]] sync::RunReceipt wire_receipt(const sync::Replica& replica,
                                            std::uint64_t first_seq,
                                            const sync::Hash& last_hash,
                                            const sync::ReceiptSpan& receipt);

}  // namespace streetlog::hub
