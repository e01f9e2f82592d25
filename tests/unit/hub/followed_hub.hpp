#pragma once

#include "hub/feed/page_reader.hpp"
#include "hub/project/follower.hpp"
#include "hub_fixture.hpp"

namespace streetlog::hub {

namespace grp = hud::grp;
namespace tbl = hud::tbl;
namespace col = hud::col;

inline sync::Bytes bytes_of(EntityId id) { return {id.bytes.begin(), id.bytes.end()}; }

/// A hub whose log is followed, and whose pages are read as a device of some projects reads them.
class FollowedHub : public HubTest {
  protected:
    void SetUp() override {
        HubTest::SetUp();
        open();
    }

    /// Again: as after a restart.
    void open() {
        auto log = store::HubLog::open(dir_.path(), store::Access::kRead);
        auto projection = HubProjection::open(dir_.path(), ledger_->self().device);
        ASSERT_TRUE(log && projection);
        follower_.emplace(*std::move(projection), *std::move(log), [this](Drafts drafts) {
            return ledger_->author_all(std::move(drafts));
        });
        auto reader = store::HubLog::open(dir_.path(), store::Access::kRead);
        auto states = StatePages::open(dir_.path());
        ASSERT_TRUE(reader && states);
        pages_.emplace(*std::move(reader));
        pages_->follow(*std::move(states));
    }

    std::optional<Follower> follower_;
    std::optional<PageReader> pages_;
};

}  // namespace streetlog::hub
