// The answer of a running program over the control socket, and the length in front of it.
#include "agent/app/answer.hpp"
#include "sync/net/answer_text.hpp"
#include "sync/net/control_frame.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size >= 4) {
        const std::array<Byte, 4> head{data[0], data[1], data[2], data[3]};
        STREETLOG_ASSERT(net::encode_length(net::decode_length(head)) == head);
    }
    const auto text = fuzz::text_of(data, size);
    const auto answer = net::decode_answer(text);
    if (answer) {
        (void)net::text_of_answer(*answer);
        const auto again = net::decode_answer(net::encode_answer(*answer));
        STREETLOG_ASSERT(again.has_value());
    }
    const auto of_agent = agent::decode_answer(text);
    STREETLOG_ASSERT(of_agent.has_value() == answer.has_value());
    return 0;
}
