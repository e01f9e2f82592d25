#include "hub/project/follower_thread.hpp"

#include <sys/resource.h>

namespace streetlog::hub {
namespace {

/// Below the threads that devices wait for: what is made from the log can wait, the log cannot.
constexpr int kNiceness = 10;

}  // namespace

FollowerThread::FollowerThread(Follower follower, Logger& log, OnMove on_move)
    : follower_(std::move(follower)),
      log_(log),
      on_move_(std::move(on_move)),
      thread_([this] { work(); }) {}

FollowerThread::~FollowerThread() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void FollowerThread::wake() {
    {
        const std::lock_guard lock{mutex_};
        grown_ = true;
    }
    wake_.notify_one();
}

void FollowerThread::post(std::function<void(Follower&)> job) {
    {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void FollowerThread::work() {
    ::setpriority(PRIO_PROCESS, 0, kNiceness);  // on Linux of this thread alone; may fail
    for (;;) {
        std::function<void(Follower&)> job;
        {
            std::unique_lock lock{mutex_};
            wake_.wait(lock, [this] { return stopping_ || grown_ || !jobs_.empty(); });
            if (!jobs_.empty()) {
                job = std::move(jobs_.front());
                jobs_.pop_front();
            } else if (stopping_) {
                return;
            } else {
                grown_ = false;
            }
        }
        if (job)
            job(follower_);
        else
            follow();
        tell();
    }
}

void FollowerThread::tell() {
    const HubSeq at = follower_.projection().at();
    if (on_move_ && at != told_) on_move_(at);
    told_ = at;
}

void FollowerThread::follow() {
    const auto done = follower_.catch_up();
    if (!done) log_.event(LogLevel::kError, "projection_failed", {{"code", done.error().code}});
}

}  // namespace streetlog::hub
