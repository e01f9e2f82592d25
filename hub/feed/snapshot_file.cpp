#include "hub/feed/snapshot_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hub/backup/private_file.hpp"

namespace streetlog::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kTailBytes = kLengthBytes + sizeof(sync::Hash);

std::unexpected<Error> failed(const char* what, const fs::path& file) {
    return fail(ErrorCode::kStorage,
                fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)),
                "Check that the disk is not full.");
}

std::unexpected<Error> damaged() {
    return fail(ErrorCode::kDamaged, "the snapshot for new devices is damaged");
}

bool read_exactly(int fd, std::uint64_t at, std::span<Byte> out) {
    while (!out.empty()) {
        const auto got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

}  // namespace

FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileHandle::~FileHandle() {
    if (fd_ >= 0) ::close(fd_);
}

SnapshotFile::SnapshotFile(FileHandle file, sync::SnapshotManifest manifest)
    : file_(std::move(file)),
      manifest_(std::move(manifest)),
      id_(sync::snapshot_id(manifest_)),
      starts_{0},
      checked_(manifest_.chunks.size()) {
    for (const auto& chunk : manifest_.chunks) starts_.push_back(starts_.back() + chunk.bytes);
}

Result<std::shared_ptr<SnapshotFile>> SnapshotFile::open(const fs::path& file) {
    FileHandle in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (in.get() < 0) return fail(ErrorCode::kNotFound, "there is no snapshot for new devices");
    const auto size = ::lseek(in.get(), 0, SEEK_END);
    if (size < static_cast<off_t>(kTailBytes)) return damaged();
    const auto end = static_cast<std::uint64_t>(size);
    std::array<Byte, kTailBytes> tail{};
    if (!read_exactly(in.get(), end - kTailBytes, tail)) return damaged();
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::uint64_t{tail[i]} << (8 * i);
    if (length > sync::kMessageBytesMax || length > end - kTailBytes) return damaged();
    sync::Bytes message(length);
    if (!read_exactly(in.get(), end - kTailBytes - length, message)) return damaged();
    if (!std::ranges::equal(sync::sha256(message), std::span{tail}.subspan(kLengthBytes)))
        return damaged();
    auto decoded = sync::decode_message(message);
    if (!decoded) return damaged();
    auto* manifest = std::get_if<sync::SnapshotManifest>(&*decoded);
    if (manifest == nullptr || manifest->chunks.empty()) return damaged();
    std::shared_ptr<SnapshotFile> out{new SnapshotFile{std::move(in), std::move(*manifest)}};
    if (out->bytes() != end - kTailBytes - length) return damaged();
    return out;
}

Result<sync::Bytes> SnapshotFile::read(std::uint32_t chunk,
                                       std::uint32_t offset,
                                       std::uint32_t bytes) {
    if (chunk >= manifest_.chunks.size() || offset >= manifest_.chunks[chunk].bytes || bytes == 0)
        return fail(ErrorCode::kInvalidInput, "the snapshot has no such part");
    const auto& row = manifest_.chunks[chunk];
    if (!checked_[chunk]) {
        sync::Bytes whole(row.bytes);
        if (!read_exactly(file_.get(), starts_[chunk], whole)) return damaged();
        if (sync::sha256(whole) != row.hash) return damaged();
        checked_[chunk] = true;
        if (offset == 0 && bytes >= row.bytes) return whole;
    }
    sync::Bytes out(std::min(bytes, row.bytes - offset));
    if (!read_exactly(file_.get(), starts_[chunk] + offset, out)) return damaged();
    return out;
}

SnapshotWriter::SnapshotWriter(fs::path file, FileHandle out)
    : file_(std::move(file)), out_(std::move(out)) {}

fs::path SnapshotWriter::unfinished() const {
    auto path = file_;
    path += ".tmp";
    return path;
}

Result<SnapshotWriter> SnapshotWriter::begin(fs::path file) {
    auto unfinished = file;
    unfinished += ".tmp";
    FileHandle out{
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (out.get() < 0) return failed("make", unfinished);
    return SnapshotWriter{std::move(file), std::move(out)};
}

Result<void> SnapshotWriter::write(sync::BytesView bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(out_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return failed("write", unfinished());
        if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> SnapshotWriter::add(sync::Bytes chunk) {
    auto packed = sync::pack(std::move(chunk));
    chunks_.push_back({sync::sha256(packed.body),
                       static_cast<std::uint32_t>(packed.body.size()),
                       packed.raw_bytes,
                       packed.encoding});
    return write(packed.body);
}

Result<void> SnapshotWriter::finish(sync::SnapshotManifest manifest) {
    if (chunks_.size() > sync::kSnapshotChunksMax)
        return fail(ErrorCode::kTooLarge, "a snapshot of too many chunks");
    manifest.chunks = std::move(chunks_);
    const sync::Bytes message = sync::encode_message(manifest);
    STREETLOG_CHECK(write(message));
    sync::Bytes tail;
    for (std::size_t i = 0; i < kLengthBytes; ++i)
        tail.push_back(static_cast<Byte>(message.size() >> (8 * i)));
    const auto hash = sync::sha256(message);
    tail.insert(tail.end(), hash.begin(), hash.end());
    STREETLOG_CHECK(write(tail));
    if (::fsync(out_.get()) != 0) return failed("flush", unfinished());
    std::error_code error;
    fs::rename(unfinished(), file_, error);
    if (error) return failed("rename", unfinished());
    return flush_folder(file_.parent_path());
}

}  // namespace streetlog::hub
