#include "hub/feed/snapshot_shelf.hpp"

#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

namespace streetlog::hub {
namespace {

/// Below the threads that devices wait for.
constexpr int kNiceness = 10;
/// A new one is due when the log behind the last has grown by this part of what that one stands
/// for.
constexpr std::uint64_t kTailPart = 5;

std::shared_ptr<SnapshotFile> open_if_whole(const std::filesystem::path& file) {
    auto found = SnapshotFile::open(file);
    if (found) return *std::move(found);
    if (found.error().code == ErrorCode::kDamaged) {
        std::error_code error;
        std::filesystem::remove(file, error);
    }
    return nullptr;
}

}  // namespace

SnapshotShelf::SnapshotShelf(
    SnapshotSource source, SnapshotRules rules, Logger& log, std::function<void()> ready, Work work)
    : source_(std::move(source)),
      rules_(rules),
      log_(log),
      ready_(std::move(ready)),
      file_((source_.shelf.empty() ? source_.directory : source_.shelf) /
            fmt::format("scope-{}.snapshot", source_.scope)) {
    newest_ = open_if_whole(file_);
    if (rules_.records_min > 0 && work == Work::kOwnThread)
        thread_ = std::thread{[this] { keep_making(); }};
}

SnapshotShelf::~SnapshotShelf() {
    {
        const std::lock_guard lock{mutex_};
        stop_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<SnapshotFile> SnapshotShelf::newest() {
    const std::lock_guard lock{mutex_};
    return newest_;
}

std::shared_ptr<SnapshotFile> SnapshotShelf::with_id(const sync::Hash& id) {
    const std::lock_guard lock{mutex_};
    if (newest_ && newest_->id() == id) return newest_;
    return before_ && before_->id() == id ? before_ : nullptr;
}

/// Requires: the lock is held.
bool SnapshotShelf::due() const {
    if (projection_ == tried_) return false;
    if (wanted_ && !newest_) return true;
    const std::uint64_t have = newest_ ? newest_->manifest().at.seq.value : 0;
    // One that stands further than the projection is of another log or waits for it to catch up.
    if (projection_.value < have) return false;
    const std::uint64_t tail = projection_.value - have;
    return tail >= rules_.records_min && tail > have / kTailPart;
}

void SnapshotShelf::projection_at(HubSeq at) {
    {
        const std::lock_guard lock{mutex_};
        projection_ = at;
        if (!due()) return;
    }
    wake_.notify_one();
}

bool SnapshotShelf::want() {
    {
        const std::lock_guard lock{mutex_};
        if (rules_.records_min == 0) return false;
        wanted_ = true;
        if (!due()) return building_;
    }
    wake_.notify_one();
    return true;
}

void SnapshotShelf::discard(const std::shared_ptr<SnapshotFile>& damaged) {
    {
        const std::lock_guard lock{mutex_};
        if (before_ == damaged) before_.reset();
        if (newest_ != damaged) return;
        newest_.reset();
        tried_ = {};
        std::error_code error;
        std::filesystem::remove(file_, error);
    }
    log_.event(LogLevel::kError, "snapshot_damaged");
}

void SnapshotShelf::keep_making() {
    ::setpriority(PRIO_PROCESS, 0, kNiceness);  // on Linux of this thread alone; may fail
    for (;;) {
        {
            std::unique_lock lock{mutex_};
            wake_.wait(lock, [this] { return stop_ || due(); });
            if (stop_) return;
        }
        static_cast<void>(make_due());
    }
}

bool SnapshotShelf::make_due() {
    {
        const std::lock_guard lock{mutex_};
        if (!due()) return false;
        tried_ = projection_;
        building_ = true;
    }
    build();
    ready_();
    return true;
}

void SnapshotShelf::build() {
    const auto built = build_snapshot(source_, file_, stop_);
    auto found = built ? open_if_whole(file_) : nullptr;
    if (!built && built.error().code != ErrorCode::kInterrupted)
        log_.event(LogLevel::kError, "snapshot_failed", {{"code", built.error().code}});
    if (found)
        log_.event(LogLevel::kInfo,
                   "snapshot_made",
                   {{"hub_seq", found->manifest().at.seq.value},
                    {"entities", found->manifest().entities},
                    {"bytes", found->bytes()}});
    const std::lock_guard lock{mutex_};
    building_ = false;
    if (!found) return;
    wanted_ = false;
    before_ = std::exchange(newest_, std::move(found));
}

}  // namespace streetlog::hub
