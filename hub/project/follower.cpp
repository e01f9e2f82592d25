#include "hub/project/follower.hpp"

namespace streetlog::hub {
namespace {

/// Clients compared in one round; their links are one run of the hub's records.
constexpr std::size_t kRoundClients = 500;

}  // namespace

Follower::Follower(HubProjection projection, store::HubLog log, Author author)
    : projection_(std::move(projection)), log_(std::move(log)), author_(std::move(author)) {}

Result<void> Follower::catch_up(const HubProjection::Progress& progress) {
    for (;;) {
        STREETLOG_CHECK(projection_.catch_up(log_, progress));
        STREETLOG_TRY(const bool more, match_some());
        if (!more) return {};
    }
}

Result<bool> Follower::match_some() {
    STREETLOG_TRY(const auto round, store::guarded_job([&]() -> Result<Matcher::Round> {
                      return projection_.matcher().compare(kRoundClients);
                  }));
    if (round.compared.empty()) return false;
    Drafts drafts;
    for (const FoundPair& found : round.pairs) {
        // The pair's link may have been made and withdrawn again: then a person has spoken.
        if (projection_.read().entity_of(sync::rule_link_id(found.pair))) continue;
        std::vector<sync::Op> ops;
        ops.push_back(sync::link_op(found.pair, found.evidence));
        drafts.emplace_back(sync::Header{}, std::move(ops));
    }
    if (!drafts.empty()) STREETLOG_CHECK(author_(std::move(drafts)));
    STREETLOG_CHECK(projection_.transact([&]() -> Result<void> {
        projection_.matcher().done(round);
        return {};
    }));
    return true;
}

}  // namespace streetlog::hub
