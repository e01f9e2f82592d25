#include "tests/bench/load.hpp"

#include <algorithm>

#include "agent/workflow/save_builder.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/timeliness/evidence.hpp"
#include "tests/bench/field_day.hpp"
#include "tests/bench/words.hpp"

namespace streetlog::bench {
namespace {

namespace tbl = hud::tbl;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;
namespace exit_ = hud::col::exit;
namespace cls = hud::col::current_living_situation;

using agent::Answers;

constexpr EntityId kProject{{0x70, 0x72, 0x6f, 0x6a}};
constexpr std::int16_t kTzMinutes = -300;
constexpr std::uint32_t kUser = 7;
constexpr std::array<std::int64_t, 5> kSituations{116, 101, 215, 435, 421};
constexpr std::array<std::int64_t, 5> kDestinations{101, 116, 435, 421, 30};

void answer(Answers& answers, std::uint16_t column, std::int64_t code) {
    agent::put(answers, {.column = column, .value = code});
}

void answer(Answers& answers, std::uint16_t column, const std::string& text) {
    auto cell = sync::make_cell(*hud::find_column(column), text);
    STREETLOG_ASSERT(cell.has_value());
    agent::put(answers, *std::move(cell));
}

std::size_t size_of(const sync::CellValue& value, const hud::Column& column) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size();
    if (const auto* data = std::get_if<sync::Bytes>(&value)) return data->size();
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        constexpr std::size_t kDate = 10;
        return column.type == hud::ColumnType::kDate ? kDate : std::to_string(*number).size();
    }
    return 0;
}

/// Values as a plain table would hold them, see Load::value_bytes.
std::size_t size_of(const store::SaveRequest& request) {
    constexpr std::size_t kInstant = 24;  // "2026-11-23T14:05:09.250Z"
    constexpr std::size_t kId = 16;
    std::size_t bytes = 2 * kInstant + kId + 1;  // interaction, save, device, user
    for (const sync::Op& op : request.ops) {
        if (op.kind == sync::OpKind::kCreate || op.supersedes.size() > 0) bytes += kId;
        for (const sync::Cell& cell : op.cells)
            bytes += size_of(cell.value, *hud::find_column(cell.column));
    }
    return bytes;
}

}  // namespace

struct Load::Impl {
    Impl(std::uint64_t seed, const sync::Replica& replica, Instant start)
        : dice(seed), field(replica), witness(anchor_before(start)), now(start) {
        field.add(kProject, tbl::kProject);
    }

    static constexpr std::uint64_t kBoot = 0x5eed'b007'1234'9876;
    static constexpr std::int64_t kBootedBefore = 7'200'000;  // ms before the first record

    /// The device met the hub an hour before it began to record.
    sync::Anchor anchor_before(Instant start) {
        booted = {start.ms - kBootedBefore};
        sync::Anchor out;
        out.wall = {start.ms - kBootedBefore / 2};
        out.hub = {out.wall.ms + 381};
        out.boot_id = kBoot;
        out.boot_ms = static_cast<std::uint64_t>(kBootedBefore / 2);
        out.err_ms = 9;
        out.suspends = 0;
        return out;
    }

    [[nodiscard]] ClockReading reading() const {
        ClockReading out;
        out.wall = now;
        out.boot_id = kBoot;
        out.boottime_ms = static_cast<std::uint64_t>(now.ms - booted.ms);
        return out;
    }

    [[nodiscard]] agent::BuildContext context() {
        return {.screen = field, .random = dice, .now = now, .tz_minutes = kTzMinutes};
    }

