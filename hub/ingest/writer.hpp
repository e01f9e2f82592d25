#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "hub/ingest/ledger.hpp"

namespace streetlog::hub {

struct WriterLimits {
    std::size_t group_records = 512;
    std::size_t group_bytes = 2 * 1024 * 1024;
    std::size_t queue_bytes =
        64 * 1024 * 1024;  // above it `pressed` is true and no new credit is given
};

/// The one thread that writes the hub's log. It takes whatever is queued as one group and commits
/// it; there is no timer, so an idle hub commits a single record at once and a loaded one forms
/// larger groups by itself.
class Writer {
  public:
    /// Called on the writer's thread after the commit, or with the reason why nothing was stored.
    using Done = std::function<void(Result<IngestResult>)>;
    /// Called on the writer's thread after every commit that moved the head.
    using OnCommit = std::function<void(store::HubHead)>;

    /// `high_water` may be null.
    Writer(Ledger ledger,
           WriterLimits limits,
           OnCommit on_commit,
           std::unique_ptr<HighWaterFile> high_water = nullptr);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// Finishes what is queued, then ends.
    ~Writer();

    /// Any thread.
    void submit(PreparedRun run, Done done);

    /// Runs `job` between two groups and waits for its result. Any thread but the writer's own.
    template <class Fn>
    auto run(Fn job) -> decltype(job(std::declval<Ledger&>())) {
        using T = decltype(job(std::declval<Ledger&>()));
        std::promise<T> promise;
        auto result = promise.get_future();
        post([&](Ledger& ledger) { promise.set_value(job(ledger)); });
        return result.get();
    }

    /// Queues `job` without waiting.
    void post(std::function<void(Ledger&)> job);

    /// More is queued than the limit. Any thread.
    [[nodiscard]] bool pressed() const;
    [[nodiscard]] std::size_t queued_bytes() const;

  private:
    struct Item {
        PreparedRun run;
        Done done;  // empty for a job
        std::function<void(Ledger&)> job;
        std::size_t bytes = 0;
    };

    void work();
    void commit_group(std::vector<Item>& items);

    Ledger ledger_;
    WriterLimits limits_;
    OnCommit on_commit_;
    std::unique_ptr<HighWaterFile> high_water_;  // the writer's thread alone
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Item> queue_;
    std::size_t queue_bytes_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace streetlog::hub
