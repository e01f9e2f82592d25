#include "sync/net/send_queue.hpp"

#include <algorithm>

namespace streetlog::net {

const LaneLimit& SendQueue::limit(Lane lane) const {
    switch (lane) {
        case Lane::kControl:
            return limits_.control;
        case Lane::kRecords:
            return limits_.records;
        case Lane::kBlobs:
            return limits_.blobs;
    }
    return limits_.blobs;
}

Result<void> SendQueue::push(Bytes message, Lane lane) {
    const std::size_t size = message.size();
    if (size > limits_.message_bytes) {
        return fail(ErrorCode::kTooLarge,
                    "a message of " + std::to_string(size) + " bytes is over the limit of " +
                        std::to_string(limits_.message_bytes));
    }
    LaneState& state = lanes_[static_cast<std::size_t>(lane)];
    const LaneLimit& most = limit(lane);
    const bool full = state.bytes + size > most.bytes || state.messages >= most.messages;
    if (state.messages != 0 && full) return fail(ErrorCode::kUnavailable, "queue full");
    state.waiting.push_back(std::move(message));
    state.bytes += size;
    ++state.messages;
    return {};
}

const Bytes* SendQueue::begin() {
    STREETLOG_ASSERT(!writing_);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        if (lanes_[i].waiting.empty()) continue;
        writing_ = std::move(lanes_[i].waiting.front());
        writing_lane_ = i;
        lanes_[i].waiting.pop_front();
        return &*writing_;
    }
    return nullptr;
}

void SendQueue::finish() {
    STREETLOG_ASSERT(writing_);
    LaneState& state = lanes_[writing_lane_];
    state.bytes -= writing_->size();
    --state.messages;
    writing_.reset();
}

void SendQueue::keep_only_control() {
    for (std::size_t i = 1; i < lanes_.size(); ++i) {
        for (const Bytes& message : lanes_[i].waiting) lanes_[i].bytes -= message.size();
        lanes_[i].messages -= lanes_[i].waiting.size();
        lanes_[i].waiting.clear();
    }
}

std::size_t SendQueue::bytes() const {
    std::size_t sum = 0;
    for (const LaneState& state : lanes_) sum += state.bytes;
    return sum;
}

bool SendQueue::idle() const {
    return std::ranges::all_of(lanes_,
                               [](const LaneState& state) { return state.waiting.empty(); });
}

}  // namespace streetlog::net