    /// One in eight was written down earlier and is typed in later.
    [[nodiscard]] agent::Interaction interaction() {
        if (!dice.percent(12)) return {};
        return {.source = sync::TimeSource::kTyped,
                .occurred = {now.ms - dice.between(1, 300) * 60'000},
                .tz_minutes = kTzMinutes};
    }

    [[nodiscard]] std::string today() const { return format_date(date_of(now, kTzMinutes)); }

    Answers person() {
        Answers out;
        answer(out, client::kFirstName, given_name(dice));
        answer(out, client::kLastName, family_name(dice));
        answer(out, client::kNameDataQuality, 1);
        if (dice.percent(70)) {
            answer(out, client::kSSN, ssn(dice));
            answer(out, client::kSSNDataQuality, 1);
        } else {
            answer(out, client::kSSNDataQuality, 9);
        }
        answer(out, client::kDOB, birth_date(dice));
        answer(out, client::kDOBDataQuality, dice.percent(80) ? 1 : 2);
        answer(out, client::kSex, dice.between(0, 1));
        answer(out, dice.percent(50) ? client::kWhite : client::kBlackAfAmerican, 1);
        answer(out, client::kVeteranStatus, dice.percent(12) ? 1 : 0);
        return out;
    }

    agent::IntakeRequest intake_request(std::int64_t people) {
        agent::IntakeRequest request;
        request.project = kProject;
        answer(request.shared, enrollment::kEntryDate, today());
        for (std::int64_t i = 0; i < people; ++i) {
            agent::Member& member = request.members.emplace_back();
            member.client.answers = person();
            Answers& stay = member.enrollment.answers;
            answer(stay, enrollment::kRelationshipToHoH, i == 0 ? 1 : dice.between(2, 4));
            if (i == 0) answer(stay, enrollment::kEnrollmentCoC, std::string{"CA-600"});
            answer(stay, enrollment::kLivingSituation, dice.pick(kSituations));
            answer(stay, enrollment::kDisablingCondition, dice.percent(40) ? 1 : 0);
        }
        return request;
    }

    agent::Checked<agent::BuiltSave> intake() {
        // Most come alone.
        const std::int64_t people = dice.percent(60) ? 1 : dice.between(2, 5);
        return build_intake(intake_request(people), context());
    }

    agent::Checked<agent::BuiltSave> contact() {
        agent::ContactRequest request;
        auto& subject = request.subjects.emplace_back();
        subject.enrollment = field.open_stays()[dice.below(field.open_stays().size())];
        answer(request.shared, cls::kCurrentLivingSituation, dice.pick(kSituations));
        if (dice.percent(60)) answer(request.shared, cls::kLocationDetails, place(dice));
        if (dice.percent(33)) request.note = note(dice);
        request.interaction = interaction();
        return build_contact(request, context());
    }

    agent::Checked<agent::BuiltSave> exit() {
        agent::ExitRequest request;
        auto& one = request.exits.emplace_back();
        one.enrollment = field.open_stays()[dice.below(field.open_stays().size())];
        answer(one.answers, exit_::kExitDate, today());
        answer(one.answers, exit_::kDestination, dice.pick(kDestinations));
        return build_exit(request, context());
    }

    agent::Checked<agent::BuiltSave> edit() {
        agent::UpdateRequest request;
        request.table = tbl::kClient;
        request.entity = field.clients()[dice.below(field.clients().size())];
        switch (dice.below(4)) {
            case 0:
                answer(request.answers, client::kMiddleName, given_name(dice));
                break;
            case 1:
                answer(request.answers, client::kSSN, ssn(dice));
                answer(request.answers, client::kSSNDataQuality, 1);
                break;
            case 2:
                answer(request.answers, client::kDOB, birth_date(dice));
                answer(request.answers, client::kDOBDataQuality, 1);
                break;
            default:
                request.table = tbl::kEnrollment;
                request.entity = field.open_stays()[dice.below(field.open_stays().size())];
                answer(request.answers, enrollment::kLivingSituation, dice.pick(kSituations));
                answer(request.answers,
                       enrollment::kLengthOfStay,
                       dice.pick(std::array<std::int64_t, 4>{2, 3, 4, 5}));
        }
        return build_update(request, context());
    }

    /// An edit may by chance say what is there already; then the next throw counts.
    agent::BuiltSave build() {
        constexpr std::size_t kOpenMin = 8;
        constexpr int kTriesMax = 100;
        for (int tries = 0; tries < kTriesMax; ++tries) {
            const std::size_t throw_ = dice.below(100);
            const bool early = field.open_stays().size() < kOpenMin;
            auto built = early || throw_ < 10 ? intake()
                         : throw_ < 15        ? exit()
                         : throw_ < 30        ? edit()
                                              : contact();
            if (built) return *std::move(built);
        }
        assertion_failed("the load is built", __FILE__, __LINE__);
    }

    store::SaveRequest request_of(agent::BuiltSave built) {
        field.apply(built, ++seq);
        store::SaveRequest out;
        out.header.kind = built.kind;
        out.header.source = built.source;
        out.header.occurred = built.occurred;
        out.header.tz_minutes = built.tz_minutes;
        out.header.recorded = now;
        out.header.user = kUser;
        out.header.clock = witness.witness(reading());
        if (built.source == sync::TimeSource::kLive) out.header.occurred_clock = pressed;
        out.ops = std::move(built.ops);
        value_bytes += size_of(out);
        return out;
    }

    /// "Now" is pressed when the form opens, some seconds before Save; the device looks at its
    /// clocks all the while.
    void advance() {
        now.ms += dice.between(1'000, 12'000);
        witness.observe(reading());
        pressed = witness.witness(reading());
        now.ms += dice.between(3'000, 25'000);
    }

    Dice dice;
    FieldDay field;
    Instant booted;
    sync::ClockWitness witness;
    Instant now;
    sync::ClockEvidence pressed;
    std::uint64_t seq = 0;
    std::uint64_t value_bytes = 0;
};

Load::Load(std::uint64_t seed, const sync::Replica& self, Instant start)
    : impl_(std::make_unique<Impl>(seed, self, start)) {}

Load::Load(Load&&) noexcept = default;
Load& Load::operator=(Load&&) noexcept = default;
Load::~Load() = default;

store::SaveRequest Load::next() {
    impl_->advance();
    return impl_->request_of(impl_->build());
}

std::pair<store::SaveRequest, EntityId> Load::intake_of_one() {
    impl_->advance();
    auto built = build_intake(impl_->intake_request(1), impl_->context());
    STREETLOG_ASSERT(built.has_value());
    EntityId id;
    for (const auto& one : built->created)
        if (one.table == tbl::kClient) id = one.id;
    return {impl_->request_of(*std::move(built)), id};
}

std::uint64_t Load::value_bytes() const { return impl_->value_bytes; }

}  // namespace streetlog::bench
