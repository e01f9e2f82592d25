#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace streetlog::test {

/// A directory of its own that goes when the test ends.
class TempDir {
  public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "streetlog-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
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
