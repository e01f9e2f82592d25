// The stored state of an entity: equal states have equal bytes, so what decodes is what is written.
#include "sync/merge/canonical.hpp"
#include "sync/merge/state_codec.hpp"
#include "sync/merge/view.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

/// Numbers 0 to 15 are replicas that can be told from their ids.
class Numbers final : public sync::ReplicaNumbers {
  public:
    [[nodiscard]] std::uint32_t number_of(const sync::Replica& replica) override {
        return replica.incarnation;
    }

    [[nodiscard]] std::optional<sync::Replica> replica_of(std::uint32_t number) const override {
        if (number > 15) return std::nullopt;
        sync::Replica out;
        out.device.bytes[0] = static_cast<Byte>(number + 1);
        out.incarnation = number;
        return out;
    }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Numbers numbers;
    const auto state = sync::decode_state({data, size}, numbers);
    if (!state) return 0;
    const auto bytes = sync::encode_state(*state, numbers);
    const auto again = sync::decode_state(bytes, numbers);
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(*again == *state);
    std::string text;
    sync::append_canonical(text, {}, *state);
    for (const auto& [id, reg] : state->registers) {
        const auto seen = sync::visible(reg);
        STREETLOG_ASSERT(seen.size() <= reg.siblings.size());
        STREETLOG_ASSERT((sync::winner(seen, id) == nullptr) == seen.empty());
        (void)sync::needs_review(seen, id);
    }
    return 0;
}
