#include "sync/session/bundle.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "samples.hpp"
#include "sync/change/seal.hpp"
#include "tests/support/clocks.hpp"

namespace streetlog::sync::testing {
namespace {

const DeviceId kHubId{{9}};
const Replica kAuthor{DeviceId{{7}}, 3};

class BundleTest : public ::testing::Test {
  protected:
    static SigningKey key(std::uint64_t seed) {
        test::SeededRandom random{seed};
        return SigningKey::make(random);
    }

    static Bundle sample() {
        Bundle out{kHubId, kAuthor, {1'700'000'000'000}, {}};
        for (const auto& message : samples())
            if (const auto* push = std::get_if<Push>(&message)) out.pushes.push_back(*push);
        return out;
    }

    [[nodiscard]] Bytes written() const {
        auto out = write_bundle(sample(), device_, hub_.public_key());
        EXPECT_TRUE(out);
        return out ? *std::move(out) : Bytes{};
    }

    [[nodiscard]] Result<Bundle> read(BytesView file) const {
        return read_bundle(file, kHubId, hub_, [this](const DeviceId& id) {
            return id == kAuthor.device ? std::optional{device_.public_key()} : std::nullopt;
        });
    }

    SigningKey hub_ = key(1);
    SigningKey device_ = key(2);
};

TEST_F(BundleTest, TheHubReadsWhatTheDeviceWrote) {
    const auto bundle = read(written());
    ASSERT_TRUE(bundle) << bundle.error().message;
    EXPECT_EQ(bundle->author, kAuthor);
    ASSERT_FALSE(bundle->pushes.empty());
    EXPECT_EQ(bundle->pushes, sample().pushes);
}

TEST_F(BundleTest, NothingOfItCanBeReadOnTheWay) {
    const Bytes file = written();
    const Bytes body = sample().pushes.front().body;
    EXPECT_EQ(std::ranges::search(file, body).begin(), file.end());
    EXPECT_EQ(std::ranges::search(file, kAuthor.device.bytes).begin(), file.end());
    EXPECT_NE(file, written());
}

TEST_F(BundleTest, EveryDamagedByteAndEveryCutIsNoticed) {
    const Bytes file = written();
    for (std::size_t i = 0; i < file.size(); ++i) {
        Bytes damaged = file;
        damaged[i] ^= 1;
        const auto bundle = read(damaged);
        ASSERT_FALSE(bundle) << i;
        EXPECT_EQ(bundle.error().code, ErrorCode::kMalformed) << i;
        ASSERT_FALSE(read(BytesView{file}.first(i))) << i;
    }
}

TEST_F(BundleTest, AnotherHubCannotReadIt) {
    const auto bundle = read_bundle(
        written(), kHubId, key(3), [](const DeviceId&) { return std::optional<PublicKey>{}; });
    ASSERT_FALSE(bundle);
    EXPECT_EQ(bundle.error().code, ErrorCode::kMalformed);
}

TEST_F(BundleTest, WhoIsNotTheDeviceCannotMakeOne) {
    const auto forged = write_bundle(sample(), key(4), hub_.public_key());
    ASSERT_TRUE(forged);
    EXPECT_EQ(read(*forged).error().message, "the device it names did not sign the bundle");
    auto stranger = sample();
    stranger.author.device = DeviceId{{5}};
    EXPECT_EQ(read(*write_bundle(stranger, key(4), hub_.public_key())).error().code,
              ErrorCode::kNotPermitted);
    auto elsewhere = sample();
    elsewhere.hub = DeviceId{{5}};
    EXPECT_EQ(read(*write_bundle(elsewhere, device_, hub_.public_key())).error().message,
              "the bundle is for another hub");
    // A device without a key, as one that is not enrolled yet: nobody can sign for it.
    const auto keyless = read_bundle(
        written(), kHubId, hub_, [](const DeviceId&) { return std::optional{PublicKey{}}; });
    EXPECT_EQ(keyless.error().code, ErrorCode::kNotPermitted);
}

TEST_F(BundleTest, TheReplyIsTheHubsAndForThisDevice) {
    PushAck ack;
    ack.acked_seq = 12;
    const BundleReply reply{kHubId, kAuthor, {5}, {ack}};
    const Bytes file = write_reply(reply, hub_);
    const auto read = read_reply(file, kHubId, hub_.public_key(), kAuthor);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->acks, reply.acks);

    const auto code = [&](const Bytes& bytes, const Replica& self) {
        const auto tried = read_reply(bytes, kHubId, hub_.public_key(), self);
        return tried ? std::optional<ErrorCode>{} : tried.error().code;
    };
    EXPECT_EQ(code(write_reply(reply, device_), kAuthor), ErrorCode::kNotPermitted);
    EXPECT_EQ(code(file, Replica{kAuthor.device, 4}), ErrorCode::kNotPermitted);
    EXPECT_EQ(code(written(), kAuthor), ErrorCode::kMalformed);
    for (std::size_t i = 0; i < file.size(); ++i) {
        Bytes damaged = file;
        damaged[i] ^= 1;
        EXPECT_TRUE(code(damaged, kAuthor)) << i;
        EXPECT_TRUE(
            code(Bytes{file.begin(), file.begin() + static_cast<std::ptrdiff_t>(i)}, kAuthor))
            << i;
    }
}

TEST(Seal, OpensForItsOwnerAlone) {
    test::SeededRandom random{1};
    const auto owner = SigningKey::make(random);
    const auto other = SigningKey::make(random);
    const Bytes content{1, 2, 3};
    const auto box = seal(owner.public_key(), content);
    ASSERT_TRUE(box);
    EXPECT_EQ(*open_seal(owner, *box), content);
    EXPECT_FALSE(open_seal(other, *box));
    EXPECT_FALSE(open_seal(owner, {}));
    EXPECT_EQ(*open_seal(owner, *seal(owner.public_key(), {})), Bytes{});
    EXPECT_FALSE(seal(PublicKey{}, content));
}

}  // namespace
}  // namespace streetlog::sync::testing
