#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "sync/session/snapshot.hpp"

namespace streetlog::hub {

/// An open file descriptor.
class FileHandle {
  public:
    explicit FileHandle(int fd = -1) : fd_(fd) {}

    FileHandle(const FileHandle&) = delete;
    FileHandle& operator=(const FileHandle&) = delete;
    FileHandle(FileHandle&& other) noexcept;
    FileHandle& operator=(FileHandle&& other) noexcept;
    ~FileHandle();

    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

/// A snapshot of a scope on the hub's disk: the packed chunks one after the other, then the
/// manifest as its message, its length (8 bytes, little-endian) and its SHA-256. It is what devices
/// are sent, so that handing it out costs no more than reading a file. Never changed once it has
/// its name; whoever has it open goes on reading it when a newer one takes that name. One thread at
/// a time.
class SnapshotFile {
  public:
    /// kNotFound when there is none, kDamaged when it is not whole.
    [[nodiscard]] static Result<std::shared_ptr<SnapshotFile>> open(
        const std::filesystem::path& file);

    [[nodiscard]] const sync::SnapshotManifest& manifest() const { return manifest_; }

    [[nodiscard]] const sync::Hash& id() const { return id_; }

    [[nodiscard]] std::uint64_t bytes() const { return starts_.back(); }

    /// Part of a packed chunk, at most `bytes`; kInvalidInput when there is no such part, kDamaged
    /// when the chunk is not what the manifest says.
    [[nodiscard]] Result<sync::Bytes> read(std::uint32_t chunk,
                                           std::uint32_t offset,
                                           std::uint32_t bytes);

  private:
    SnapshotFile(FileHandle file, sync::SnapshotManifest manifest);

    FileHandle file_;
    sync::SnapshotManifest manifest_;
    sync::Hash id_{};
    std::vector<std::uint64_t> starts_;  // of each chunk, then the end of the last
    std::vector<bool> checked_;
};

/// Writes one beside its final name, and gives it that name when it is whole and on the disk.
class SnapshotWriter {
  public:
    [[nodiscard]] static Result<SnapshotWriter> begin(std::filesystem::path file);

    [[nodiscard]] Result<void> add(sync::Bytes chunk);
    /// `manifest` says all but the chunks.
    [[nodiscard]] Result<void> finish(sync::SnapshotManifest manifest);

    [[nodiscard]] std::size_t chunks() const { return chunks_.size(); }

  private:
    SnapshotWriter(std::filesystem::path file, FileHandle out);

    [[nodiscard]] Result<void> write(sync::BytesView bytes);
    [[nodiscard]] std::filesystem::path unfinished() const;

    std::filesystem::path file_;
    FileHandle out_;
    std::vector<sync::SnapshotChunk> chunks_;
};

}  // namespace streetlog::hub
