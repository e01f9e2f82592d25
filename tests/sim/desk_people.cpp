#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/desk.hpp"
#include "schema/hud/fields.hpp"
#include "sync/identity/link_ops.hpp"
#include "tests/sim/hub.hpp"

/// The data-quality manager, through the desk's own commands.
namespace streetlog::sim {
namespace {

namespace json = boost::json;

}  // namespace

void SimHub::review_quarantine(Dice& dice) {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        const auto rows = desk.run("quarantine", {});
        if (!rows) return;
        std::vector<std::int64_t> open;
        for (const auto& row : rows->at("records").as_array())
            if (row.at("status").as_string() == "quarantined" &&
                (row.at("verdict").as_string() == "open" ||
                 (row.at("verdict").as_string() == "rejected" && dice.chance(100))))
                open.push_back(row.at("hub_seq").to_number<std::int64_t>());
        if (open.empty()) return;
        const bool release = dice.chance(650);
        const auto done = desk.run(release ? "quarantine release" : "quarantine reject",
                                   {{"HUB_SEQ", dice.pick(open)}});
        if (done) ++world_.out.shapes[release ? "released" : "rejected"];
        announce(before.seq);
    });
}

void SimHub::resolve_conflict(Dice& dice) {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        const auto rows = desk.run("conflicts", {});
        if (!rows || rows->at("conflicts").as_array().empty()) return;
        const auto& all = rows->at("conflicts").as_array();
        const auto& row = all[dice.below(all.size())].as_object();
        const auto done = desk.run(
            "conflicts resolve",
            {{"ID", row.at("entity")}, {"GROUP", row.at("group")}, {"pick", row.at("pick")}});
        if (done) ++world_.out.shapes["resolved"];
        announce(before.seq);
    });
}

void SimHub::take_apart(Dice& dice) {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        const auto rows = desk.run("duplicates", {});
        if (!rows || rows->at("links").as_array().empty()) return;
        const auto& all = rows->at("links").as_array();
        const auto& row = all[dice.below(all.size())].as_object();
        const auto done =
            desk.run("duplicates unlink",
                     {{"A", row.at("a")}, {"B", row.at("b")}, {"reason", "two people"}});
        if (done) ++world_.out.shapes["unlinked"];
        announce(before.seq);
    });
}

void SimHub::change_scope(Dice& dice) {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        json::object arguments{{"device", to_string(dice.pick(enrolled))}};
        if (dice.chance(350)) {
            arguments["everything"] = true;
        } else {
            json::array projects;
            for (const auto& project : world_.projects)
                if (dice.chance(500)) projects.push_back(json::string{to_string(project)});
            if (projects.empty())
                projects.push_back(json::string{to_string(dice.pick(world_.projects))});
            arguments["projects"] = std::move(projects);
        }
        if (desk.run("scope set", arguments)) ++world_.out.shapes["scopes changed"];
        announce(before.seq);
    });
}

/// Somebody is kept out of the client index, by themselves or with all clients of a project, or let
/// in again; or it says something else of numbers.
void SimHub::change_index(Dice& dice) {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        const auto lot = dice.below(10);
        if (lot < 6 && !world_.clients.empty()) {
            const auto client = to_string(dice.pick(world_.clients));
            if (desk.run(dice.chance(600) ? "restrict" : "unrestrict", {{"CLIENT", client}}))
                ++world_.out.shapes["restricted or not"];
        } else if (lot < 8 && !organization_.is_nil()) {
            namespace col = hud::col::organization;
            const sync::RegisterId reg{hud::tbl::kOrganization,
                                       hud::grp::kOrganizationVictimServiceProvider};
            const auto now =
                run_->follower->projection().read().group(organization_, reg, store::View::kOwn);
            if (!now) return;
            author({{.entity = organization_,
                     .kind = sync::OpKind::kSetGroup,
                     .table = reg.table,
                     .group = reg.group,
                     .cells = {{col::kVictimServiceProvider, std::int64_t{dice.chance(500)}}},
                     .supersedes = now->supersedes}});
            ++world_.out.shapes["victim services or not"];
        } else {
            constexpr std::array kPolicies{"full", "last4", "keyed"};
            if (desk.run("policy ssn", {{"POLICY", kPolicies[dice.below(kPolicies.size())]}}))
                ++world_.out.shapes["policies"];
        }
        announce(before.seq);
    });
}

void SimHub::tell_everybody_everything() {
    act([&] {
        const auto before = run_->ledger.head();
        hub::Desk desk{*run_->follower, random_, [](std::string) {}};
        for (const auto& device : enrolled) {
            const auto done =
                desk.run("scope set", {{"device", to_string(device)}, {"everything", true}});
            if (!done) Truth::broken("a scope cannot be lifted: " + done.error().message);
        }
        announce(before.seq);
    });
}

/// A person joins two profiles, or says they differ, or takes back what a person said: assertions
/// that no command makes yet, but the log may hold.
void SimHub::join_by_hand(Dice& dice) {
    act([&] {
        if (world_.clients.size() < 2) return;
        const auto& a = dice.pick(world_.clients);
        const auto& b = dice.pick(world_.clients);
        if (a == b || !run_->ledger.taken(a) || !run_->ledger.taken(b)) return;
        const sync::ClientPair pair{a, b};
        if (!joined_.empty() && dice.chance(300)) {
            const auto entity = dice.pick(joined_);
            const auto state = run_->follower->projection().read().load(entity);
            std::vector<sync::Dot> dots;
            if (state)
                for (const auto& [reg, all] : state->registers)
                    for (const auto& sibling : all.siblings) dots.push_back(sibling.dot);
            if (dots.empty()) return;
            author({sync::withdraw_op(entity, std::move(dots))});
            ++world_.out.shapes["links withdrawn"];
            return;
        }
        sync::Link link;
        link.a = pair.a();
        link.b = pair.b();
        link.verdict = dice.chance(700) ? sync::LinkVerdict::kSame : sync::LinkVerdict::kDifferent;
        link.strength = dice.chance(300) ? sync::LinkStrength::kScore : sync::LinkStrength::kHuman;
        link.millibits = dice.between(0, 3) * 1'000;
        joined_.push_back(random_.id<EntityId>());
        author({sync::link_op(joined_.back(), link)});
        ++world_.out.shapes["linked by hand"];
    });
}

}  // namespace streetlog::sim
