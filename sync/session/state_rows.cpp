#include "sync/session/state_rows.hpp"

namespace streetlog::sync {
namespace {

constexpr Byte kVersion = 1;
constexpr Byte kLeft = 1;
constexpr Byte kHasDay = 2;

std::unexpected<Error> malformed() {
    return fail(ErrorCode::kMalformed, "the states of a page cannot be read");
}

}  // namespace

void StateRows::add(const StateRow& row) {
    ByteWriter out;
    out.raw(row.entity.bytes);
    out.byte(static_cast<Byte>((row.left ? kLeft : 0) | (row.last_seen_day ? kHasDay : 0)));
    if (row.last_seen_day) out.difference(*row.last_seen_day, 0);
    const Bytes state = row.left ? Bytes{} : encode_state(row.state, numbers_);
    out.number(state.size());
    out.raw(state);
    const Bytes bytes = std::move(out).take();
    rows_.insert(rows_.end(), bytes.begin(), bytes.end());
    ends_.push_back(rows_.size());
}

std::size_t StateRows::bytes() const { return numbers_.bytes() + rows_.size(); }

void StateRows::cut(std::size_t count) {
    if (count >= ends_.size()) return;
    ends_.resize(count);
    rows_.resize(count == 0 ? 0 : ends_.back());
}

Bytes StateRows::take() && {
    ByteWriter out;
    out.byte(kVersion);
    numbers_.write(out);
    out.raw(rows_);
    return std::move(out).take();
}

Result<std::vector<StateRow>> decode_state_rows(BytesView body) {
    ByteReader in{body};
    in.require(in.byte() == kVersion);
    ReadNumbers named;
    named.read(in);
    std::vector<StateRow> out;
    while (in.good() && !in.at_end()) {
        StateRow row;
        in.raw(row.entity.bytes);
        const Byte flags = in.byte();
        in.require((flags & ~(kLeft | kHasDay)) == 0);
        row.left = (flags & kLeft) != 0;
        if ((flags & kHasDay) != 0) row.last_seen_day = in.difference(0);
        const BytesView bytes = in.view(in.count(1));
        in.require(row.left == bytes.empty());
        if (!in.good()) break;
        if (!row.left) {
            auto state = decode_state(bytes, named);
            if (!state) return malformed();
            row.state = *std::move(state);
        }
        out.push_back(std::move(row));
    }
    if (!in.good()) return malformed();
    return out;
}

}  // namespace streetlog::sync
