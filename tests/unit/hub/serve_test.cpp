// The hub on a real socket, and peers that mean it ill: whatever they send, they are told why, the
// others go on being served, and nothing of it is in the log but what the hub took custody of.
#include <functional>

#include <gtest/gtest.h>

#include "tests/support/words.hpp"
#include "tests/unit/hub/serve_fixture.hpp"

namespace streetlog::hub {
namespace {

using sync::HelloAck;
using sync::HelloVerdict;
using sync::PushAck;
using sync::WireCode;
using test::Opcode;

/// The root of a message that carries a Push, up to and with the pointer to its list of receipts.
test::Words push_root() {
    test::Words out;
    out.add_struct(0, 1, 1).add(std::uint64_t{5} << 16);  // the union's tag
    out.add_struct(0, 3, 5).pad(3).pad(4);
    return out;
}

/// Eight thousand receipts that take no room at all.
sync::Bytes receipts_of_no_size() {
    return push_root().add_list(0, 0).add_tag(8'000, 0, 0).pad(30'000).bytes();
}

/// A hundred receipts with two thousand times each, and all of them the same two thousand.
sync::Bytes receipts_that_share_their_times() {
    constexpr std::uint64_t kReceipts = 100;
    constexpr std::uint64_t kTimes = 2'000;
    constexpr std::uint64_t kWords = 9;
    test::Words out = push_root().add_list(0, kReceipts * kWords).add_tag(kReceipts, 5, 4);
    for (std::uint64_t i = 0; i < kReceipts; ++i) {
        const auto behind = static_cast<std::int32_t>((kReceipts - i - 1) * kWords + 1);
        out.add(0).add(1).add(kTimes).pad(2);
        out.pad(2).add_list(behind, kTimes * 3).pad(1);
    }
    return out.add_tag(kTimes, 3, 0).pad(kTimes * 3).bytes();
}

/// A Push that is the message it stands in, and so on for ever.
sync::Bytes message_in_itself() {
    return test::Words{}
        .add_struct(0, 1, 1)
        .add(std::uint64_t{5} << 16)
        .add_struct(-2, 1, 1)
        .bytes();
}

/// A pointer into a segment that was never sent.
sync::Bytes far_pointer() { return test::Words{}.add(std::uint64_t{7} << 32 | 2).bytes(); }

sync::Bytes cut(sync::Bytes bytes, std::size_t by) {
    bytes.resize(bytes.size() - by);
    return bytes;
}

sync::Bytes critical_unknown() {
    sync::Bytes out = sync::encode_message(sync::Probe{1, 2});
    out[8] |= 1;
    out[10] = 200;
    return out;
}

TEST_F(ServeTest, WhatIsNoHelloIsRefusedAndSaidSo) {
    const sync::Push push = enrol("other").save();

    struct Case {
        const char* name;
        sync::Bytes bytes;
        WireCode code = WireCode::kProtocolViolation;
        const char* about = "";
    };

    const Case cases[] = {
        {"a push", sync::encode_message(push), WireCode::kProtocolViolation, "Hello comes first"},
        {"a pull",
         sync::encode_message(sync::Pull{kScopeAll, {}, 1 << 20}),
         WireCode::kProtocolViolation,
         "Hello comes first"},
        {"the hub's own words",
         sync::encode_message(PushAck{}),
         WireCode::kProtocolViolation,
         "Hello comes first"},
        {"nothing", {}},
        {"letters", bytes_of("GET / HTTP/1.1\r\n")},
        {"a hello without its end", cut(sync::encode_message(honest_->hello()), 5)},
        {"half a push", cut(sync::encode_message(push), 48)},
        {"receipts of no size", receipts_of_no_size()},
        {"receipts that share their times", receipts_that_share_their_times()},
        {"a message in itself", message_in_itself()},
        {"a far pointer", far_pointer()},
        {"an unknown critical message", critical_unknown(), WireCode::kUnknownCritical},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        Peer peer{hub_.port(), honest_->credentials()};
        ASSERT_TRUE(peer.send(c.bytes));
        expect_end(peer, c.code, c.about);
    }
    expect_all_is_well();
}

TEST_F(ServeTest, FramesThatBreakTheWebSocketCloseItWithItsOwnCodes) {
    const std::string large(sync::kMessageBytesMax / 2 + 1, 'x');

    struct Case {
        const char* name;
        std::string bytes;
        int code;
    };

    const Case cases[] = {
        {"a frame that claims 100 MB",
         test::client_frame(Opcode::kBinary, "", test::Fin::kYes, 100'000'000),
         1009},
        {"fragments over the limit",
         test::client_frame(Opcode::kBinary, large, test::Fin::kNo) +
             test::client_frame(Opcode::kContinuation, large, test::Fin::kNo) +
             test::client_frame(Opcode::kContinuation, large),
         1009},
        {"text", test::client_frame(Opcode::kText, "{\"hello\": true}"), 1003},
        {"an unmasked frame", test::server_frame("x"), 1002},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        Peer peer{hub_.port(), honest_->credentials()};
        ASSERT_TRUE(peer.socket().write(c.bytes));
        while (peer.next()) continue;
        EXPECT_EQ(peer.close_code(), c.code);
    }
    expect_all_is_well();
}

TEST_F(ServeTest, WhoSaysAnotherNameThanItsCertificateLearnsThatAndNothingElse) {
    hand_over(*peer_, *honest_);
    TestDevice thief = enrol("thief");

    struct Case {
        const char* name;
        DeviceId device;
    };

    for (const Case& c : {Case{"another device's name", honest_->replica().device},
                          Case{"a name nobody has", random_.id<DeviceId>()},
                          Case{"the hub's own", *parse_id<DeviceId>(thief.credentials().hub)}}) {
        SCOPED_TRACE(c.name);
        Peer peer{hub_.port(), thief.credentials()};
        sync::Hello hello = thief.hello();
        hello.replica.device = c.device;
        ASSERT_TRUE(peer.next_as<sync::Challenge>());
        ASSERT_TRUE(peer.send(hello));
        const auto ack = peer.next_as<HelloAck>();
        ASSERT_TRUE(ack);
        EXPECT_EQ(ack->verdict, HelloVerdict::kRefused);
        EXPECT_EQ(ack->acked_seq, 0U);
        EXPECT_TRUE(ack->scopes.empty());
        EXPECT_EQ(ack->credit, 0U);
        EXPECT_FALSE(peer.next());
        EXPECT_EQ(peer.close_code(), 1000);
    }
    expect_all_is_well();
}

TEST_F(ServeTest, APullOfWhatIsNotThereIsRefused) {
    struct Case {
        const char* name;
        sync::Pull pull;
        WireCode code;
    };

    const Case cases[] = {
        {"a scope that was not granted", {77, {}, 1 << 20}, WireCode::kProtocolViolation},
        {"a place the log has not reached",
         {kScopeAll, {{1'000'000}, {}}, 1 << 20},
         WireCode::kCursorUnknown},
        {"a place with another hash",
         {kScopeAll, {{1}, sync::Hash{{1}}}, 1 << 20},
         WireCode::kCursorUnknown},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        TestDevice device = enrol(c.name);
        Peer peer{hub_.port(), device.credentials()};
        enter(peer, device);
        ASSERT_TRUE(peer.send(c.pull));
        expect_end(peer, c.code);
    }
    expect_all_is_well();
}

TEST_F(ServeTest, ASecondHelloEndsTheSession) {
    ASSERT_TRUE(peer_->send(honest_->hello()));
    expect_end(*peer_, WireCode::kProtocolViolation, "once");
    peer_ = std::make_unique<Peer>(hub_.port(), honest_->credentials());
    enter(*peer_, *honest_);
    expect_all_is_well();
}

TEST_F(ServeTest, AFloodOfSmallMessagesIsCutOff) {
    TestDevice device = enrol("chatty");
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    for (std::uint32_t i = 0; i < 200; ++i)
        if (!peer.send(sync::Probe{i, i})) break;  // the hub may have hung up by then
    expect_end(peer, WireCode::kBusy);
    expect_all_is_well();
}

TEST_F(ServeTest, HalfOpenConnectionsHoldNobodyUp) {
    std::vector<test::RawSocket> idle;
    for (int i = 0; i < 50; ++i) {
        idle.push_back(test::RawSocket::connect(hub_.port()));
        ASSERT_TRUE(idle.back().write("GET /sync HTTP/1.1\r\nHost:"));
    }
    expect_all_is_well();
}

TEST_F(ServeTest, APortInUseAndANameForAnAddressAreRefused) {
    test::TempDir dir;
    ASSERT_TRUE(test::init_hub(dir.path(), random_));
    const auto refusal = [&](const std::string& address, std::uint16_t port) {
        RunningHub second{dir.path()};
        const auto started = second.start(address, port);
        return started ? Error{} : started.error();
    };
    const Error in_use = refusal("127.0.0.1", hub_.port());
    EXPECT_EQ(in_use.code, ErrorCode::kConflict);
    EXPECT_NE(in_use.message.find(std::to_string(hub_.port())), std::string::npos);
    EXPECT_FALSE(in_use.hint.empty());
    for (const char* address : {"hub.example.org", ""}) {
        const Error name = refusal(address, 0);
        EXPECT_EQ(name.code, ErrorCode::kInvalidInput) << address;
        EXPECT_FALSE(name.message.empty());
    }
    RunningHub second{dir.path()};
    EXPECT_TRUE(second.start());
    expect_all_is_well();
}

}  // namespace
}  // namespace streetlog::hub
