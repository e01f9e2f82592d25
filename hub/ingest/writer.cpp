#include "hub/ingest/writer.hpp"

namespace streetlog::hub {

Writer::Writer(Ledger ledger,
               WriterLimits limits,
               OnCommit on_commit,
               std::unique_ptr<HighWaterFile> high_water)
    : ledger_(std::move(ledger)),
      limits_(limits),
      on_commit_(std::move(on_commit)),
      high_water_(std::move(high_water)),
      thread_([this] { work(); }) {}

Writer::~Writer() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Writer::submit(PreparedRun run, Done done) {
    Item item;
    item.bytes = run.body.size() + (run.raw ? run.raw->size() : 0);
    item.run = std::move(run);
    item.done = std::move(done);
    {
        const std::lock_guard lock{mutex_};
        queue_bytes_ += item.bytes;
        queue_.push_back(std::move(item));
    }
    wake_.notify_one();
}

void Writer::post(std::function<void(Ledger&)> job) {
    Item item;
    item.job = std::move(job);
    {
        const std::lock_guard lock{mutex_};
        queue_.push_back(std::move(item));
    }
    wake_.notify_one();
}

bool Writer::pressed() const { return queued_bytes() > limits_.queue_bytes; }

std::size_t Writer::queued_bytes() const {
    const std::lock_guard lock{mutex_};
    return queue_bytes_;
}

void Writer::work() {
    const auto note_high_water = [this] {
        if (high_water_)
            high_water_->note({ledger_.self().device,
                               ledger_.head(),
                               ledger_.last_received(),
                               ledger_.self().incarnation});
    };
    note_high_water();  // what was written while the hub was opened
    std::vector<Item> items;
    for (;;) {
        items.clear();
        {
            std::unique_lock lock{mutex_};
            const auto woken = [this] { return stopping_ || !queue_.empty(); };
            if (high_water_ && high_water_->waits() && !woken()) {
                wake_.wait_for(lock, high_water_->wait_left(), woken);
                if (!woken()) {
                    lock.unlock();
                    high_water_->write();
                    continue;
                }
            }
            wake_.wait(lock, woken);
            if (queue_.empty()) break;
            std::size_t records = 0;
            std::size_t bytes = 0;
            while (!queue_.empty() &&
                   (items.empty() || (!items.back().job && !queue_.front().job))) {
                Item& next = queue_.front();
                records += next.run.records.size();
                bytes += next.bytes;
                if (!items.empty() &&
                    (records > limits_.group_records || bytes > limits_.group_bytes))
                    break;
                queue_bytes_ -= next.bytes;
                items.push_back(std::move(next));
                queue_.pop_front();
            }
        }
        const auto before = ledger_.head();
        if (items.front().job) {
            items.front().job(ledger_);
        } else {
            commit_group(items);
        }
        note_high_water();
        if (ledger_.head() != before && on_commit_) on_commit_(ledger_.head());
    }
    if (high_water_ && high_water_->waits()) high_water_->write();
}

void Writer::commit_group(std::vector<Item>& items) {
    std::vector<PreparedRun> group;
    group.reserve(items.size());
    for (auto& item : items) group.push_back(std::move(item.run));
    auto results = ledger_.ingest(group);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (results) {
            items[i].done(std::move((*results)[i]));
        } else {
            items[i].done(std::unexpected(results.error()));
        }
    }
}

}  // namespace streetlog::hub
