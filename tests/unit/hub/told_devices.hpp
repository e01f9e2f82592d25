#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/numbered_id.hpp"
#include "tests/support/office.hpp"

namespace streetlog::hub {

using namespace streetlog::test;

namespace grp = hud::grp;
namespace tbl = hud::tbl;
namespace col = hud::col;

inline const DeviceId kHub = id_of<DeviceId>(0xdb, 1);

inline sync::Bytes bytes_of(EntityId id) { return {id.bytes.begin(), id.bytes.end()}; }

/// A hub with three projects, and devices that are told of some of them.
class ToldDevices : public testing::Test {
  protected:
    /// A device and the projects it is told of.
    struct Told {
        store::AgentStore store;
        std::vector<EntityId> projects;
    };

    void SetUp() override {
        hub_.pages.follow(need(StatePages::open(hub_.path())));
        for (std::uint32_t n = 0; n < 3; ++n) {
            projects_.push_back(id_of(0xa1, n));
            sync::Op op{projects_.back(), sync::OpKind::kCreate, tbl::kProject, grp::kProjectName};
            op.cells = {{col::project::kProjectName, "Project " + std::to_string(n)}};
            need(hub_.ledger.author({}, {op}));
        }
    }

    Told device(std::vector<EntityId> projects) {
        store::AgentSettings settings;
        settings.self = {id_of<DeviceId>(0xde, ++made_), 1};
        settings.hub = kHub;
        const auto file = dir_.path() / ("agent" + std::to_string(made_) + ".db");
        return {need(store::AgentStore::create(file, settings)), std::move(projects)};
    }

    void save(Told& at, std::vector<sync::Op> ops) {
        store::SaveRequest request;
        request.header.recorded = {++clock_ms_};
        request.ops = std::move(ops);
        need(at.store.save(request));
    }

    static sync::Op stay_op(EntityId stay, EntityId client, EntityId project) {
        sync::Op op{stay, sync::OpKind::kCreate, tbl::kEnrollment, grp::kEnrollmentEntry};
        op.cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                    {col::enrollment::kProjectID, bytes_of(project)},
                    {col::enrollment::kEntryDate, std::int64_t{20'000}}};
        return op;
    }

    void project() { need(hub_.projection.catch_up(hub_.log)); }

    void push(Told& at) {
        while (hub_.push(at.store)) {
        }
        need(at.store.stamp_receipts(1'000));
    }

    TempDir dir_;
    ManualClock clock_;
    OfficeHub hub_{clock_, kHub};
    std::vector<EntityId> projects_;
    std::uint32_t made_ = 0;
    std::uint32_t made_ids_ = 0;
    std::int64_t clock_ms_ = 1'000;
};

}  // namespace streetlog::hub
