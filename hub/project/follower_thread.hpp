#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "hub/project/follower.hpp"
#include "schema/log.hpp"

namespace streetlog::hub {

/// Runs a Follower beside the writer, so that neither waits for the other.
class FollowerThread {
  public:
    /// Called on this thread when the projection has got further.
    using OnMove = std::function<void(HubSeq)>;

    FollowerThread(Follower follower, Logger& log, OnMove on_move = {});
    FollowerThread(const FollowerThread&) = delete;
    FollowerThread& operator=(const FollowerThread&) = delete;
    /// Finishes the step at hand, then ends. Requires: the author still answers.
    ~FollowerThread();

    /// The log has grown. Any thread.
    void wake();

    /// Queues a job. Any thread; the job runs between two steps, after the log as of now.
    void post(std::function<void(Follower&)> job);

  private:
    void work();
    void follow();
    void tell();

    Follower follower_;
    Logger& log_;
    OnMove on_move_;
    HubSeq told_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void(Follower&)>> jobs_;
    bool grown_ = true;  // the log may have grown while nobody ran
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace streetlog::hub
