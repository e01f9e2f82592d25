// A message of the protocol: what decodes is written again and reads the same.
#include "sync/change/codec.hpp"
#include "sync/session/messages.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = sync::decode_message({data, size});
    if (!message || std::holds_alternative<sync::Unknown>(*message)) return 0;
    const auto again = sync::decode_message(sync::encode_message(*message));
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(*again == *message);
    if (const auto* push = std::get_if<sync::Push>(&*message)) {
        const auto raw = sync::unpack(push->encoding, push->raw_bytes, push->body);
        if (raw) (void)sync::decode_batch(*raw);
    }
    return 0;
}
