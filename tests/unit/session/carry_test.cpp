// The hub's side against a device that does not keep to the order of carrying.
#include "loopback.hpp"
#include "sync/session/bundle.hpp"

namespace streetlog::sync::testing {
namespace {

const CarryOffer kOffer{Hash{{4}}, 1'000};

/// A hub that has let a device in.
class TakingHub {
  public:
    explicit TakingHub(std::uint64_t features = kFeatureCarry) : session_(hub_, config(features)) {
        session_.start(Bytes(16, 7), {1'000});
        Hello hello;
        hello.replica = kDevice;
        hear(hello);
        DeviceGrant grant;
        grant.verdict = HelloVerdict::kOk;
        session_.on_authenticated(grant, {1'000});
    }

    void hear(const Message& message) { session_.on_message(encode_message(message), {1'000}); }

    void answer(std::uint64_t have) {
        session_.on_carry_answer({kOffer.digest, have, CarryOutcome::kGoesOn, {}});
    }

    /// What it said and did since this was asked last.
    template <class T>
    std::vector<T> of() {
        std::vector<T> out;
        for (const HubAction& action : session_.take_actions()) {
            if constexpr (std::is_same_v<T, CarryAnswer>) {
                const auto* sent = std::get_if<Send>(&action);
                const auto message = sent == nullptr ? Message{} : *decode_message(sent->bytes);
                if (const auto* answer = std::get_if<T>(&message)) out.push_back(*answer);
            } else if (const auto* found = std::get_if<T>(&action)) {
                out.push_back(*found);
            }
        }
        return out;
    }

    [[nodiscard]] bool done() const { return session_.done(); }

  private:
    static HubSessionConfig config(std::uint64_t features) {
        HubSessionConfig c;
        c.features = features;
        return c;
    }

    MemoryHub hub_;
    HubSession session_;
};

TEST(Carry, AnOfferAndItsPiecesAreHandedOnOneAtATime) {
    TakingHub hub;
    hub.hear(kOffer);
    EXPECT_EQ(hub.of<LookForCarried>().size(), 1u);
    hub.answer(0);
    EXPECT_EQ(hub.of<CarryAnswer>().size(), 1u);
    hub.hear(CarryPiece{kOffer.digest, 0, Bytes(400, 1)});
    EXPECT_EQ(hub.of<KeepCarried>().size(), 1u);
    hub.answer(400);
    hub.hear(CarryPiece{kOffer.digest, 400, Bytes(600, 1)});
    EXPECT_EQ(hub.of<KeepCarried>().size(), 1u);
    EXPECT_FALSE(hub.done());
}

TEST(Carry, AnOfferIsNotRepeatedBeforeItsAnswer) {
    TakingHub hub;
    hub.hear(kOffer);
    EXPECT_FALSE(hub.done());
    hub.hear(kOffer);
    EXPECT_TRUE(hub.done());
}

TEST(Carry, APieceComesOnlyWhenItWasAskedFor) {
    const CarryPiece piece{kOffer.digest, 0, {1}};
    TakingHub unasked;
    unasked.hear(piece);
    EXPECT_TRUE(unasked.done());
    TakingHub unanswered;
    unanswered.hear(kOffer);
    unanswered.hear(piece);
    EXPECT_TRUE(unanswered.done());
}

TEST(Carry, APieceFitsWhatWasOffered) {
    const CarryPiece wrong[] = {{Hash{{5}}, 10, {1}},
                                {kOffer.digest, 11, {1}},
                                {kOffer.digest, 10, {}},
                                {kOffer.digest, 10, Bytes(991, 1)}};
    for (const CarryPiece& piece : wrong) {
        TakingHub hub;
        hub.hear(kOffer);
        hub.answer(10);
        hub.hear(CarryPiece{kOffer.digest, 10, Bytes(1, 1)});
        EXPECT_FALSE(hub.done());
        hub.answer(10);
        hub.hear(piece);
        EXPECT_TRUE(hub.done());
        EXPECT_EQ(hub.of<KeepCarried>().size(), 1u);
    }
}

TEST(Carry, WhatIsTooLargeIsRefusedAtOnceAndAnotherMayBeOffered) {
    TakingHub hub;
    hub.hear(CarryOffer{kOffer.digest, kBundleBytesMax + 1});
    const auto answers = hub.of<CarryAnswer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].outcome, CarryOutcome::kRefused);
    hub.hear(kOffer);
    EXPECT_EQ(hub.of<LookForCarried>().size(), 1u);
    EXPECT_FALSE(hub.done());
}

TEST(Carry, AHubThatTakesNoneEndsTheSession) {
    TakingHub hub{0};
    hub.hear(kOffer);
    EXPECT_TRUE(hub.done());
}

}  // namespace
}  // namespace streetlog::sync::testing
