#include "hub/exchange/csv_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "hub/exchange/utf8.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/hub/import_fixture.hpp"

namespace streetlog::hub {
namespace {

class CsvReaderTest : public ::testing::Test {
  protected:
    CsvReader open(std::string_view text) {
        test::write_text(path(), text);
        auto reader = CsvReader::open(path());
        EXPECT_TRUE(reader.has_value());
        return *std::move(reader);
    }

    std::vector<CsvRow> rows(std::string_view text) {
        CsvReader reader = open(text);
        std::vector<CsvRow> out;
        while (true) {
            auto row = reader.next();
            EXPECT_TRUE(row.has_value());
            if (!row || !*row) return out;
            out.push_back(**row);
        }
    }

    [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "T.csv"; }

    streetlog::test::TempDir directory_;
};

using Fields = std::vector<std::string>;

TEST_F(CsvReaderTest, ReadsTheSameWithEitherLineEndAndWithAByteOrderMark) {
    for (const std::string_view text : {"a,b\n1,2\n3,\n",
                                        "a,b\r\n1,2\r\n3,\r\n",
                                        "\xEF\xBB\xBF\"a\",\"b\"\r\n\"1\",\"2\"\r\n3,"}) {
        EXPECT_EQ(open(text).header(), (Fields{"a", "b"}));
        const auto found = rows(text);
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].fields, (Fields{"1", "2"}));
        EXPECT_EQ(found[0].line, 2U);
        EXPECT_EQ(found[1].fields, (Fields{"3", ""}));
        EXPECT_EQ(found[1].line, 3U);
    }
}

TEST_F(CsvReaderTest, KeepsQuotesCommasLineBreaksAndBlanks) {
    const auto found = rows("a,b\r\n\"say \"\"x\"\", y\",\"one\r\ntwo\n\"\r\n  p , q\r\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].fields, (Fields{"say \"x\", y", "one\r\ntwo\n"}));
    EXPECT_EQ(found[1].fields, (Fields{"  p ", " q"}));
    EXPECT_EQ(found[1].line, 5U);
}

TEST_F(CsvReaderTest, SkipsBlankLinesButCountsThem) {
    const auto found = rows("a\n\n\r\nx\n\ny\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].line, 4U);
    EXPECT_EQ(found[1].line, 6U);
}

TEST_F(CsvReaderTest, ReportsARowWithTooFewOrTooManyFieldsAndGoesOn) {
    const auto found = rows("a,b\n1\n1,2,3\n5,6\n");
    ASSERT_EQ(found.size(), 3U);
    EXPECT_FALSE(found[0].problem.empty());
    EXPECT_FALSE(found[1].problem.empty());
    EXPECT_EQ(found[1].line, 3U);
    EXPECT_EQ(found[2].fields, (Fields{"5", "6"}));
}

TEST_F(CsvReaderTest, AQuoteThatIsNeverClosedCostsOneLine) {
    const auto found = rows("a,b\n1,\"open\n3,4\n5,6\n");
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].problem, "quotes are not as RFC 4180 wants them");
    EXPECT_EQ(found[0].line, 2U);
    EXPECT_EQ(found[1].fields, (Fields{"3", "4"}));
    EXPECT_EQ(found[1].line, 3U);
    EXPECT_EQ(found[2].fields, (Fields{"5", "6"}));
}

TEST_F(CsvReaderTest, AQuoteInsideAFieldCostsItsRowOnly) {
    const auto found = rows("a,b\n1,x\"y\n\"p\"q,4\n5,\"6\"\n");
    ASSERT_EQ(found.size(), 3U);
    EXPECT_FALSE(found[0].problem.empty());
    EXPECT_FALSE(found[1].problem.empty());
    EXPECT_EQ(found[2].fields, (Fields{"5", "6"}));
    EXPECT_EQ(found[2].line, 4U);
}

TEST_F(CsvReaderTest, NamesTheFieldThatIsNotUtf8) {
    const auto found = rows("a,b\n1,\xC3\x28\n3,\xC3\xA9\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].problem, "not well-formed UTF-8 text");
    EXPECT_EQ(found[0].problem_field, 1U);
    EXPECT_EQ(found[1].fields, (Fields{"3", "\xC3\xA9"}));
}

TEST_F(CsvReaderTest, AFieldMayBeOneMebibyteAndNoByteLonger) {
    const std::string longest(CsvReader::kFieldBytesMax, 'x');
    const auto found =
        rows("a,b\n1," + longest + "\n2," + longest + "x\n3,\"" + longest + "\nx\"\n5,6\n");
    ASSERT_GE(found.size(), 4U);
    EXPECT_EQ(found[0].fields.at(1).size(), longest.size());
    EXPECT_EQ(found[1].problem, "a field is longer than 1 MiB");
    EXPECT_EQ(found[2].problem, "a field is longer than 1 MiB");
    EXPECT_EQ(found[2].line, 4U);
    EXPECT_EQ(found.back().fields, (Fields{"5", "6"}));
    EXPECT_EQ(found.back().line, 6U);
}

TEST_F(CsvReaderTest, RowsAcrossReadBlocksKeepTheirLines) {
    std::string text = "a,b\n";
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ",\"v\nw\"\n";
    const auto found = rows(text);
    ASSERT_EQ(found.size(), 20'000U);
    for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].fields, (Fields{std::to_string(i), "v\nw"}));
        ASSERT_EQ(found[i].line, 2 + 2 * i);
    }
}

TEST_F(CsvReaderTest, AMissingOrEmptyFileIsAnErrorThatNamesIt) {
    const auto missing = CsvReader::open(path());
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(missing.error().message.starts_with("T.csv"));
    test::write_text(path(), "");
    const auto empty = CsvReader::open(path());
    ASSERT_FALSE(empty.has_value());
    EXPECT_EQ(empty.error().code, ErrorCode::kMalformed);
}

TEST(Utf8, RefusesCutOverlongSurrogateTooLargeAndNul) {
    using namespace std::string_view_literals;
    EXPECT_TRUE(is_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
    for (const std::string_view bad : {"\xC3"sv,
                                       "\x80"sv,
                                       "\xC0\xAF"sv,
                                       "\xE0\x80\xAF"sv,
                                       "\xED\xA0\x80"sv,
                                       "\xF4\x90\x80\x80"sv,
                                       "a\0b"sv}) {
        EXPECT_FALSE(is_utf8(bad));
    }
}

}  // namespace
}  // namespace streetlog::hub
