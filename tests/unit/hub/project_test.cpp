#include <boost/json/serialize.hpp>

#include "hub/desk/desk.hpp"
#include "hub_fixture.hpp"
#include "sync/change/cells.hpp"

/// The hub's projection over a real log: verdicts, duplicates, conflicts, and that all of it comes
/// out the same when it is made again.
namespace streetlog::hub {
namespace {

namespace grp = hud::grp;
namespace tbl = hud::tbl;
namespace json = boost::json;
using std::chrono::hours;

class ProjectTest : public HubTest {
  protected:
    void SetUp() override {
        HubTest::SetUp();
        open();
    }

    void open() {
        follower_.reset();
        auto log = store::HubLog::open(dir_.path(), store::Access::kRead);
        auto projection = HubProjection::open(dir_.path(), ledger_->self().device);
        ASSERT_TRUE(log && projection);
        follower_.emplace(*std::move(projection), *std::move(log), [this](Drafts drafts) {
            return ledger_->author_all(std::move(drafts));
        });
    }

    json::object ask(std::string_view command, const json::object& arguments = {}) {
        auto answer =
            Desk{*follower_, device_.random_, [](const std::string&) {}}.run(command, arguments);
        EXPECT_TRUE(answer) << answer.error().message;
        return answer.value_or(json::object{});
    }

    std::string dump() { return std::string{ask("dump").at("dump_hash").as_string()}; }

    /// What `late` says of the only record: verdict and cause.
    std::string only_verdict() {
        const auto rows = ask("late", {{"which", "all"}}).at("records").as_array();
        EXPECT_EQ(rows.size(), 1U);
        if (rows.empty()) return {};
        const auto& row = rows[0].as_object();
        std::string out{row.at("verdict").as_string()};
        if (const auto* cause = row.if_contains("cause"))
            out += " " + std::string{cause->as_string()};
        return out;
    }

    static sync::Header typed_at(Instant when) {
        sync::Header header;
        header.kind = sync::EventKind::kContact;
        header.source = sync::TimeSource::kTyped;
        header.occurred = when;
        return header;
    }

    static std::vector<sync::Op> contact(Device& device) {
        std::vector<sync::Op> ops(1);
        ops[0].entity = device.random_.id<EntityId>();
        ops[0].kind = sync::OpKind::kCreate;
        ops[0].table = tbl::kCurrentLivingSituation;
        ops[0].group = grp::kContactContact;
        return ops;
    }

    static sync::Op group(
        const EntityId& id,
        sync::OpKind kind,
        std::uint16_t group_id,
        std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
        sync::Op op;
        op.entity = id;
        op.kind = kind;
        op.table = tbl::kClient;
        op.group = group_id;
        for (const auto& [column, text] : values) {
            auto cell = sync::make_cell(*hud::find_column(tbl::kClient, column), text);
            EXPECT_TRUE(cell) << column;
            op.cells.push_back(*std::move(cell));
        }
        std::ranges::sort(op.cells, {}, &sync::Cell::column);
        return op;
    }

    /// A new client with a full name, and an SSN and a date of birth if given.
    static EntityId meet(Device& device,
                         std::string_view first,
                         std::string_view last,
                         std::string_view ssn = {},
                         std::string_view born = {}) {
        const auto id = device.random_.id<EntityId>();
        std::vector<sync::Op> ops;
        ops.push_back(group(id,
                            sync::OpKind::kCreate,
                            grp::kClientName,
                            {{"FirstName", first}, {"LastName", last}, {"NameDataQuality", "1"}}));
        if (!ssn.empty())
            ops.push_back(group(id,
                                sync::OpKind::kSetGroup,
                                grp::kClientSsn,
                                {{"SSN", ssn}, {"SSNDataQuality", "1"}}));
        if (!born.empty())
            ops.push_back(group(id,
                                sync::OpKind::kSetGroup,
                                grp::kClientDob,
                                {{"DOB", born}, {"DOBDataQuality", "1"}}));
        device.save(std::move(ops));
        return id;
    }

