#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "hub/feed/snapshot_build.hpp"
#include "schema/log.hpp"

namespace streetlog::hub {

struct SnapshotRules {
    /// A device that lacks fewer records reads the log; 0: every device does.
    std::uint64_t records_min = 10'000;
};

/// The snapshot that new devices are sent: kept on the disk beside the log, made anew by a thread
/// of its own when the log behind it has grown by a fifth of it or somebody waits for one. One that
/// is damaged or of another log is thrown away, for it can be made again. Any thread.
class SnapshotShelf {
  public:
    /// Who makes new ones: a thread of the shelf's own, or whoever calls make_due().
    enum class Work : std::uint8_t { kOwnThread, kCaller };

    /// `ready` is called from that thread when a new one is there, or when none could be made.
    SnapshotShelf(SnapshotSource source,
                  SnapshotRules rules,
                  Logger& log,
                  std::function<void()> ready,
                  Work work = Work::kOwnThread);
    SnapshotShelf(const SnapshotShelf&) = delete;
    SnapshotShelf& operator=(const SnapshotShelf&) = delete;
    ~SnapshotShelf();

    [[nodiscard]] const SnapshotRules& rules() const { return rules_; }

    /// The newest; null when there is none.
    [[nodiscard]] std::shared_ptr<SnapshotFile> newest();
    /// The newest or the one before it, if that is `id`: who reads one need not begin anew because
    /// there is a newer one.
    [[nodiscard]] std::shared_ptr<SnapshotFile> with_id(const sync::Hash& id);

    /// The projection stands there now.
    void projection_at(HubSeq at);
    /// Somebody needs one soon. False when none can be made just now: the last attempt failed and
    /// nothing changed since.
    [[nodiscard]] bool want();
    /// Makes a new one if that is due; false when it is not.
    bool make_due();
    /// It cannot be read.
    void discard(const std::shared_ptr<SnapshotFile>& damaged);

  private:
    void keep_making();
    void build();
    [[nodiscard]] bool due() const;

    SnapshotSource source_;
    SnapshotRules rules_;
    Logger& log_;
    std::function<void()> ready_;
    std::filesystem::path file_;
    std::mutex mutex_;  // everything below but stop_ and the thread
    std::condition_variable wake_;
    std::shared_ptr<SnapshotFile> newest_, before_;
    HubSeq projection_;
    HubSeq tried_;  // where the projection stood at the last attempt
    bool wanted_ = false;
    bool building_ = false;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace streetlog::hub
