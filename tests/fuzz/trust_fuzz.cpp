// What strangers may say (a question of trust, a request for a certificate), and what a device
// hears.
#include "sync/net/certificate.hpp"
#include "sync/net/trust_frame.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    if (const auto question = net::parse_question(text)) {
        const auto again = net::parse_question(net::format_question(*question));
        STREETLOG_ASSERT(again && *again == *question);
        (void)net::read_request(question->request);
    }
    if (const auto answer = net::parse_answer(text)) {
        const auto again = net::parse_answer(net::format_answer(answer));
        STREETLOG_ASSERT(again && *again == *answer);
    }
    (void)net::read_request(text);
    if (const auto chain = net::read_chain(text)) {
        for (const auto& certificate : *chain) {
            (void)certificate.name();
            (void)certificate.public_key();
            (void)net::judge(certificate,
                             *chain,
                             chain->back(),
                             net::CertificateUse::kDevice,
                             Instant{1'790'000'000'000});
        }
    }
    return 0;
}
