#include <algorithm>
#include <cstring>

#include "tests/sim/sim_vfs.hpp"

namespace streetlog::sim {
namespace {

constexpr std::size_t kSector = 512;

void apply(FileNode::Bytes& image, std::int64_t at, const std::uint8_t* data, std::size_t size) {
    if (size == 0) return;
    const auto begin = static_cast<std::size_t>(at);
    if (image.size() < begin + size) image.resize(begin + size);
    std::memcpy(image.data() + begin, data, size);
}

void apply(FileNode::Bytes& image, const FileNode::Change& change) {
    if (change.resize)
        image.resize(static_cast<std::size_t>(change.at));
    else
        apply(image, change.at, change.data.data(), change.data.size());
}

}  // namespace

std::string_view name_of(DiskFault fault) {
    switch (fault) {
        case DiskFault::kIoError:
            return "I/O errors";
        case DiskFault::kFull:
            return "disk full";
        case DiskFault::kShortWrite:
            return "short writes";
        case DiskFault::kSyncFails:
            return "failed fsyncs";
        case DiskFault::kCrash:
            return "power cuts inside an operation";
    }
    return "";
}

void SimDisk::plan(const FaultPlan& plan) {
    plan_ = plan;
    if (plan_->at == 0) plan_->at = changes_ + 1;
}

std::optional<DiskFault> SimDisk::meet(bool changes_disk, bool is_sync, bool grows) {
    if (crashed_) return DiskFault::kIoError;
    if (changes_disk) ++changes_;
    if (plan_ && (changes_disk || plan_->reads_too)) {
        const bool due = changes_ >= plan_->at;
        const bool fits = plan_->what != DiskFault::kSyncFails || is_sync;
        const bool writes =
            plan_->what != DiskFault::kFull && plan_->what != DiskFault::kShortWrite;
        if (due && fits && (writes || grows)) {
            const DiskFault what = plan_->what;
            if (!plan_->forever) plan_.reset();
            ++met[static_cast<std::size_t>(what)];
            if (what != DiskFault::kCrash) return what;
            crash();
            return DiskFault::kIoError;
        }
    }
    if (full_ && grows) {
        ++met[static_cast<std::size_t>(DiskFault::kFull)];
        return DiskFault::kFull;
    }
    return std::nullopt;
}

void SimDisk::write(FileNode& node, std::int64_t at, const std::uint8_t* data, std::size_t size) {
    apply(node.seen, at, data, size);
    node.unsynced.push_back({at, {data, data + size}, false});
}

void SimDisk::resize(FileNode& node, std::int64_t size) {
    node.seen.resize(static_cast<std::size_t>(size));
    node.unsynced.push_back({size, {}, true});
}

void SimDisk::sync(FileNode& node) {
    for (const auto& change : node.unsynced) apply(node.platter, change);
    node.unsynced.clear();
    node.named = true;
    // A journaling file system writes what it knew of names with it.
    ghosts_.clear();
}

void SimDisk::sync_badly(FileNode& node) {
    for (const auto& change : node.unsynced)
        if (dice_.chance(500)) apply(node.platter, change);
    node.unsynced.clear();
}

std::shared_ptr<FileNode> SimDisk::find(const std::string& path) const {
    const auto at = files_.find(path);
    return at == files_.end() ? nullptr : at->second;
}

std::shared_ptr<FileNode> SimDisk::make(const std::string& path) {
    auto& node = files_[path];
    if (!node) node = std::make_shared<FileNode>();
    return node;
}

void SimDisk::remove(const std::string& path, bool durably) {
    const auto at = files_.find(path);
    if (at == files_.end()) return;
    if (!durably && at->second->named)
        ghosts_[path] = at->second->platter;
    else
        ghosts_.erase(path);
    files_.erase(at);
}

/// The platter with some of the unsynced changes, in another order, some of them damaged.
FileNode::Bytes SimDisk::survivor(const FileNode& node, const Damage& damage) {
    FileNode::Bytes image = node.platter;
    std::vector<const FileNode::Change*> order;
    for (const auto& change : node.unsynced)
        if (dice_.chance(damage.kept)) order.push_back(&change);
    if (damage.shuffled) dice_.shuffle(order);
    for (const auto* change : order) {
        if (change->resize || !dice_.chance(damage.torn)) {
            apply(image, *change);
            continue;
        }
        // Torn: the disk works in sectors, and one that was being written may hold anything.
        const std::size_t size = change->data.size();
        for (std::size_t from = 0; from < size;) {
            const auto to = std::min(
                size, from + kSector - (static_cast<std::size_t>(change->at) + from) % kSector);
            auto sector = FileNode::Bytes(change->data.begin() + static_cast<std::ptrdiff_t>(from),
                                          change->data.begin() + static_cast<std::ptrdiff_t>(to));
            const auto fate = dice_.below(8);
            if (fate == 0)
                for (auto& b : sector) b = static_cast<std::uint8_t>(dice_.next());
            if (fate < 5)
                apply(image,
                      change->at + static_cast<std::int64_t>(from),
                      sector.data(),
                      sector.size());
            from = to;
        }
    }
    return image;
}

void SimDisk::crash() {
    crashed_ = true;
    constexpr std::array<std::uint64_t, 5> kKept{0, 250, 500, 900, 1'000};
    Files survivors;
    for (const auto& [path, node] : files_) {
        Damage damage;
        damage.kept = kKept[dice_.below(kKept.size())];
        damage.torn = dice_.chance(500) ? 250 : 0;
        damage.shuffled = dice_.chance(700);
        if (!node->named && !dice_.chance(500)) continue;
        auto copy = std::make_shared<FileNode>();
        copy->platter = survivor(*node, damage);
        copy->seen = copy->platter;
        copy->named = true;
        survivors.emplace(path, std::move(copy));
    }
    for (const auto& [path, platter] : ghosts_) {
        const auto now = files_.find(path);
        if ((now != files_.end() && now->second->named) || !dice_.chance(500)) continue;
        auto copy = std::make_shared<FileNode>();
        copy->platter = copy->seen = platter;
        copy->named = true;
        survivors[path] = std::move(copy);
    }
    ghosts_.clear();
    files_ = std::move(survivors);
}

void SimDisk::kill() {
    crashed_ = true;
    Files survivors;
    for (const auto& [path, node] : files_) {
        auto copy = std::make_shared<FileNode>();
        copy->seen = node->seen;
        copy->platter = node->platter;
        copy->unsynced = node->unsynced;
        copy->named = node->named;
        survivors.emplace(path, std::move(copy));
    }
    files_ = std::move(survivors);
}

SimDisk::Image SimDisk::image() const {
    Image out;
    for (const auto& [path, node] : files_) out.emplace(path, node->seen);
    return out;
}

void SimDisk::put_back(const Image& image) {
    crashed_ = true;
    files_.clear();
    ghosts_.clear();
    for (const auto& [path, bytes] : image) {
        auto node = std::make_shared<FileNode>();
        node->seen = node->platter = bytes;
        node->named = true;
        files_.emplace(path, std::move(node));
    }
}

}  // namespace streetlog::sim
