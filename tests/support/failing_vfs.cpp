#include "tests/support/failing_vfs.hpp"

#include <cstddef>
#include <cstring>

#include <sqlite3.h>

namespace streetlog::test {
namespace {

using Fault = FailingVfs::Fault;

struct Plan {
    std::uint64_t countdown = 0;  // 0: nothing fails
    Fault fault = Fault::kIoError;
    bool forever = false;
    bool failed = false;
    bool reads_too = false;  // once one failed
};

Plan plan;
sqlite3_vfs* real = nullptr;
sqlite3_vfs mine;

/// In front of the real file, which lies behind it in the same memory.
struct File {
    sqlite3_file base;
    sqlite3_io_methods methods;
};

sqlite3_file* behind(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

/// Whether the operation that begins now is the one.
bool strikes() {
    if (plan.countdown == 0) return false;
    if (plan.countdown == 1) {
        plan.failed = true;
        if (!plan.forever) plan.countdown = 0;
        return true;
    }
    --plan.countdown;
    return false;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    sqlite3_file* const inner = behind(file);
    if (!strikes()) return inner->pMethods->xWrite(inner, data, size, at);
    if (plan.fault == Fault::kFull) return SQLITE_FULL;
    if (plan.fault == Fault::kShortWrite) (void)inner->pMethods->xWrite(inner, data, size / 2, at);
    return SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    sqlite3_file* const inner = behind(file);
    return strikes() ? SQLITE_IOERR_TRUNCATE : inner->pMethods->xTruncate(inner, size);
}

int flush(sqlite3_file* file, int flags) {
    sqlite3_file* const inner = behind(file);
    if (!strikes()) return inner->pMethods->xSync(inner, flags);
    return SQLITE_IOERR_FSYNC;
}

int close(sqlite3_file* file) {
    sqlite3_file* const inner = behind(file);
    return inner->pMethods->xClose(inner);
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    sqlite3_file* const inner = behind(file);
    std::memset(inner, 0, static_cast<std::size_t>(real->szOsFile));
    file->pMethods = nullptr;
    const int code = real->xOpen(real, name, inner, flags, out_flags);
    if (inner->pMethods == nullptr) return code;
    // All but four go straight to the real file, by methods that find it behind their own.
    auto* const own = reinterpret_cast<File*>(file);
    own->methods = {};
    own->methods.iVersion = 2;
    own->methods.xClose = close;
    own->methods.xWrite = write;
    own->methods.xTruncate = truncate;
    own->methods.xSync = flush;
    own->methods.xRead = [](sqlite3_file* f, void* data, int size, sqlite3_int64 at) {
        if (plan.reads_too && plan.failed && plan.countdown != 0) return SQLITE_IOERR_READ;
        return behind(f)->pMethods->xRead(behind(f), data, size, at);
    };
    own->methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
        return behind(f)->pMethods->xFileSize(behind(f), size);
    };
    own->methods.xLock = [](sqlite3_file* f, int level) {
        return behind(f)->pMethods->xLock(behind(f), level);
    };
    own->methods.xUnlock = [](sqlite3_file* f, int level) {
        return behind(f)->pMethods->xUnlock(behind(f), level);
    };
    own->methods.xCheckReservedLock = [](sqlite3_file* f, int* held) {
        return behind(f)->pMethods->xCheckReservedLock(behind(f), held);
    };
    own->methods.xFileControl = [](sqlite3_file* f, int what, void* argument) {
        return behind(f)->pMethods->xFileControl(behind(f), what, argument);
    };
    own->methods.xSectorSize = [](sqlite3_file* f) {
        return behind(f)->pMethods->xSectorSize(behind(f));
    };
    own->methods.xDeviceCharacteristics = [](sqlite3_file* f) {
        return behind(f)->pMethods->xDeviceCharacteristics(behind(f));
    };
    own->methods.xShmMap = [](sqlite3_file* f, int page, int size, int extend, volatile void** at) {
        return behind(f)->pMethods->xShmMap(behind(f), page, size, extend, at);
    };
    own->methods.xShmLock = [](sqlite3_file* f, int offset, int count, int lock) {
        return behind(f)->pMethods->xShmLock(behind(f), offset, count, lock);
    };
    own->methods.xShmBarrier = [](sqlite3_file* f) { behind(f)->pMethods->xShmBarrier(behind(f)); };
    own->methods.xShmUnmap = [](sqlite3_file* f, int remove) {
        return behind(f)->pMethods->xShmUnmap(behind(f), remove);
    };
    file->pMethods = &own->methods;
    return code;
}

}  // namespace

FailingVfs::FailingVfs() {
    plan = {};
    real = sqlite3_vfs_find(nullptr);
    mine = *real;
    mine.zName = "failing";
    mine.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
    mine.xOpen = open;
    sqlite3_vfs_register(&mine, 1);
}

FailingVfs::~FailingVfs() {
    sqlite3_vfs_unregister(&mine);
    sqlite3_vfs_register(real, 1);
}

void FailingVfs::fail(std::uint64_t nth, Fault fault, bool forever) {
    plan = {.countdown = nth, .fault = fault, .forever = forever};
}

void FailingVfs::die(std::uint64_t nth) {
    plan = {.countdown = nth, .fault = Fault::kIoError, .forever = true, .reads_too = true};
}

void FailingVfs::forgive() { plan.countdown = 0; }

bool FailingVfs::failed() { return plan.failed; }

}  // namespace streetlog::test
