#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "agent/workflow/build.hpp"
#include "agent/workflow/save_builder.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/codec.hpp"
#include "sync/validate/validate.hpp"
#include "tests/support/fake_screen.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;
namespace exit_ = hud::col::exit;
namespace cls = hud::col::current_living_situation;

constexpr EntityId kProject{{0xaa}};

/// A device on which somebody enters all sorts of things, right and wrong, for a while.
class Worker {
  public:
    explicit Worker(std::uint32_t seed) : dice_(seed) { screen_.add(kProject, tbl::kProject); }

    /// One random request, built, checked and, if it was taken, applied.
    void step(std::uint64_t seq) {
        const Checked<BuiltSave> built = request();
        if (!built) {
            EXPECT_FALSE(built.error().problems.empty());
            ++refused;
            return;
        }
        ++taken;
        check(*built);
        screen_.apply(*built, seq);
        for (const BuiltSave::NewEntity& one : built->created) {
            if (one.table == tbl::kClient) clients_.push_back(one.id);
            if (one.table == tbl::kEnrollment) stays_.push_back(one.id);
        }
    }

    int taken = 0;
    int refused = 0;

  private:
    bool one_in(int n) { return std::uniform_int_distribution<>{1, n}(dice_) == 1; }

    template <class T>
    T pick(std::span<const T> from) {
        return from[std::uniform_int_distribution<std::size_t>{0, from.size() - 1}(dice_)];
    }

    struct Choice {
        std::uint16_t column;
        const char* text;
    };

    /// Some of the choices, each once; a later one of a column replaces an earlier one.
    Answers some_of(std::span<const Choice> choices) {
        Answers out;
        for (const Choice& one : choices) {
            if (one_in(4)) continue;
            const hud::Column& column = *hud::find_column(one.column);
            put(out, sync::make_cell(column, one.text, hud::CodeCheck::kAny).value());
        }
        return out;
    }

    Answers client_answers() {
        static constexpr std::array<Choice, 4> kRight{{{client::kFirstName, "Ana"},
                                                       {client::kNameDataQuality, "2"},
                                                       {client::kVeteranStatus, "0"},
                                                       {client::kWhite, "1"}}};
        static constexpr std::array<Choice, 5> kOdd{{{client::kNameDataQuality, "9"},
                                                     {client::kSSN, "xxxxx1120"},
                                                     {client::kSSNDataQuality, "1"},
                                                     {client::kDOB, "1914-05-05"},
                                                     {client::kRaceNone, "8"}}};
        return one_in(5) ? some_of(kOdd) : some_of(kRight);
    }

    BuildContext context() {
        return {.screen = screen_,
                .random = random_,
                .now = *parse_instant("2026-11-23T18:00:00Z"),
                .tz_minutes = 60};
    }

    Checked<BuiltSave> request() {
        const int kind = std::uniform_int_distribution<>{0, 3}(dice_);
        if (kind == 0 || stays_.empty()) return intake();
        const EntityId stay = pick<EntityId>(stays_);
        if (kind == 1) {
            static constexpr std::array<Choice, 3> kMet{{{cls::kCurrentLivingSituation, "435"},
                                                         {cls::kCLSSubsidyType, "428"},
                                                         {cls::kLocationDetails, "pier"}}};
            return build_contact({.subjects = {{.enrollment = stay, .client = {}, .answers = {}}},
                                  .shared = some_of(kMet),
                                  .note = one_in(2) ? "said hello" : "",
                                  .interaction = {}},
                                 context());
        }
        if (kind == 2) {
            static constexpr std::array<Choice, 3> kLeft{{{exit_::kExitDate, "2026-11-21"},
                                                          {exit_::kDestination, "17"},
                                                          {exit_::kOtherDestination, "a boat"}}};
            return build_exit({.exits = {{.enrollment = stay, .answers = some_of(kLeft)}},
                               .shared = {},
                               .interaction = {}},
                              context());
        }
        return build_update({.entity = pick<EntityId>(clients_),
                             .table = tbl::kClient,
                             .answers = client_answers(),
                             .interaction = {}},
                            context());
    }

    Checked<BuiltSave> intake() {
        static constexpr std::array<Choice, 2> kHead{
            {{enrollment::kRelationshipToHoH, "1"}, {enrollment::kEnrollmentCoC, "CA-600"}}};
        static constexpr std::array<Choice, 1> kOther{{{enrollment::kRelationshipToHoH, "2"}}};
        IntakeRequest request;
        request.project = kProject;
        put(request.shared,
            sync::make_cell(*hud::find_column(enrollment::kEntryDate),
                            one_in(8) ? "2026-11-24" : "2026-11-20")
                .value());
        const int size = std::uniform_int_distribution<>{1, 4}(dice_);
        for (int i = 0; i < size; ++i) {
            Member& member = request.members.emplace_back();
            if (!clients_.empty() && one_in(3)) {
                member.client.personal_id = pick<EntityId>(clients_);
            }
            member.client.answers = client_answers();
            member.enrollment.answers = i == 0 ? some_of(kHead) : some_of(kOther);
        }
        return build_intake(request, context());
    }

    void check(const BuiltSave& save) {
        const sync::ValidateContext rules{
            .interaction_day = date_of(save.occurred, save.tz_minutes),
            .project_type = {},
            .winner = [this](EntityId entity, std::uint16_t table, std::uint16_t group) {
                return screen_.winner(entity, table, group);
            }};
        EXPECT_FALSE(sync::has_errors(sync::validate_save(save.ops, rules)));
        std::set<std::tuple<EntityId, std::uint16_t, std::uint16_t>> registers;
        for (const sync::Op& op : save.ops) {
            EXPECT_TRUE(registers.insert({op.entity, op.table, op.group}).second);
            EXPECT_EQ(op.supersedes, screen_.on_screen(op.entity, op.table, op.group));
            EXPECT_TRUE(std::ranges::is_sorted(op.cells, {}, &sync::Cell::column));
            if (op.kind == sync::OpKind::kCreate) {
                EXPECT_FALSE(screen_.exists(op.entity, op.table));
            }
            for (const sync::Cell& old : screen_.winner(op.entity, op.table, op.group)) {
                EXPECT_NE(sync::find_cell(op.cells, old.column), nullptr) << "no cell is lost";
            }
        }
        sync::Record record;
        record.header.seq = 1;
        record.ops = save.ops;
        const auto back = sync::decode(sync::view_of(sync::encode(record)));
        ASSERT_TRUE(back) << back.error().message;
        EXPECT_EQ(*back, record);
    }

    std::mt19937 dice_;
    FakeScreen screen_;
    CountingRandom random_;
    std::vector<EntityId> clients_;
    std::vector<EntityId> stays_;
};

TEST(BuildProperty, WhatIsBuiltIsValidAndWholeAndWhatIsNotSaysWhy) {
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        Worker worker{seed};
        for (std::uint64_t seq = 1; seq <= 60; ++seq) worker.step(seq);
        EXPECT_GT(worker.taken, 10);
        EXPECT_GT(worker.refused, 5);
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace streetlog::agent
