#include "tests/sim/sim_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <sqlite3.h>

#include "schema/error.hpp"

namespace streetlog::sim {
namespace {

/// A connection's handle. SQLite gives the memory; the base comes first.
struct Handle {
    sqlite3_file base;
    std::shared_ptr<FileNode> node;
    SimDisk* disk;
    int lock;
    bool temporary;
    std::array<bool, 8> shm_shared;
    std::array<bool, 8> shm_exclusive;
};

Handle& handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

SimVfs& owner(sqlite3_vfs* vfs) { return *static_cast<SimVfs*>(vfs->pAppData); }

int unlock(Handle& h, int level) {
    if (h.lock <= level) return SQLITE_OK;
    FileNode& node = *h.node;
    if (node.exclusive == &h) node.exclusive = nullptr;
    if (node.pending == &h) node.pending = nullptr;
    if (node.reserved == &h) node.reserved = nullptr;
    if (level == SQLITE_LOCK_NONE) --node.shared;
    h.lock = level;
    return SQLITE_OK;
}

int lock(Handle& h, int level) {
    if (h.lock >= level) return SQLITE_OK;
    FileNode& node = *h.node;
    const auto others = [&](const void* holder) { return holder != nullptr && holder != &h; };
    if (h.lock == SQLITE_LOCK_NONE) {
        if (others(node.pending) || others(node.exclusive)) return SQLITE_BUSY;
        ++node.shared;
        h.lock = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
    if (others(node.reserved) || others(node.exclusive)) return SQLITE_BUSY;
    node.reserved = &h;
    h.lock = SQLITE_LOCK_RESERVED;
    if (level == SQLITE_LOCK_RESERVED) return SQLITE_OK;
    node.pending = &h;
    h.lock = SQLITE_LOCK_PENDING;
    if (node.shared > 1) return SQLITE_BUSY;
    node.exclusive = &h;
    h.lock = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

void release_shm(Handle& h, int slot) {
    const auto i = static_cast<std::size_t>(slot);
    if (h.shm_shared[i]) --h.node->shm_shared[i];
    if (h.shm_exclusive[i]) h.node->shm_exclusive[i] = nullptr;
    h.shm_shared[i] = h.shm_exclusive[i] = false;
}

int close_file(sqlite3_file* file) {
    Handle& h = handle(file);
    unlock(h, SQLITE_LOCK_NONE);
    for (int i = 0; i < 8; ++i) release_shm(h, i);
    h.node.~shared_ptr();
    return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
    Handle& h = handle(file);
    if (!h.temporary && h.disk->meet(false, false, false)) return SQLITE_IOERR_READ;
    const auto& seen = h.node->seen;
    const auto want = static_cast<std::size_t>(size);
    const auto begin = std::min(static_cast<std::size_t>(at), seen.size());
    const auto have = std::min(want, seen.size() - begin);
    if (have > 0) std::memcpy(out, seen.data() + begin, have);
    if (have == want) return SQLITE_OK;
    std::memset(static_cast<std::uint8_t*>(out) + have, 0, want - have);
    return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    Handle& h = handle(file);
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    const auto count = static_cast<std::size_t>(size);
    if (!h.temporary) {
        const bool grows = static_cast<std::size_t>(at) + count > h.node->seen.size();
        if (const auto fault = h.disk->meet(true, false, grows)) {
            if (*fault == DiskFault::kFull) return SQLITE_FULL;
            if (*fault == DiskFault::kShortWrite) h.disk->write(*h.node, at, bytes, count / 2);
            return SQLITE_IOERR_WRITE;
        }
    }
    h.disk->write(*h.node, at, bytes, count);
    if (h.temporary) h.node->unsynced.clear();
    return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    Handle& h = handle(file);
    if (!h.temporary && h.disk->meet(true, false, false)) return SQLITE_IOERR_TRUNCATE;
    h.disk->resize(*h.node, size);
    return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
    Handle& h = handle(file);
    if (h.temporary) return SQLITE_OK;
    if (h.disk->meet(true, true, false)) {
        h.disk->sync_badly(*h.node);
        return SQLITE_IOERR_FSYNC;
    }
    h.disk->sync(*h.node);
    return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(handle(file).node->seen.size());
    return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) { return lock(handle(file), level); }

int unlock_file(sqlite3_file* file, int level) { return unlock(handle(file), level); }

int check_reserved(sqlite3_file* file, int* held) {
    *held = handle(file).node->reserved != nullptr ? 1 : 0;
    return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

int sector_size(sqlite3_file*) { return 4096; }

/// As SQLite's own file system says of every disk it meets on Linux.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* file, int region, int size, int extend, volatile void** out) {
    FileNode& node = *handle(file).node;
    const auto i = static_cast<std::size_t>(region);
    STREETLOG_ASSERT(size == 32768);
    if (i >= node.shm.size() && extend == 0) {
        *out = nullptr;
        return SQLITE_OK;
    }
    while (i >= node.shm.size())
        node.shm.push_back(std::make_unique<std::array<std::uint8_t, 32768>>());
    *out = node.shm[i]->data();
    return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    Handle& h = handle(file);
    FileNode& node = *h.node;
    const auto each = [&](auto&& act) {
        for (int i = offset; i < offset + count; ++i) act(static_cast<std::size_t>(i));
    };
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        for (int i = offset; i < offset + count; ++i) release_shm(h, i);
        return SQLITE_OK;
    }
    bool free = true;
    const bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    each([&](std::size_t i) {
        const bool excluded = node.shm_exclusive[i] != nullptr && node.shm_exclusive[i] != &h;
        const int others = node.shm_shared[i] - (h.shm_shared[i] ? 1 : 0);
        free = free && !excluded && (shared || others == 0);
    });
    if (!free) return SQLITE_BUSY;
    each([&](std::size_t i) {
        if (shared && !h.shm_shared[i]) {
            ++node.shm_shared[i];
            h.shm_shared[i] = true;
        } else if (!shared) {
            node.shm_exclusive[i] = &h;
            h.shm_exclusive[i] = true;
        }
    });
    return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* file, int remove) {
    Handle& h = handle(file);
    for (int i = 0; i < 8; ++i) release_shm(h, i);
    if (remove != 0) h.node->shm.clear();
    return SQLITE_OK;
}

const sqlite3_io_methods kMethods{2,
                                  close_file,
                                  read_file,
                                  write_file,
                                  truncate_file,
                                  sync_file,
                                  file_size,
                                  lock_file,
                                  unlock_file,
                                  check_reserved,
                                  file_control,
                                  sector_size,
                                  characteristics,
                                  shm_map,
                                  shm_lock,
                                  shm_barrier,
                                  shm_unmap,
                                  nullptr,
                                  nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    Handle& h = handle(file);
    h.base.pMethods = nullptr;
    const bool temporary = name == nullptr;
    const std::string path = temporary ? "/temporary/" : name;
    SimDisk& disk = owner(vfs).disk_of(path);
    std::shared_ptr<FileNode> node;
    if (temporary) {
        node = std::make_shared<FileNode>();
    } else {
        if (disk.crashed()) return SQLITE_CANTOPEN;
        node = disk.find(path);
        if (!node && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
        if (!node) node = disk.make(path);
    }
    new (&h.node) std::shared_ptr<FileNode>(std::move(node));
    h.disk = &disk;
    h.lock = SQLITE_LOCK_NONE;
    h.temporary = temporary || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h.shm_shared = h.shm_exclusive = {};
    h.base.pMethods = &kMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int durably) {
    SimDisk& disk = owner(vfs).disk_of(name);
    if (!disk.find(name)) return SQLITE_IOERR_DELETE_NOENT;
    if (disk.meet(true, false, false)) return SQLITE_IOERR_DELETE;
    disk.remove(name, durably != 0);
    return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
    const auto node = owner(vfs).disk_of(name).find(name);
    *out = node && (flags != SQLITE_ACCESS_EXISTS || !node->seen.empty()) ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(owner(vfs).dice.next());
    return size;
}

int sleep(sqlite3_vfs*, int micros) { return micros; }

int current_time(sqlite3_vfs*, sqlite3_int64* out) {
    *out = 210'866'760'000'000;  // nothing of ours asks; the same in every run
    return SQLITE_OK;
}

int current_time_double(sqlite3_vfs*, double* out) {
    *out = 2'440'587.5;
    return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

SimVfs::SimVfs(std::uint64_t seed)
    : dice(Dice{seed}.split("sqlite")), seed_(seed), vfs_(std::make_unique<sqlite3_vfs>()) {
    *vfs_ = {};
    vfs_->iVersion = 2;
    vfs_->szOsFile = sizeof(Handle);
    vfs_->mxPathname = 512;
    vfs_->zName = "sim";
    vfs_->pAppData = this;
    vfs_->xOpen = open_file;
    vfs_->xDelete = delete_file;
    vfs_->xAccess = access_file;
    vfs_->xFullPathname = full_path;
    vfs_->xRandomness = randomness;
    vfs_->xSleep = sleep;
    vfs_->xCurrentTime = current_time_double;
    vfs_->xCurrentTimeInt64 = current_time;
    vfs_->xGetLastError = last_error;
    // SQLite's generator was seeded from whatever came first; forget it, for the sake of the same
    // run from the same seed.
    sqlite3_vfs_register(vfs_.get(), 1);
    sqlite3_randomness(0, nullptr);
}

SimVfs::~SimVfs() {
    sqlite3_vfs_unregister(vfs_.get());
    sqlite3_randomness(0, nullptr);
}

SimDisk& SimVfs::disk(const std::string& machine) {
    auto& at = disks_[machine];
    if (!at) at = std::make_unique<SimDisk>(Dice{seed_}.split(machine));
    return *at;
}

SimDisk& SimVfs::disk_of(const std::string& path) {
    const auto end = path.find('/', 1);
    return disk(path.substr(1, end == std::string::npos ? end : end - 1));
}

}  // namespace streetlog::sim
