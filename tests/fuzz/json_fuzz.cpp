// A document for the agent: refused with problems, or a Save whose record survives the codec.
// First byte: what is asked for.
#include "agent/workflow/build.hpp"
#include "agent/workflow/json_requests.hpp"
#include "agent/workflow/json_tree.hpp"
#include "sync/change/codec.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/fake_screen.hpp"

using namespace streetlog;

namespace {

/// Ids 0...01 to 0...03 are a project, a client and an enrollment.
EntityId known(Byte n) {
    EntityId id;
    id.bytes.back() = n;
    return id;
}

void fill(agent::FakeScreen& out) {
    out.add(known(1), hud::tbl::kProject);
    out.add(known(2), hud::tbl::kClient);
    out.add(known(3), hud::tbl::kEnrollment);
    out.stays[known(3)] = agent::Screen::Stay{known(2), known(1)};
}

void check(const agent::BuiltSave& save) {
    STREETLOG_ASSERT(!save.ops.empty());
    const sync::Record record{{}, save.ops};
    const auto encoded = sync::encode(record);
    const auto again = sync::decode(sync::view_of(encoded));
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(again->ops == save.ops);
}

template <class Request, class Build>
void build(const agent::Checked<Request>& request, Build builder) {
    if (!request) {
        STREETLOG_ASSERT(request.error().error.code != ErrorCode::kInternal);
        return;
    }
    agent::FakeScreen shown;
    fill(shown);
    agent::CountingRandom random;
    const agent::BuildContext context{
        .screen = shown, .random = random, .now = {1'790'000'000'000}, .tz_minutes = -300};
    if (const auto save = builder(*request, context)) check(*save);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Source source{data, size};
    const auto which = source.below(6);
    const auto rest = source.rest();
    const auto text = fuzz::text_of(rest.data(), rest.size());
    switch (which) {
        case 0:
            build(agent::parse_intake(text), agent::build_intake);
            break;
        case 1:
            build(agent::parse_contact(text), agent::build_contact);
            break;
        case 2:
            build(agent::parse_exit(text), agent::build_exit);
            break;
        case 3:
            build(agent::parse_update(text), agent::build_update);
            break;
        case 4:
            build(agent::parse_void(text), agent::build_void);
            break;
        default:
            (void)agent::parse_json(text);
    }
    return 0;
}
