#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace streetlog::test {

/// A directory of its own that goes when the test ends.
class TempDir {
  public:
    TempDir() : TempDir(std::filesystem::temp_directory_path()) {}

    explicit TempDir(const std::filesystem::path& above) {
        std::string name = (above / ("streetlog-" + std::string(6, 'X'))).string();  // mkdtemp's
        if (::mkdtemp(name.data()) == nullptr)
            throw std::filesystem::filesystem_error(
                "no directory can be made", above, {errno, std::generic_category()});
        path_ = name;
    }

    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace streetlog::test
