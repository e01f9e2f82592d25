#include "sync/session/page_replicas.hpp"

namespace streetlog::sync {
namespace {

constexpr std::size_t kReplicaBytesMin = 17;

std::optional<Replica> at_place(const std::vector<Replica>& replicas, std::uint32_t number) {
    if (number == 0 || number > replicas.size()) return std::nullopt;
    return replicas[number - 1];
}

}  // namespace

std::uint32_t GivenNumbers::number_of(const Replica& replica) {
    const auto next = static_cast<std::uint32_t>(replicas_.size() + 1);
    const auto [at, added] = numbers_.try_emplace(replica, next);
    if (added) replicas_.push_back(replica);
    return at->second;
}

std::optional<Replica> GivenNumbers::replica_of(std::uint32_t number) const {
    return at_place(replicas_, number);
}

void GivenNumbers::write(ByteWriter& out) const {
    out.number(replicas_.size());
    for (const Replica& replica : replicas_) {
        out.raw(replica.device.bytes);
        out.number(replica.incarnation);
    }
}

void ReadNumbers::read(ByteReader& in) {
    replicas_.resize(in.count(kReplicaBytesMin));
    for (Replica& replica : replicas_) {
        in.raw(replica.device.bytes);
        const auto incarnation = in.number();
        in.require(incarnation <= UINT32_MAX);
        replica.incarnation = static_cast<std::uint32_t>(incarnation);
    }
}

std::uint32_t ReadNumbers::number_of(const Replica&) {
    STREETLOG_ASSERT(false);  // only read
    return 0;
}

std::optional<Replica> ReadNumbers::replica_of(std::uint32_t number) const {
    return at_place(replicas_, number);
}

}  // namespace streetlog::sync
