#include <gtest/gtest.h>

#include "agent/app/agent_screen.hpp"
#include "agent/app/answer.hpp"
#include "agent/app/device.hpp"
#include "agent/app/files.hpp"
#include "agent/app/status.hpp"
#include "agent/workflow/build.hpp"
#include "agent/workflow/json_requests.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;

constexpr std::int64_t kHour = 3'600'000;

TEST(Answer, CarriesEveryProblemThroughTheSocket) {
    std::vector<Problem> problems{{"clients[0].DOB", "value.form", "not a date"},
                                  {"", "json.syntax", "line 3"}};
    const Answer refused = std::unexpected(Refusal{ErrorCode::kInvalidInput, problems});
    const auto read = decode_answer(encode_answer(refused));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().problems, problems);
    EXPECT_EQ(read.error().error.code, ErrorCode::kInvalidInput);
    EXPECT_EQ(read.error().error.message, refused.error().error.message);

    const auto good = decode_answer(encode_answer(boost::json::object{{"record", 3}}));
    ASSERT_TRUE(good);
    EXPECT_EQ(good->at("record").as_int64(), 3);
    EXPECT_EQ(decode_answer("no answer").error().error.code, ErrorCode::kMalformed);
}

sync::Header saved_at(std::uint64_t boot, std::uint64_t boot_ms, std::int64_t wall) {
    sync::Header header;
    header.kind = sync::EventKind::kContact;
    header.source = sync::TimeSource::kLive;
    header.occurred = {wall};
    header.occurred_clock = sync::ClockEvidence{};
    header.occurred_clock->boot_id = boot;
    header.occurred_clock->boot_ms = boot_ms;
    return header;
}

