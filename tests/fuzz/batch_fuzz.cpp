// The body of a batch and every record in it.
#include "sync/change/inspect.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

namespace {

void look_at(const sync::EncodedView& view) {
    (void)sync::hash_of(view);
    (void)sync::bytes_of(sync::edges_of(view));
    const auto shape = sync::inspect(view);
    const auto record = sync::decode(view);
    if (!record) return;
    // What can be read whole can be read as far as custody needs, and says the same.
    STREETLOG_ASSERT(shape.has_value());
    STREETLOG_ASSERT(shape->header == record->header);
    STREETLOG_ASSERT(shape->ops.size() == record->ops.size());
    for (std::size_t i = 0; i < record->ops.size(); ++i) {
        STREETLOG_ASSERT(shape->ops[i].entity == record->ops[i].entity);
        STREETLOG_ASSERT(shape->ops[i].kind == record->ops[i].kind);
    }
    const auto encoded = sync::encode(*record);
    const auto again = sync::decode(sync::view_of(encoded));
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(*again == *record);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const sync::Bytes body{data, data + size};
    const auto views = sync::decode_batch(body);
    if (!views) return 0;
    for (const auto& view : *views) look_at(view);
    const auto framed = sync::encode_batch(*views);
    const auto again = sync::decode_batch(framed);
    STREETLOG_ASSERT(again.has_value());
    STREETLOG_ASSERT(again->size() == views->size());
    for (std::size_t i = 0; i < views->size(); ++i)
        STREETLOG_ASSERT(sync::copy_of((*again)[i]) == sync::copy_of((*views)[i]));
    return 0;
}
