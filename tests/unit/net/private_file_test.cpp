#include "sync/net/private_file.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/clocks.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::net {
namespace {

namespace fs = std::filesystem;

class PrivateFile : public testing::Test {
  protected:
    [[nodiscard]] static fs::perms rights(const fs::path& file) {
        return fs::status(file).permissions();
    }

    test::TempDir dir_;
    test::SeededRandom random_{1};
    fs::path file_ = dir_.path() / "device.key";
};

TEST_F(PrivateFile, AKeyIsMadeOnceAndForItsOwnerAlone) {
    const auto made = load_or_make_key(file_, random_);
    ASSERT_TRUE(made);
    EXPECT_EQ(rights(file_), fs::perms::owner_read | fs::perms::owner_write);
    const auto again = load_or_make_key(file_, random_);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->public_key(), made->public_key());
    EXPECT_EQ(load_key(file_)->public_key(), made->public_key());
}

TEST_F(PrivateFile, AFileThatIsNoKeyIsNamedAndStays) {
    std::ofstream{file_} << "not a key";
    const auto key = load_or_make_key(file_, random_);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::kMalformed);
    EXPECT_NE(key.error().message.find(file_.string()), std::string::npos);
    EXPECT_EQ(*read_private(file_), "not a key");
    EXPECT_EQ(load_key(dir_.path() / "none").error().code, ErrorCode::kNotFound);
}

TEST_F(PrivateFile, WritingNeverTouchesWhatIsThere) {
    ASSERT_TRUE(write_private(file_, "first"));
    EXPECT_EQ(write_private(file_, "second").error().code, ErrorCode::kConflict);
    EXPECT_EQ(*read_private(file_), "first");
}

TEST_F(PrivateFile, ReplacingLeavesTheNewTextAloneAndPrivate) {
    std::ofstream{file_} << "old and open to others";
    fs::permissions(file_, fs::perms::all);
    ASSERT_TRUE(replace_private(file_, "new"));
    EXPECT_EQ(*read_private(file_), "new");
    EXPECT_EQ(rights(file_), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_FALSE(fs::exists(dir_.path() / "device.key.new"));
    EXPECT_EQ(replace_private(dir_.path() / "no" / "folder", "x").error().code,
              ErrorCode::kStorage);
}

TEST_F(PrivateFile, AFileWithoutEndIsRefused) {
    std::ofstream{file_} << std::string(kPrivateFileBytesMax + 1, 'x');
    EXPECT_EQ(read_private(file_).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace streetlog::net