    EntityId person(const EntityId& id) {
        return follower_->projection().read().canon_of(id).value_or(EntityId{});
    }

    std::optional<Follower> follower_;
};

TEST_F(ProjectTest, TwentyFourHoursToTheMillisecondAreOnTime) {
    device_.save(typed_at(clock_.now()), contact(device_));
    clock_.advance(hours{24});
    push(device_);
    EXPECT_EQ(only_verdict(), "on_time");
}

TEST_F(ProjectTest, OneMillisecondMoreIsLate) {
    device_.save(typed_at(clock_.now()), contact(device_));
    clock_.advance(hours{24} + Millis{1});
    push(device_);
    EXPECT_TRUE(only_verdict().starts_with("late"));
}

/// What a device knows that met the hub at `hub` and has not slept or been restarted since.
sync::ClockEvidence anchored(Instant hub, Instant now, Millis wall_is_off) {
    sync::ClockEvidence e;
    e.boot_id = 77;
    e.anchor_boot_id = 77;
    e.anchor_hub_ms = hub.ms;
    e.anchor_boot_ms = 5'000;
    e.boot_ms = 5'000 + static_cast<std::uint64_t>((now - hub).count());
    e.anchor_wall_ms = hub.ms + wall_is_off.count();
    e.suspends = e.anchor_suspends = 0;
    return e;
}

class ClockTest : public ProjectTest, public testing::WithParamInterface<int> {};

TEST_P(ClockTest, AWrongWallClockChangesNothingWithAnAnchorFromTheSameBoot) {
    const Millis off = hours{GetParam()};
    const Instant met = clock_.now();
    clock_.advance(hours{2});
    sync::Header header;
    header.kind = sync::EventKind::kContact;
    header.source = sync::TimeSource::kLive;
    header.clock = anchored(met, clock_.now(), off);
    header.occurred_clock = header.clock;
    header.recorded = header.occurred = clock_.now() + off;
    device_.save(header, contact(device_));
    const Instant happened = clock_.now();
    // The clocks of the two may have drifted apart a little since they met; half a minute is more.
    clock_.advance(hours{24} - Millis{30'000});
    push(device_);
    EXPECT_EQ(only_verdict(), "on_time");

    Device other{5};
    header.replica = {};
    other.save(header, contact(other));
    clock_.advance(Millis{60'000});
    push(other);
    const auto rows = ask("late", {{"which", "late"}}).at("records").as_array();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].as_object().at("cause").as_string(), "sync");
    EXPECT_LT(rows[0].as_object().at("lateness_ms").to_number<std::int64_t>(), 60'000);
    EXPECT_GT((clock_.now() - happened), hours{24});
}

INSTANTIATE_TEST_SUITE_P(WallClocks, ClockTest, testing::Values(-30, -3, 0, 3, 24 * 400));

TEST_F(ProjectTest, WithoutAnyEvidenceTheBracketStraddlesTheLine) {
    sync::Header header;
    header.kind = sync::EventKind::kContact;
    header.source = sync::TimeSource::kLive;
    header.recorded = header.occurred = clock_.now();
    device_.save(header, contact(device_));
    clock_.advance(hours{48});
    push(device_);
    EXPECT_EQ(only_verdict(), "unproven");
}

TEST_P(ClockTest, SettingTheClockAfterwardsDoesNotMakeALateRecordOnTime) {
    // "Now" is pressed, the clock is set, Save is pressed, the device is restarted before it meets
    // the hub thirty hours later.
    const Instant met = clock_.now();
    clock_.advance(hours{1});
    sync::Header header;
    header.kind = sync::EventKind::kContact;
    header.source = sync::TimeSource::kLive;
    header.occurred = clock_.now();
    header.occurred_clock = anchored(met, clock_.now(), {});
    header.recorded = clock_.now() + hours{GetParam()};
    header.clock = *header.occurred_clock;
    header.clock.flags |= sync::ClockEvidence::kFlagWallJumped;
    device_.save(header, contact(device_));
    clock_.advance(hours{30});
    push(device_);
    EXPECT_EQ(only_verdict(), "late sync");
}

TEST_F(ProjectTest, AClockSetInABootThatNeverMetTheHubProvesNothing) {
    sync::Header header;
    header.kind = sync::EventKind::kContact;
    header.source = sync::TimeSource::kLive;
    header.clock = anchored(clock_.now(), clock_.now() + hours{1}, {});
    header.clock.boot_id = 78;
    header.clock.flags |= sync::ClockEvidence::kFlagWallJumped;
    header.occurred_clock = header.clock;
    clock_.advance(hours{48});
    header.recorded = header.occurred = clock_.now() - hours{1};
    device_.save(header, contact(device_));
    push(device_);
    EXPECT_EQ(only_verdict(), "unproven");
}

TEST_F(ProjectTest, ARuleJudgesWhatComesAfterIt) {
    device_.save(typed_at(clock_.now() - hours{10}), contact(device_));
    push(device_);
    ask("rule add", {{"hours", 6}, {"from", "2026-01-01"}, {"kind", "contact"}});
    device_.save(typed_at(clock_.now() - hours{10}), contact(device_));
    push(device_);
    const auto answer = ask("late");
    EXPECT_EQ(answer.at("on_time").to_number<int>(), 1);
    EXPECT_EQ(answer.at("late").to_number<int>(), 1);
    EXPECT_EQ(answer.at("records").as_array()[0].as_object().at("rule").to_number<int>(), 2);
    ask("rebuild");
    EXPECT_EQ(json::serialize(ask("late")), json::serialize(answer));
}

TEST_F(ProjectTest, TwoOfThreeEqualMakeOnePersonWithTheReason) {
    Device other{2};
    const auto a = meet(device_, "Marisol", "Vega", "531224567", "1980-04-04");
    const auto b = meet(other, "MARISOL", "Vega", "", "1980-04-04");
    push(device_);
    push(other);
    const auto people = ask("duplicates").at("people").as_array();
    ASSERT_EQ(people.size(), 1U);
    EXPECT_EQ(person(a), person(b));
    EXPECT_EQ(person(b), a);  // the one the hub heard of first
    const auto& why = people[0].as_object().at("why").as_array();
    ASSERT_EQ(why.size(), 1U);
    EXPECT_NE(why[0].as_string().find("name"), json::string::npos);
}

TEST_F(ProjectTest, AContradictionKeepsThemApart) {
    Device other{2};
    const auto a = meet(device_, "Marisol", "Vega", "531224567", "1980-04-04");
    const auto b = meet(other, "Marisol", "Vega", "531224568", "1980-04-04");
    push(device_);
    push(other);
    EXPECT_TRUE(ask("duplicates").at("people").as_array().empty());
    EXPECT_NE(person(a), person(b));
}

TEST_F(ProjectTest, ALikeThirdProfileDoesNotJoinTwoOfOneHousehold) {
    // a and b share SSN and name, b and c name and birth; a and c live together.
    const auto a = meet(device_, "Ann", "Lee", "531224567");
    const auto c = meet(device_, "Ann", "Lee", "", "1980-04-04");
    const auto home = device_.random_.id<EntityId>();
    for (const auto& id : {a, c}) {
        sync::Op op;
        op.entity = device_.random_.id<EntityId>();
        op.kind = sync::OpKind::kCreate;
        op.table = tbl::kEnrollment;
        op.group = grp::kEnrollmentHousehold;
        op.cells = {
            {hud::col::enrollment::kPersonalID, sync::Bytes{id.bytes.begin(), id.bytes.end()}},
            {hud::col::enrollment::kHouseholdID,
             sync::Bytes{home.bytes.begin(), home.bytes.end()}}};
        std::ranges::sort(op.cells, {}, &sync::Cell::column);
        device_.save({std::move(op)});
    }
    Device other{2};
    const auto b = meet(other, "Ann", "Lee", "531224567", "1980-04-04");
    push(device_);
    push(other);
    EXPECT_EQ(ask("duplicates").at("links").as_array().size(), 1U);
    EXPECT_NE(person(a), person(c));
    EXPECT_TRUE(person(b) == person(a) || person(b) == person(c));
}

TEST_F(ProjectTest, UnlinkingHoldsForGoodAndEverybodyKeepsTheirOwn) {
    Device other{2};
    const auto a = meet(device_, "Marisol", "Vega", "", "1980-04-04");
    push(device_);
    ask("duplicates");
    const auto before_a = *follower_->projection().read().load(a);
    const auto b = meet(other, "Marisol", "Vega", "", "1980-04-04");
    push(other);
    ask("duplicates");
    ASSERT_EQ(person(a), person(b));
    const auto before_b = *follower_->projection().read().load(b);
    const json::object pair{{"A", to_string(a)}, {"B", to_string(b)}, {"reason", "twins"}};
    EXPECT_TRUE(ask("duplicates unlink", pair).at("apart").as_bool());
    EXPECT_FALSE(Desk(*follower_, device_.random_, [](const std::string&) {
                 }).run("duplicates unlink", pair));
    EXPECT_EQ(*follower_->projection().read().load(a), before_a);
    EXPECT_EQ(*follower_->projection().read().load(b), before_b);

    // More that is equal does not bring them together again, nor does making everything anew.
    for (const auto& id : {a, b})
        other.save({group(id,
                          sync::OpKind::kSetGroup,
                          grp::kClientSsn,
                          {{"SSN", "531224567"}, {"SSNDataQuality", "1"}})});
    push(other);
    ask("rebuild");
    EXPECT_TRUE(ask("duplicates").at("people").as_array().empty());
    EXPECT_NE(person(a), person(b));
    EXPECT_EQ(ask("duplicates").at("kept_apart").as_array().size(), 1U);
}

TEST_F(ProjectTest, TwoValuesAreKeptUntilSomebodyPicksOne) {
    const auto id = meet(device_, "Ann", "Lee");
    push(device_);
    const sync::Dot shown{device_.replica_, 1, 0};
    Device other{2};
    for (auto* one : {&device_, &other}) {
        auto op = group(id,
                        sync::OpKind::kSetGroup,
                        grp::kClientName,
                        {{"FirstName", one == &device_ ? "Anne" : "Anna"},
                         {"LastName", "Lee"},
                         {"NameDataQuality", "1"}});
        op.supersedes = {shown};
        one->save({std::move(op)});
        push(*one);
    }
    const auto both = ask("conflicts");
    EXPECT_EQ(both.at("open").to_number<int>(), 1);
    EXPECT_EQ(both.at("conflicts").as_array().size(), 2U);
    const auto after =
        ask("conflicts resolve", {{"ID", to_string(id)}, {"GROUP", "client.name"}, {"pick", 2}});
    EXPECT_FALSE(after.at("conflict").as_bool());
    EXPECT_EQ(ask("conflicts").at("open").to_number<int>(), 0);
}

TEST_F(ProjectTest, RebuildingGivesTheSameHashAndALostFileIsMadeAgain) {
    Device other{2};
    meet(device_, "Marisol", "Vega", "", "1980-04-04");
    meet(other, "Marisol", "Vega", "", "1980-04-04");
    push(device_);
    push(other);
    const auto before = dump();
    EXPECT_EQ(ask("rebuild").at("dump_hash").as_string(), before);
    follower_.reset();
    std::filesystem::remove(dir_.path() / "projection.db");
    open();
    EXPECT_EQ(dump(), before);
}

}  // namespace
}  // namespace streetlog::hub
