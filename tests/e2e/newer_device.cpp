/// `newer_device DIRECTORY NAME`: saves on the device in DIRECTORY what a version to come would: a
/// client called NAME and, in the same Save, an answer in a group that no version knows yet. Prints
/// the number of the record.

#include <cstdio>
#include <filesystem>
#include <string>

#include "schema/hud/fields.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/store/agent_store.hpp"

namespace streetlog {
namespace {

constexpr std::uint16_t kGroupToCome = 60'000;

Result<std::uint64_t> save(const std::filesystem::path& directory, const std::string& name) {
    STREETLOG_TRY(auto store, store::AgentStore::open(directory / "agent.db", [](const sync::Op&) {
                      return true;
                  }));
    net::SystemClock clock;
    net::SystemRandom random;
    store::SaveRequest request;
    request.header.recorded = request.header.occurred = clock.now();
    request.header.kind = sync::EventKind::kUpdate;
    request.header.source = sync::TimeSource::kTyped;
    const auto client = random.id<EntityId>();
    request.ops = {{.entity = client,
                    .kind = sync::OpKind::kCreate,
                    .table = hud::tbl::kClient,
                    .group = hud::grp::kClientName,
                    .cells = {{hud::col::client::kFirstName, name}}},
                   {.entity = client,
                    .kind = sync::OpKind::kSetGroup,
                    .table = hud::tbl::kClient,
                    .group = kGroupToCome,
                    .cells = {{1, std::string{"asked in 2031"}}}}};
    STREETLOG_TRY(const auto saved, store.save(request));
    return saved.seq;
}

}  // namespace
}  // namespace streetlog

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const auto seq = streetlog::save(argv[1], argv[2]);
    if (!seq) {
        std::fprintf(stderr, "%s\n", seq.error().message.c_str());
        return static_cast<int>(seq.error().code);
    }
    std::printf("%llu\n", static_cast<unsigned long long>(*seq));
    return 0;
}
