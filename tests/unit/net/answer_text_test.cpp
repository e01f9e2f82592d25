#include "sync/net/answer_text.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

std::string text(const char* json) { return text_of_answer(boost::json::parse(json).as_object()); }

TEST(AnswerText, ValuesStandBesideTheirNames) {
    EXPECT_EQ(text(R"({"records":3,"held_here":null,"verified":true,"name":"ana"})"),
              "records:   3\n"
              "held here: -\n"
              "verified:  yes\n"
              "name:      ana\n");
    EXPECT_EQ(text("{}"), "");
}

TEST(AnswerText, AListOfObjectsIsATable) {
    EXPECT_EQ(text(R"({"users":[{"user":1,"name":"Zoë"},{"user":2,"name":"Al","since":"May"}]})"),
              "users:\n"
              "  user name since\n"
              "  1    Zoë  -\n"
              "  2    Al   May\n");
    EXPECT_EQ(text(R"({"users":[]})"), "users:\n  (none)\n");
}

TEST(AnswerText, AListInsideARowStandsUnderIt) {
    EXPECT_EQ(text(R"({"people":[{"person":"o","profiles":["o"],"links":[]},)"
                   R"({"person":"p","profiles":["p","q"],)"
                   R"("links":[{"a":"p","why":"SSN"},{"a":"q","why":"name"}]},)"
                   R"({"person":"r","profiles":["r"],"links":[]}]})"),
              "people:\n"
              "  person profiles\n"
              "  o      o\n"
              "  p      p, q\n"
              "    links: a p; why SSN\n"
              "    links: a q; why name\n"
              "  r      r\n");
}

TEST(AnswerText, AWideTableIsWrittenRowBelowRow) {
    const std::string wide(kTableWidthMax, 'x');
    EXPECT_EQ(text((R"({"records":[{"seq":1,"why":")" + wide + R"("},{"seq":2}]})").c_str()),
              "records:\n"
              "  seq: 1\n"
              "  why: " +
                  wide +
                  "\n"
                  "\n"
                  "  seq: 2\n");
}

}  // namespace
}  // namespace streetlog::net
