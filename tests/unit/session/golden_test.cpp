#include <cstdlib>
#include <fstream>
#include <sstream>

#include "samples.hpp"

namespace streetlog::sync::testing {
namespace {

std::string path_of(const std::string& name) {
    return std::string{STREETLOG_GOLDEN_DIR} + "/wire-1/" + name + ".hex";
}

/// The bytes of a golden file; written first when it is missing and the caller of the tests says
/// so.
Bytes golden(const std::string& name, const Bytes& now) {
    if (std::getenv("STREETLOG_GOLDEN_ADD") != nullptr && !std::ifstream{path_of(name)}) {
        std::ofstream out{path_of(name)};
        for (std::size_t i = 0; i < now.size(); i += 32)
            out << to_hex(BytesView{now}.subspan(i, std::min<std::size_t>(32, now.size() - i)))
                << "\n";
    }
    std::ifstream in{path_of(name)};
    std::string hex;
    for (std::string line; std::getline(in, line);) hex += line;
    Bytes out(hex.size() / 2);
    EXPECT_TRUE(!hex.empty() && from_hex(hex, out)) << name << " is missing or no hex";
    return out;
}

TEST(Golden, EveryMessageIsStillWrittenAndReadAsItWas) {
    const char* names[] = {"challenge",
                           "hello",
                           "hello_ack",
                           "probe",
                           "probe_ack",
                           "push",
                           "push_ack",
                           "pull",
                           "page",
                           "error",
                           "bye",
                           "snapshot_ask",
                           "snapshot_manifest",
                           "snapshot_get",
                           "snapshot_piece",
                           "nonce_kept",
                           "ask_own",
                           "own_records",
                           "compare",
                           "common",
                           "ask_incarnation",
                           "incarnation",
                           "reoffer",
                           "reoffer_ack",
                           "earlier",
                           "carry_offer",
                           "carry_piece",
                           "carry_answer"};
    const auto messages = samples();
    ASSERT_EQ(messages.size(), std::size(names));
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const Bytes now = encode_message(messages[i]);
        const Bytes then = golden(names[i], now);
        EXPECT_EQ(now, then) << names[i];
        const auto decoded = decode_message(then);
        ASSERT_TRUE(decoded) << names[i];
        EXPECT_EQ(*decoded, messages[i]) << names[i];
    }
}

Record with_kind(EventKind kind, std::vector<Op> ops) {
    Record r = record_of(kDevice, 4);
    r.header.kind = kind;
    r.header.clock.boot_id = 77;
    r.header.clock.anchor_hub_ms = 1'699'999'000'000;
    r.header.occurred_clock = r.header.clock;
    r.header.workflow = {1, 2, 3, 4};
    r.ops = std::move(ops);
    return r;
}

TEST(Golden, EveryRecordKindIsStillWrittenAndReadAsItWas) {
    const EntityId client{{1}}, enrollment{{2}}, contact{{3}};
    const Dot seen{{DeviceId{{8}}, 1}, 12, 2};
    const std::vector<std::pair<std::string, Record>> records = {
        {"record_intake",
         with_kind(EventKind::kIntake,
                   {{client, OpKind::kCreate, 1, 1, {{1, "A"}, {2, std::int64_t{1}}}, {}, {}},
                    {enrollment, OpKind::kCreate, 2, 1, {{1, Bytes(16, 1)}}, {}, {}}})},
        {"record_contact",
         with_kind(EventKind::kContact,
                   {{contact, OpKind::kCreate, 9, 1, {{1, std::int64_t{20'000}}}, {}, {}}})},
        {"record_exit",
         with_kind(EventKind::kExit,
                   {{enrollment,
                     OpKind::kSetGroup,
                     2,
                     7,
                     {{1, std::int64_t{20'001}},
                      {2, std::vector<std::uint16_t>{3, 4}},
                      {3, Absent{}},
                      {4, Redacted{}}},
                     {seen},
                     {client}}})}};
    for (const auto& [name, record] : records) {
        const EncodedRecord encoded = encode(record);
        const EncodedView view = view_of(encoded);
        const Bytes now = encode_batch({&view, 1});
        const Bytes then = golden(name, now);
        EXPECT_EQ(now, then) << name;
        const auto views = decode_batch(then);
        ASSERT_TRUE(views) << name;
        ASSERT_EQ(views->size(), 1u);
        const auto decoded = decode(views->front());
        ASSERT_TRUE(decoded) << name;
        EXPECT_EQ(*decoded, record) << name;
    }
}

}  // namespace
}  // namespace streetlog::sync::testing