/// Hub time was hour 1000 then.
sync::Anchor anchor_of(std::uint64_t boot, std::uint64_t boot_ms) {
    sync::Anchor anchor;
    anchor.hub = {1'000 * kHour};
    anchor.boot_id = boot;
    anchor.boot_ms = boot_ms;
    return anchor;
}

ClockReading reading(std::uint64_t boot, std::uint64_t boot_ms, std::int64_t wall) {
    return {.wall = {wall}, .boot_id = boot, .boottime_ms = boot_ms, .suspended_ms = 0};
}

TEST(InteractionTime, OfThisBootDoesNotLeanOnTheWallClock) {
    const auto now = reading(5, 10 * kHour, 777);
    const auto anchor = anchor_of(5, 9 * kHour);
    const auto time = interaction_time(saved_at(5, 4 * kHour, -1), now, anchor);
    EXPECT_EQ(time.at, Instant{995 * kHour});
    EXPECT_EQ(time.trust, sync::Trust::kVerified);
    // Without an anchor the place is the wall clock's, but the time passed since is certain.
    const auto alone = interaction_time(saved_at(5, 4 * kHour, -1), now, std::nullopt);
    EXPECT_EQ(now.wall - alone.at, Millis{6 * kHour});
    EXPECT_EQ(alone.trust, sync::Trust::kVerified);
}

TEST(InteractionTime, OfAnEarlierBootIsAsGoodAsItsAnchor) {
    const auto now = reading(6, kHour, 2'000 * kHour);
    const auto anchor = anchor_of(6, 0);
    auto header = saved_at(5, 4 * kHour, 77);
    EXPECT_EQ(interaction_time(header, now, anchor).at, Instant{77});
    EXPECT_EQ(interaction_time(header, now, anchor).trust, sync::Trust::kNotVerified);
    header.occurred_clock->anchor_boot_id = 5;
    header.occurred_clock->anchor_boot_ms = 3 * kHour;
    header.occurred_clock->anchor_hub_ms = 990 * kHour;
    EXPECT_EQ(interaction_time(header, now, anchor).at, Instant{991 * kHour});
    EXPECT_EQ(interaction_time(header, now, anchor).trust, sync::Trust::kVerified);
}

TEST(InteractionTime, ThatWasTypedIsAsTypedAndAsCertainAsTheClock) {
    const auto now = reading(6, kHour, 2'000 * kHour);
    auto header = saved_at(6, 0, 1'234);
    header.source = sync::TimeSource::kTyped;
    EXPECT_EQ(interaction_time(header, now, std::nullopt).at, Instant{1'234});
    EXPECT_EQ(interaction_time(header, now, std::nullopt).trust, sync::Trust::kNotVerified);
    const auto anchor = anchor_of(6, 0);
    EXPECT_EQ(interaction_time(header, now, anchor).trust, sync::Trust::kVerified);
}

TEST(HubAddress, IsReadBackAsItWasWritten) {
    for (const char* host : {"127.0.0.1", "localhost", "::1"}) {
        const auto read = parse_address(format_address({host, 4180}));
        ASSERT_TRUE(read) << host;
        EXPECT_EQ(read->host, host);
        EXPECT_EQ(read->port, 4180);
    }
    EXPECT_FALSE(parse_address("nowhere"));
    EXPECT_FALSE(parse_address("host:99999"));
}

class AgentScreenTest : public testing::Test {
  protected:
    AgentScreenTest()
        : store_(*store::AgentStore::create(dir_.path() / "agent.db", settings())),
          screen_(store_.read()) {
        save({sync::Op{.entity = project_, .kind = sync::OpKind::kCreate, .table = tbl::kProject}});
    }

    static store::AgentSettings settings() {
        store::AgentSettings out;
        out.self = {DeviceId{{1}}, 1};
        return out;
    }

    void save(std::vector<sync::Op> ops) {
        store::SaveRequest request;
        request.header.recorded = {++now_};
        request.ops = std::move(ops);
        const auto saved = store_.save(request);
        ASSERT_TRUE(saved) << saved.error().message;
    }

    BuiltSave build(const std::string& text) {
        const auto request = parse_intake(text);
        EXPECT_TRUE(request) << request.error().error.message;
        auto built = build_intake(*request, context());
        EXPECT_TRUE(built) << built.error().error.message;
        return *std::move(built);
    }

    BuildContext context() {
        return {.screen = screen_,
                .random = random_,
                .now = *parse_instant("2026-11-23T12:00:00Z"),
                .tz_minutes = 0};
    }

    /// An intake of one person; returns client and enrollment.
    std::pair<EntityId, EntityId> take_in() {
        const auto built =
            build(R"({"ProjectID":")" + to_string(project_) +
                  R"(","EntryDate":"2026-11-20","interaction":"now","clients":[{"FirstName":"Ana",)"
                  R"("LastName":"Ruiz","NameDataQuality":1,"RelationshipToHoH":1}]})");
        std::pair<EntityId, EntityId> out;
        for (const auto& made : built.created) {
            if (made.table == tbl::kClient) out.first = made.id;
            if (made.table == tbl::kEnrollment) out.second = made.id;
        }
        save(built.ops);
        return out;
    }

    streetlog::test::TempDir dir_;
    store::AgentStore store_;
    AgentScreen screen_;
    streetlog::test::SeededRandom random_{7};
    EntityId project_{{0xb0}};
    std::int64_t now_ = 1'790'000'000'000;
};

TEST_F(AgentScreenTest, ShowsWhatWasSavedAndNamesItInTheNextSave) {
    const auto [client, enrollment] = take_in();
    EXPECT_TRUE(screen_.exists(client, tbl::kClient));
    EXPECT_FALSE(screen_.exists(client, tbl::kEnrollment));
    EXPECT_FALSE(screen_.exists(EntityId{{9}}, tbl::kClient));
    EXPECT_EQ(screen_.profile(client), std::vector<EntityId>{});
    ASSERT_TRUE(screen_.stay(enrollment));
    EXPECT_EQ(screen_.stay(enrollment)->client, client);
    EXPECT_EQ(screen_.stay(enrollment)->project, project_);
    EXPECT_EQ(screen_.open_enrollments(client), std::vector<EntityId>{enrollment});

    const auto request = parse_update(R"({"PersonalID":")" + to_string(client) +
                                      R"(","FirstName":"Anna","interaction":"now"})");
    ASSERT_TRUE(request);
    const auto built = build_update(*request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    ASSERT_EQ(built->ops.size(), 1U);
    EXPECT_EQ(built->ops[0].supersedes, screen_.on_screen(client, tbl::kClient, grp::kClientName));
    EXPECT_EQ(built->ops[0].supersedes.size(), 1U);
    save(built->ops);
    const auto cells = screen_.winner(client, tbl::kClient, grp::kClientName);
    EXPECT_EQ(sync::text_in(sync::find_cell(cells, hud::col::client::kFirstName)), "Anna");
    EXPECT_EQ(sync::text_in(sync::find_cell(cells, hud::col::client::kLastName)), "Ruiz");
    EXPECT_FALSE(screen_.failure());
}

TEST_F(AgentScreenTest, WhatIsVoidDoesNotExist) {
    const auto [client, enrollment] = take_in();
    VoidRequest request;
    request.entity = enrollment;
    request.table = tbl::kEnrollment;
    request.reason = "twice";
    const auto built = build_void(request, context());
    ASSERT_TRUE(built);
    save(built->ops);
    EXPECT_FALSE(screen_.exists(enrollment, tbl::kEnrollment));
    EXPECT_TRUE(screen_.exists(client, tbl::kClient));
    EXPECT_EQ(screen_.open_enrollments(client), std::vector<EntityId>{});
    const auto again = build_void(request, context());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().error.code, ErrorCode::kConflict);
}

TEST_F(AgentScreenTest, AnExitedEnrollmentIsNotOpen) {
    const auto [client, enrollment] = take_in();
    const auto request = parse_exit(R"({"exits":[{"EnrollmentID":")" + to_string(enrollment) +
                                    R"("}],"ExitDate":"2026-11-22","Destination":116,)"
                                    R"("interaction":"now"})");
    ASSERT_TRUE(request);
    const auto built = build_exit(*request, context());
    ASSERT_TRUE(built);
    save(built->ops);
    EXPECT_EQ(screen_.open_enrollments(client), std::vector<EntityId>{});
}

TEST(Files, AReplacedFileIsWholeOrAsItWas) {
    const streetlog::test::TempDir dir;
    const auto file = dir.path() / "user";
    ASSERT_TRUE(replace_file(file, "1\n"));
    ASSERT_TRUE(replace_file(file, "22\n"));
    EXPECT_EQ(*read_text(file, 100), "22\n");
    EXPECT_EQ(read_text(file, 2).error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(read_text(dir.path() / "none", 2).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(replace_file(dir.path() / "none" / "user", "1").error().code, ErrorCode::kStorage);
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "user.new"));
}

}  // namespace
}  // namespace streetlog::agent
