#include "tests/unit/hub/client_index_fixture.hpp"

/// Who is in the client index, what their rows say, and when a row is written.
namespace streetlog::hub {
namespace {

TEST_F(ClientIndexTest, ARowSaysWhoSomebodyIsAndTheDayTheyWereSeen) {
    const auto ann = add_client("Ann");
    device_.save({numbered(ann, "123456789")});
    device_.save({{.entity = ann,
                   .kind = sync::OpKind::kSetGroup,
                   .table = tbl::kClient,
                   .group = grp::kClientVeteran,
                   .cells = {{col::client::kVeteranStatus, std::int64_t{1}}}}});
    contact(enroll(ann, north_), kMonday + 3);
    bring();
    const auto rows = all();
    ASSERT_EQ(rows.size(), 1U);
    const auto& row = rows.at(ann);
    ASSERT_TRUE(row.person);
    EXPECT_EQ(names(row), std::vector<std::string>{"Ann"});
    EXPECT_EQ(row.last_seen_day, kMonday + 3);
    ASSERT_EQ(row.person->members.size(), 1U);
    EXPECT_EQ(row.person->members.front().state.registers.size(), 2U) << "name and SSN, no more";
    const auto& ssn =
        row.person->members.front().state.registers.at({tbl::kClient, grp::kClientSsn}).siblings;
    ASSERT_EQ(ssn.size(), 1U);
    EXPECT_TRUE(ssn.front().redacted);
    EXPECT_EQ(store::text_in(ssn.front().cells, col::client::kSSN), "");
    ASSERT_EQ(row.person->traces.size(), 1U);
    EXPECT_EQ(row.person->traces.front().last_four, "6789") << "until the site says otherwise";
}

TEST_F(ClientIndexTest, ASecondContactOnADayIsNoNews) {
    const auto ann = add_client("Ann");
    const auto here = enroll(ann, north_);
    const auto there = enroll(ann, add_project(shelter_));
    contact(here, kMonday + 1);
    bring();
    EXPECT_EQ(news().size(), 1U);
    contact(here, kMonday + 1);
    bring();
    contact(there, kMonday + 1);
    contact(there, kMonday);
    bring();
    EXPECT_TRUE(news().empty());
    const auto mistaken = contact(there, kMonday + 2);
    bring();
    EXPECT_EQ(news().at(ann).last_seen_day, kMonday + 2);
    make_void(mistaken, tbl::kCurrentLivingSituation);
    bring();
    EXPECT_EQ(news().at(ann).last_seen_day, kMonday + 1);
}

TEST_F(ClientIndexTest, WhoWroteItAndWhenIsNotInARow) {
    const auto ann = device_.random_.id<EntityId>();
    sync::Header header;
    header.user = 4711;
    header.recorded = header.occurred = {1'700'000'000'000};
    header.hlc = {std::uint64_t{1'700'000'000'000} << 16 | 7};
    device_.save(header, {named(ann, "Ann", sync::OpKind::kCreate), numbered(ann, "123456789")});
    bring();
    const auto first = all().at(ann);
    for (const auto& member : first.person->members)
        for (const auto& [reg, state] : member.state.registers)
            for (const auto& sibling : state.siblings) {
                sync::Sibling bare;
                bare.dot = sibling.dot;
                bare.hlc = {1};
                bare.kind = sync::OpKind::kSetGroup;
                bare.answer = sibling.answer;
                bare.redacted = sibling.redacted;
                bare.cells = sibling.cells;
                EXPECT_EQ(sibling, bare);
            }
}

TEST_F(ClientIndexTest, ThePolicySaysWhatIsKnownOfANumber) {
    const auto ann = add_client("Ann");
    device_.save({numbered(ann, "123456789")});
    bring();
    news();
    EXPECT_EQ(ask("policy").at("ssn"), "last4");

    ask("policy ssn", {{"POLICY", "full"}});
    const auto full = news().at(ann);
    EXPECT_TRUE(full.person->traces.empty());
    EXPECT_EQ(store::text_in(full.person->members.front()
                                 .state.registers.at({tbl::kClient, grp::kClientSsn})
                                 .siblings.front()
                                 .cells,
                             col::client::kSSN),
              "123456789");

    ask("policy ssn", {{"POLICY", "keyed"}});
    EXPECT_EQ(ask("policy").at("ssn"), "keyed");
    const auto keyed = news().at(ann);
    const auto site = follower_->projection().read().load(EntityId{ledger_->self().device.bytes});
    const auto& cells = sync::winner_cells(*site, {tbl::kSitePolicy, grp::kSitePolicySsn});
    const auto key = std::get<sync::Bytes>(*store::find_value(cells, col::site_policy::kSSNKey));
    ASSERT_EQ(keyed.person->traces.size(), 1U);
    EXPECT_EQ(keyed.person->traces.front().number_hash, sync::ssn_hash(key, "123456789"));
    EXPECT_EQ(keyed.person->traces.front().last_hash, sync::ssn_hash(key, "6789"));
    EXPECT_TRUE(keyed.person->traces.front().last_four.empty());

    ask("policy ssn", {{"POLICY", "last4"}});
    ask("policy ssn", {{"POLICY", "keyed"}});
    EXPECT_EQ(news().at(ann).person, keyed.person) << "the key stays";
    ask("policy ssn", {{"POLICY", "keyed"}});
    EXPECT_TRUE(news().empty());
}

TEST_F(ClientIndexTest, SomebodyRestrictedIsNotInItUnderAnyOfTheirIds) {
    const auto ann = add_client("Ann");
    bring();
    const auto anna = add_client("Anna");
    bring();
    join(ann, anna);
    bring();
    EXPECT_EQ(news().size(), 2U);
    ask("restrict", {{"CLIENT", to_string(anna)}, {"reason", "asked for it"}});
    auto rows = news();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_FALSE(rows.at(ann).person);
    EXPECT_FALSE(rows.at(ann).last_seen_day);
    device_.save({named(ann, "Annie", sync::OpKind::kSetGroup)});
    contact(enroll(ann, north_), kMonday + 9);
    bring();
    EXPECT_TRUE(news().empty()) << "nothing is told of who is not in it";
    ask("unrestrict", {{"CLIENT", to_string(anna)}});
    EXPECT_TRUE(news().at(ann).person);
    const auto bea = add_client("Bea");
    EXPECT_FALSE(Desk(*follower_, device_.random_, [](const std::string&) {})
                     .run("restrict", {{"CLIENT", to_string(bea)}}))
        << "the hub does not know her yet";
}

TEST_F(ClientIndexTest, ClientsOfAVictimServiceProviderAreNotInIt) {
    const auto refuge = add_organization(1);
    const auto house = add_project(refuge);
    const auto ann = add_client("Ann");
    enroll(ann, north_);
    bring();
    EXPECT_TRUE(news().at(ann).person);
    const auto there = enroll(ann, house);
    bring();
    EXPECT_FALSE(news().at(ann).person);
    say({.entity = refuge,
         .kind = sync::OpKind::kSetGroup,
         .table = tbl::kOrganization,
         .group = grp::kOrganizationVictimServiceProvider,
         .cells = {{col::organization::kVictimServiceProvider, std::int64_t{0}}},
         .supersedes = follower_->projection()
                           .read()
                           .group(refuge,
                                  {tbl::kOrganization, grp::kOrganizationVictimServiceProvider},
                                  store::View::kOwn)
                           ->supersedes});
    bring();
    EXPECT_TRUE(news().at(ann).person);
    say({.entity = shelter_,
         .kind = sync::OpKind::kSetGroup,
         .table = tbl::kOrganization,
         .group = grp::kOrganizationVictimServiceProvider,
         .cells = {{col::organization::kVictimServiceProvider, std::int64_t{1}}},
         .supersedes = follower_->projection()
                           .read()
                           .group(shelter_,
                                  {tbl::kOrganization, grp::kOrganizationVictimServiceProvider},
                                  store::View::kOwn)
                           ->supersedes});
    bring();
    EXPECT_FALSE(news().at(ann).person);
    make_void(there, tbl::kEnrollment);
    bring();
    EXPECT_TRUE(news().empty());
}

TEST_F(ClientIndexTest, AStayThatComesBeforeItsProjectCountsOnceThatIsKnown) {
    const auto later = device_.random_.id<EntityId>();
    const auto ann = add_client("Ann");
    enroll(ann, later);
    bring();
    EXPECT_TRUE(news().at(ann).person);
    const auto refuge = add_organization(1);
    say({.entity = later,
         .kind = sync::OpKind::kCreate,
         .table = tbl::kProject,
         .group = grp::kProjectName,
         .cells = {{col::project::kOrganizationID, bytes_of(refuge)}}});
    bring();
    EXPECT_FALSE(news().at(ann).person);
}

TEST_F(ClientIndexTest, WhoIsJoinedIsOneRowWithAllTheirNames) {
    const auto ann = add_client("Ann");
    bring();
    const auto bea = add_client("Bea");
    contact(enroll(bea, north_), kMonday + 5);
    bring();
    EXPECT_EQ(news().size(), 2U);
    join(ann, bea);
    bring();
    auto rows = news();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_FALSE(rows.at(bea).person);
    ASSERT_TRUE(rows.at(ann).person);
    EXPECT_EQ(names(rows.at(ann)).size(), 2U);
    EXPECT_EQ(rows.at(ann).last_seen_day, kMonday + 5);
    ASSERT_EQ(rows.at(ann).person->members.size(), 2U);
    EXPECT_EQ(rows.at(ann).person->members.back().id, bea);

    ask("duplicates unlink", {{"A", to_string(ann)}, {"B", to_string(bea)}});
    rows = news();
    EXPECT_EQ(rows.at(ann).person->members.size(), 1U);
    EXPECT_FALSE(rows.at(ann).last_seen_day);
    EXPECT_EQ(names(rows.at(bea)), std::vector<std::string>{"Bea"});
    EXPECT_EQ(rows.at(bea).last_seen_day, kMonday + 5);
}

TEST_F(ClientIndexTest, OfAnEntryThatIsVoidNothingIsShown) {
    const auto ann = add_client("Ann");
    bring();
    const auto bea = add_client("Bea");
    bring();
    join(ann, bea);
    bring();
    EXPECT_EQ(names(news().at(ann)).size(), 2U);
    make_void(bea, tbl::kClient);
    bring();
    const auto row = news().at(ann);
    EXPECT_EQ(names(row), std::vector<std::string>{"Ann"});
    EXPECT_EQ(row.person->members.size(), 2U) << "her id still leads there";
}

TEST_F(ClientIndexTest, OneWhoseEntryIsVoidIsGone) {
    const auto ann = add_client("Ann");
    bring();
    EXPECT_TRUE(news().at(ann).person);
    make_void(ann, tbl::kClient);
    bring();
    EXPECT_FALSE(news().at(ann).person);
}

TEST_F(ClientIndexTest, OneWhoWasSetAsideIsNotInItBeforeTheRelease) {
    ledger_->set_admit([](const PreparedRun& run, const sync::RecordShape&) {
        return run.authored_here ? sync::StatusCode::kNone : sync::StatusCode::kUnauthorised;
    });
    const auto ann = add_client("Ann");
    bring();
    EXPECT_TRUE(news().empty());
    say(sync::verdict_op({{device_.replica_, 1}, sync::VerdictAct::kRelease}));
    bring();
    EXPECT_TRUE(news().at(ann).person);
}

TEST_F(ClientIndexTest, PagesOfAnySizeBringTheSame) {
    for (int i = 0; i < 60; ++i) {
        contact(enroll(add_client("Client " + std::to_string(i)), north_), kMonday + i);
        if (i % 7 == 0) bring();
    }
    bring();
    const auto whole = all();
    EXPECT_EQ(whole.size(), 60U);
    for (const std::size_t size : {1U, 300U, 2'000U}) {
        sync::Position cursor;
        EXPECT_EQ(read(cursor, size), whole) << size;
        EXPECT_EQ(cursor.seq, follower_->projection().at());
    }
}

/// A projection that is read anew, or lost its newest transactions with the power, is asked for
/// what follows cursors it gave out before.
TEST_F(ClientIndexTest, RowsDoNotDependOnHowMuchIsTakenInAtOnce) {
    const auto refuge = add_organization(1);
    const auto house = add_project(refuge);
    std::vector<EntityId> clients;
    std::vector<EntityId> stays;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(add_client("Client " + std::to_string(i)));
        bring();
        stays.push_back(enroll(clients.back(), i == 4 ? house : north_, kMonday + i));
        bring();
        contact(stays.back(), kMonday + i % 3);
        bring();
    }
    join(clients[0], clients[1]);
    bring();
    contact(stays[0], kMonday + 20);
    bring();
    contact(stays[1], kMonday + 20);
    bring();
    join(clients[1], clients[2]);
    join(clients[2], clients[4]);
    bring();
    ask("restrict", {{"CLIENT", to_string(clients[3])}});
    ask("policy ssn", {{"POLICY", "full"}});
    ask("duplicates unlink", {{"A", to_string(clients[0])}, {"B", to_string(clients[1])}});
    make_void(stays[4], tbl::kEnrollment);
    bring();
    ask("unrestrict", {{"CLIENT", to_string(clients[3])}});
    bring();
    const auto one_by_one = table();
    ASSERT_TRUE(follower_->projection().rebuild(follower_->log()));
    EXPECT_EQ(table(), one_by_one);
}

}  // namespace
}  // namespace streetlog::hub
