#include "hub/cli.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "schema/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::hub {
namespace {

class HubCommandLine : public testing::Test {
  protected:
    int run(std::vector<std::string> words) {
        words.insert(words.begin(), {"streetlog-hub", "--data", (dir_.path() / "hub").string()});
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        return run_command_line(static_cast<int>(argv.size()), argv.data());
    }

    test::TempDir dir_;
};

TEST_F(HubCommandLine, ACommandBelowAListIsCarriedOutAndNotTheList) {
    ASSERT_EQ(run({"init"}), 0);
    const std::string a(32, 'a');
    const std::string b(32, 'b');
    EXPECT_EQ(run({"duplicates"}), 0);
    EXPECT_EQ(run({"duplicates", "unlink", a, b}), exit_code(ErrorCode::kNotFound));
    EXPECT_EQ(run({"conflicts"}), 0);
    EXPECT_EQ(run({"conflicts", "resolve", a, "client.name", "--pick", "1"}),
              exit_code(ErrorCode::kNotFound));
    EXPECT_EQ(run({"quarantine"}), 0);
    EXPECT_EQ(run({"quarantine", "release", "5"}), exit_code(ErrorCode::kNotFound));
    EXPECT_EQ(run({"quarantine", "reject", "5"}), exit_code(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace streetlog::hub
