#include <array>

#include <fmt/format.h>

#include "agent/app/agent_screen.hpp"
#include "agent/workflow/json_requests.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/identity/link_ops.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

/// What workers do: few names, birthdays and numbers, so that people are met twice; forms that lie
/// open while others write; times that are typed in afterwards; and now and then a record that no
/// form of ours makes, from a faulty or a newer program.
namespace streetlog::sim {
namespace {

constexpr std::array kFirst{"Ana", "Ben", "Cleo", "Dan"};
constexpr std::array kLast{"Ruiz", "Ortiz", "Kim", "Okafor"};
constexpr std::array kBorn{"1980-02-01", "1991-07-15", "1968-11-30"};
constexpr std::array kSsn{"219099999", "457555462", "078051120"};

std::string pick(Dice& dice, auto& from) { return from[dice.below(from.size())]; }

/// A table that some later version may have.
constexpr std::uint16_t kNewTable = 60'123;

}  // namespace

/// A form that was opened and is being filled in.
struct SimAgent::Press {
    agent::BuiltSave built;
    sync::ClockEvidence clock;
    std::optional<Instant> occurred;  // true time of the interaction
};

void SimAgent::work() {
    if (!awake()) return;
    watch();
    if (dice_.chance(60))
        act([this] { strange_save(); });
    else
        act([this] { fill_form(); });
}

std::string SimAgent::interaction(std::optional<Instant>& occurred) {
    occurred = world_.now();
    if (!dice_.chance(250)) return "now";
    // Typed in afterwards, to the minute, from somebody's own watch.
    const Millis ago{dice_.chance(300) ? dice_.between(0, 3 * 86'400'000)
                                       : dice_.between(0, 6 * 3'600'000)};
    const Instant then{(world_.now() - ago).ms / 60'000 * 60'000};
    occurred = then;
    return format_instant(then);
}

std::string SimAgent::person() {
    std::string out;
    const auto kind = dice_.below(10);
    if (kind < 8)
        out += fmt::format(R"("FirstName":"{}","LastName":"{}","NameDataQuality":1)",
                           pick(dice_, kFirst),
                           pick(dice_, kLast));
    else
        out += fmt::format(R"("NameDataQuality":{})", kind == 8 ? 9 : 99);
    const auto born = dice_.below(10);
    if (born < 7)
        out += fmt::format(R"(,"DOB":"{}","DOBDataQuality":1)", pick(dice_, kBorn));
    else if (born < 9)
        out += R"(,"DOBDataQuality":8)";
    const auto number = dice_.below(10);
    if (number < 6)
        out += fmt::format(R"(,"SSN":"{}","SSNDataQuality":1)", pick(dice_, kSsn));
    else if (number < 8)
        out += R"(,"SSN":"xxxxx1120","SSNDataQuality":2)";
    else
        out += R"(,"SSNDataQuality":9)";
    return out;
}

std::string SimAgent::intake() {
    // Somebody known already, perhaps from another project.
    if (world_.extras.scopes && dice_.chance(350))
        if (const auto known = somebody(hud::tbl::kClient))
            return fmt::format(
                R"({{"PersonalID":"{}","RelationshipToHoH":1,"EnrollmentCoC":"CA-600"}})",
                to_string(*known));
    const auto people = dice_.chance(250) ? dice_.between(2, 5) : 1;
    std::string members;
    for (std::int64_t i = 0; i < people; ++i) {
        if (i > 0) members += ",";
        members += fmt::format(R"({{{},"RelationshipToHoH":{})", person(), i == 0 ? 1 : 2);
        if (i == 0) members += R"(,"EnrollmentCoC":"CA-600")";
        members += "}";
    }
    return members;
}

std::optional<EntityId> SimAgent::somebody(std::uint16_t table) {
    const auto& all = table == hud::tbl::kClient ? world_.clients : world_.enrollments;
    if (all.empty()) return std::nullopt;
    const agent::AgentScreen screen{store_->read()};
    for (int i = 0; i < 6; ++i) {
        // The newest are met most.
        const auto back =
            dice_.below(dice_.chance(600) ? std::min<std::size_t>(all.size(), 8) : all.size());
        const EntityId id = all[all.size() - 1 - back];
        if (screen.exists(id, table)) return id;
    }
    return std::nullopt;
}

std::optional<agent::BuiltSave> SimAgent::build(const std::string& what,
                                                const std::string& document) {
    const auto now = clock.read().wall;
    const agent::AgentScreen screen{store_->read()};
    const agent::BuildContext context{
        .screen = screen, .random = random_, .now = now, .tz_minutes = clock.zone};
    const auto with = [&](auto request, auto builder) -> agent::Checked<agent::BuiltSave> {
        if (!request) return std::unexpected(std::move(request).error());
        return builder(*request, context);
    };
    auto built = what == "intake"    ? with(agent::parse_intake(document), agent::build_intake)
                 : what == "contact" ? with(agent::parse_contact(document), agent::build_contact)
                 : what == "exit"    ? with(agent::parse_exit(document), agent::build_exit)
                 : what == "void"    ? with(agent::parse_void(document), agent::build_void)
                                     : with(agent::parse_update(document), agent::build_update);
    if (screen.failure()) return std::nullopt;
    if (!built) {
        ++world_.out.refusals;
        if (built.error().problems.empty())
            ++world_.out.shapes["refused"];
        else
            ++world_.out.shapes["refused: " + what + " " + built.error().problems.front().rule];
        return std::nullopt;
    }
    if (built->ops.empty()) return std::nullopt;
    ++world_.out.shapes[what];
    return *std::move(built);
}

void SimAgent::fill_form() {
    const auto today = format_date(date_of(clock.read().wall, clock.zone));
    std::optional<Instant> occurred;
    const auto when = interaction(occurred);
    std::string what;
    std::string document;
    const auto lot = dice_.below(100);
    if (lot < 22 || world_.enrollments.empty()) {
        what = "intake";
        document = fmt::format(
            R"({{"ProjectID":"{}","EntryDate":"{}","interaction":"{}","clients":[{}]}})",
            to_string(dice_.pick(world_.projects)),
            today,
            when,
            intake());
    } else if (lot < 55) {
        const auto stay = somebody(hud::tbl::kEnrollment);
        if (!stay) return;
        what = "contact";
        document = fmt::format(
            R"({{"subjects":[{{"EnrollmentID":"{}"}}],"CurrentLivingSituation":116,"note":"{}","interaction":"{}"}})",
            to_string(*stay),
            dice_.chance(400) ? "spoke by the river" : "",
            when);
    } else if (lot < 64) {
        const auto stay = somebody(hud::tbl::kEnrollment);
        if (!stay) return;
        what = "exit";
        document = fmt::format(
            R"({{"exits":[{{"EnrollmentID":"{}"}}],"ExitDate":"{}","Destination":{},"interaction":"{}"}})",
            to_string(*stay),
            today,
            dice_.chance(500) ? 116 : 410,
            when);
    } else if (lot < 94) {
        const auto client = somebody(hud::tbl::kClient);
        if (!client) return;
        what = "update";
        document = fmt::format(
            R"({{"PersonalID":"{}",{},"interaction":"{}"}})", to_string(*client), person(), when);
    } else {
        const bool of_client = dice_.chance(400);
        const auto entity = somebody(of_client ? hud::tbl::kClient : hud::tbl::kEnrollment);
        if (!entity) return;
        what = "void";
        occurred.reset();
        document = fmt::format(R"({{"{}":"{}","Reason":"typed twice"}})",
                               of_client ? "PersonalID" : "EnrollmentID",
                               to_string(*entity));
    }
    const auto pressed = witness_->witness(clock.read());
    auto built = build(what, document);
    if (!built) return;
    if (dice_.chance(200)) check_names(*built);
    Press press{*std::move(built), pressed, occurred};
    if (!dice_.chance(250)) return save(press);
    // The form stays open; others write meanwhile.
    const auto wait =
        dice_.chance(100) ? dice_.between(0, 2 * 86'400'000) : dice_.between(1'000, 2'400'000);
    world_.events.in(Millis{wait}, [this, life = life_, press = std::move(press)] {
        if (life != life_ || !awake() || world_.calm) return;
        watch();
        act([&] { save(press); });
    });
}

void SimAgent::save(const Press& press) {
    store::SaveRequest request;
    auto& header = request.header;
    header.occurred = press.built.occurred;
    header.tz_minutes = press.built.tz_minutes;
    header.kind = press.built.kind;
    header.source = press.built.source;
    header.user = 1;
    if (press.built.source == sync::TimeSource::kLive) header.occurred_clock = press.clock;
    request.ops = press.built.ops;
    const auto before = world_.truth.saves().size();
    save_request(std::move(request), press.occurred);
    if (world_.truth.saves().size() == before) return;
    for (const auto& entity : press.built.created) {
        if (entity.table == hud::tbl::kClient) world_.clients.push_back(entity.id);
        if (entity.table == hud::tbl::kEnrollment) world_.enrollments.push_back(entity.id);
    }
}

/// One Save, and what its worker is told.
void SimAgent::save_request(store::SaveRequest request, std::optional<Instant> occurred) {
    const auto now = clock.read();
    request.header.recorded = now.wall;
    request.header.clock = witness_->witness(now);
    pending_.emplace();
    pending_->saved = world_.now();
    pending_->occurred = occurred;
    pending_->wall_lied = wall_lied_;
    const auto kept = keep_clock();
    const auto saved = kept ? store_->save(request) : std::unexpected(kept.error());
    if (!saved) {
        ++world_.out.failed_saves;
        world_.say(fmt::format("{}: not saved: {}", name_, saved.error().message));
        if (disk.crashed()) return;  // nobody was told anything
        // Told that it was not saved: then it must not be there. (After a failed fsync nobody can
        // know: if the program ends now, the next one may find it.)
        const auto head = store_->log().head();
        if (head && head->last_seq != saved_.seq)
            Truth::broken(name_ + " said a record was not saved, and has it");
        check_memory();
        return;
    }
    world_.trace.note("saved", saved->seq);
    if (disk.crashed()) return;  // the power went before the screen could say so
    adopt(saved->seq);
    pending_.reset();
    if (session_) {
        session_->on_saved();
        step_session();
    } else {
        sync_now();
    }
}

/// What no form of this version makes.
void SimAgent::strange_save() {
    store::SaveRequest request;
    auto& header = request.header;
    header.occurred = clock.read().wall;
    header.tz_minutes = clock.zone;
    const auto client = somebody(hud::tbl::kClient);
    if (!client) return;
    const auto shown = store_->read().group(
        *client, {hud::tbl::kClient, hud::grp::kClientSsn}, store::View::kMerged);
    if (!shown) return;
    sync::Op op{.entity = *client,
                .kind = sync::OpKind::kSetGroup,
                .table = hud::tbl::kClient,
                .group = hud::grp::kClientSsn,
                .cells = {{hud::col::client::kSSN, pick(dice_, kSsn)},
                          {hud::col::client::kSSNDataQuality, std::int64_t{1}}},
                .supersedes = shown->supersedes,
                .profile = shown->profile};
    switch (dice_.below(6)) {
        case 0:  // a newer program: the whole record is held, with a half that is understood
            request.ops.push_back(op);
            request.ops.push_back({.entity = random_.id<EntityId>(),
                                   .kind = sync::OpKind::kCreate,
                                   .table = kNewTable,
                                   .group = 1,
                                   .cells = {{1, std::int64_t{5}}}});
            ++world_.out.shapes["held"];
            break;
        case 1: {  // an act that is the hub's alone
            if (world_.clients.size() < 2) return;
            const auto other = dice_.pick(world_.clients);
            if (other == *client) return;
            request.ops.push_back(sync::link_op(
                random_.id<EntityId>(),
                {{}, *client, other, sync::LinkVerdict::kSame, sync::LinkStrength::kHuman, 0}));
            request.ops.push_back(op);
            ++world_.out.shapes["unauthorised"];
            break;
        }
        case 2:  // names what nobody has written yet
            for (const auto& other : world_.agents) {
                const auto next = other->saved() + 1;
                for (std::uint64_t i = 0; i < 3; ++i)
                    for (std::uint16_t k = 0; k < 2; ++k)
                        op.supersedes.push_back({other->replica(), next + i, k});
            }
            std::ranges::sort(op.supersedes);
            op.supersedes.erase(std::unique(op.supersedes.begin(), op.supersedes.end()),
                                op.supersedes.end());
            std::erase_if(op.supersedes, [&](const sync::Dot& d) { return d.replica == replica_; });
            request.ops.push_back(op);
            ++world_.out.shapes["names ahead of time"];
            break;
        case 3:  // saw the last four digits only, and names the whole number all the same
            op.cells.front().value = sync::Redacted{};
            request.ops.push_back(op);
            ++world_.out.shapes["redacted"];
            break;
        case 4:  // creates somebody who is there already
            op.kind = sync::OpKind::kCreate;
            op.supersedes.clear();
            op.profile.clear();
            request.ops.push_back(op);
            ++world_.out.shapes["id taken"];
            break;
        default:  // two groups of two people at once
            request.ops.push_back(op);
            if (const auto other = somebody(hud::tbl::kClient); other && *other != *client) {
                const auto name = store_->read().group(
                    *other, {hud::tbl::kClient, hud::grp::kClientName}, store::View::kOwn);
                if (!name) return;
                request.ops.push_back(
                    {.entity = *other,
                     .kind = sync::OpKind::kSetGroup,
                     .table = hud::tbl::kClient,
                     .group = hud::grp::kClientName,
                     .cells = {{hud::col::client::kFirstName, pick(dice_, kFirst)},
                               {hud::col::client::kNameDataQuality, std::int64_t{2}}},
                     .supersedes = name->supersedes});
            }
            ++world_.out.shapes["two people at once"];
    }
    save_request(std::move(request), std::nullopt);
}

}  // namespace streetlog::sim
