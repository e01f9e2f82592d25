#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/dice.hpp"

struct sqlite3_vfs;

namespace streetlog::sim {

enum class DiskFault : std::uint8_t { kIoError, kFull, kShortWrite, kSyncFails, kCrash };
inline constexpr std::size_t kDiskFaults = 5;
[[nodiscard]] std::string_view name_of(DiskFault fault);

/// A fault that waits for its operation. `at` counts a machine's operations that change the disk
/// (write, truncate, sync, delete) from 1; 0: the next one.
struct FaultPlan {
    std::uint64_t at = 0;
    DiskFault what = DiskFault::kIoError;
    bool forever = false;
    bool reads_too = false;
};

/// A file as one machine has it: what programs see, what is on the platter, and the changes between
/// the two in the order in which they were made. Open connections hold it, so that a crash can put
/// another in its place while they still write to this one, in vain.
struct FileNode {
    using Bytes = std::vector<std::uint8_t>;

    /// A write, or with no data a change of size.
    struct Change {
        std::int64_t at = 0;
        Bytes data;
        bool resize = false;
    };

    Bytes seen;
    Bytes platter;
    std::vector<Change> unsynced;
    bool named = false;  // its name is on the platter

    // Locks of SQLite's five-step kind, and of the eight slots of shared memory.
    int shared = 0;
    const void* reserved = nullptr;
    const void* pending = nullptr;
    const void* exclusive = nullptr;
    std::vector<std::unique_ptr<std::array<std::uint8_t, 32768>>> shm;
    std::array<int, 8> shm_shared{};
    std::array<const void*, 8> shm_exclusive{};
};

/// The disk of one machine. Everything below "/NAME/" belongs to the machine NAME.
class SimDisk {
  public:
    using Files = std::map<std::string, std::shared_ptr<FileNode>>;

    /// What a copy of the disk holds; a backup, or the disk of a clone.
    using Image = std::map<std::string, FileNode::Bytes>;

    explicit SimDisk(Dice dice) : dice_(dice) {}

    // --- faults
    void plan(const FaultPlan& plan);

    void forgive() { plan_.reset(); }

    /// No file can grow while set.
    void set_full(bool full) { full_ = full; }

    [[nodiscard]] bool is_full() const { return full_; }

    /// The power fails now: of what was not synced some is there, in any order, torn at sectors of
    /// 512 bytes, or rubbish.
    void crash();
    /// The program was killed and the machine goes on: nothing is lost but the locks.
    void kill();

    /// The program that ran is dead: every operation fails until `restart`.
    [[nodiscard]] bool crashed() const { return crashed_; }

    /// Another program may run. Requires: the dead one has no file open any more.
    void restart() { crashed_ = false; }

    /// What programs see at this moment. Requires: nobody is in a transaction.
    [[nodiscard]] Image image() const;
    /// Kills the program, and another disk is there when the next one starts.
    void put_back(const Image& image);

    [[nodiscard]] std::uint64_t changes() const { return changes_; }

    /// How many faults of each kind came true.
    std::array<std::uint64_t, kDiskFaults> met{};

    // --- for the file system
    /// What is to happen to this operation; a crash happens before it returns. `grows`: the file
    /// would be larger afterwards.
    [[nodiscard]] std::optional<DiskFault> meet(bool changes_disk, bool is_sync, bool grows);
    void write(FileNode& node, std::int64_t at, const std::uint8_t* data, std::size_t size);
    void resize(FileNode& node, std::int64_t size);
    void sync(FileNode& node);
    /// As Linux does it: the pages count as clean afterwards, whether or not they are on the disk.
    void sync_badly(FileNode& node);
    std::shared_ptr<FileNode> find(const std::string& path) const;
    std::shared_ptr<FileNode> make(const std::string& path);
    void remove(const std::string& path, bool durably);

  private:
    /// What a power cut does to the unsynced changes of one file.
    struct Damage {
        std::uint64_t kept = 0;  // in a thousand
        std::uint64_t torn = 0;  // of those kept
        bool shuffled = false;
    };

    [[nodiscard]] FileNode::Bytes survivor(const FileNode& node, const Damage& damage);

    Dice dice_;
    Files files_;
    std::map<std::string, FileNode::Bytes> ghosts_;  // deleted, perhaps not for good
    std::optional<FaultPlan> plan_;
    std::uint64_t changes_ = 0;
    bool full_ = false;
    bool crashed_ = false;
};

/// An SQLite file system in memory, the default one while it lives. One at a time; one thread.
class SimVfs {
  public:
    explicit SimVfs(std::uint64_t seed);
    SimVfs(const SimVfs&) = delete;
    SimVfs& operator=(const SimVfs&) = delete;
    ~SimVfs();

    /// Made when first asked for.
    [[nodiscard]] SimDisk& disk(const std::string& machine);
    /// Of a path "/machine/...".
    [[nodiscard]] SimDisk& disk_of(const std::string& path);

    Dice dice;  // SQLite's own randomness, salts of its log

  private:
    std::uint64_t seed_;
    std::map<std::string, std::unique_ptr<SimDisk>> disks_;
    std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace streetlog::sim
