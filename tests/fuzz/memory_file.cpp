#include <cstdio>

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.hpp"

namespace streetlog::fuzz {

MemoryFile::MemoryFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    STREETLOG_ASSERT(fd_ >= 0);
    std::snprintf(path_, sizeof path_, "/proc/self/fd/%d", fd_);
}

MemoryFile::~MemoryFile() { ::close(fd_); }

void MemoryFile::hold(sync::BytesView content) {
    STREETLOG_ASSERT(::ftruncate(fd_, 0) == 0);
    STREETLOG_ASSERT(::pwrite(fd_, content.data(), content.size(), 0) ==
                     static_cast<ssize_t>(content.size()));
}

}  // namespace streetlog::fuzz
