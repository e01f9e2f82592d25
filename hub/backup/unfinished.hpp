#pragma once

#include <filesystem>
#include <optional>

#include "sync/store/sqlite.hpp"

namespace streetlog::hub {

/// A directory in the making: `<target>.unfinished`, the owner's alone, which takes the target's
/// name only when it is whole and on the disk. What a killed program left under that name is thrown
/// away by the next one; two at a time are kept apart by a lock.
class UnfinishedDirectory {
  public:
    /// kConflict when `target` exists and is not an empty directory; kLocked when another program
    /// is making it.
    [[nodiscard]] static Result<UnfinishedDirectory> make(std::filesystem::path target);

    UnfinishedDirectory(UnfinishedDirectory&&) noexcept;
    UnfinishedDirectory& operator=(UnfinishedDirectory&&) = delete;
    /// Throws away what was not finished.
    ~UnfinishedDirectory();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// Gives it its name. Every file in it must be flushed already.
    [[nodiscard]] Result<void> finish();

  private:
    UnfinishedDirectory(std::filesystem::path target,
                        std::filesystem::path path,
                        store::DirectoryLock lock);

    std::filesystem::path target_, path_;
    std::optional<store::DirectoryLock> lock_;  // none when finished or moved from
};

}  // namespace streetlog::hub
