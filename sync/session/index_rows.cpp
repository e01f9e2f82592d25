#include "sync/session/index_rows.hpp"

#include <algorithm>

namespace streetlog::sync {
namespace {

constexpr Byte kVersion = 1;
constexpr Byte kGone = 1;
constexpr Byte kHasDay = 2;
constexpr Byte kDigits = 1;
constexpr Byte kHashes = 2;
constexpr std::size_t kMemberBytesMin = 17;
constexpr std::size_t kTraceBytesMin = 2;

std::unexpected<Error> malformed() {
    return fail(ErrorCode::kMalformed, "the rows of the client index cannot be read");
}

void write_trace(ByteWriter& out, const SsnTrace& trace) {
    if (!trace.last_hash) {
        out.byte(kDigits);
        out.number(trace.last_four.size());
        for (const char c : trace.last_four) out.byte(static_cast<Byte>(c));
        return;
    }
    out.byte(kHashes);
    out.raw(*trace.last_hash);
    out.byte(trace.number_hash ? 1 : 0);
    if (trace.number_hash) out.raw(*trace.number_hash);
}

SsnTrace read_trace(ByteReader& in) {
    SsnTrace out;
    const Byte kind = in.byte();
    in.require(kind == kDigits || kind == kHashes);
    if (kind == kDigits) {
        const BytesView text = in.view(in.count(1));
        out.last_four.assign(text.begin(), text.end());
        return out;
    }
    in.raw(out.last_hash.emplace());
    const Byte whole = in.byte();
    in.require(whole <= 1);
    if (whole == 1) in.raw(out.number_hash.emplace());
    return out;
}

}  // namespace

Bytes encode_person(const IndexPerson& person, ReplicaNumbers& numbers) {
    ByteWriter out;
    out.number(person.members.size());
    for (const IndexMember& member : person.members) {
        out.raw(member.id.bytes);
        const Bytes state = encode_state(member.state, numbers);
        out.number(state.size());
        out.raw(state);
    }
    out.number(person.traces.size());
    for (const SsnTrace& trace : person.traces) write_trace(out, trace);
    return std::move(out).take();
}

Result<IndexPerson> decode_person(BytesView bytes, const ReplicaNumbers& numbers) {
    ByteReader in{bytes};
    IndexPerson out;
    out.members.resize(in.count(kMemberBytesMin));
    for (IndexMember& member : out.members) {
        in.raw(member.id.bytes);
        const BytesView state = in.view(in.count(1));
        if (!in.good()) return malformed();
        auto decoded = decode_state(state, numbers);
        if (!decoded) return malformed();
        member.state = *std::move(decoded);
    }
    out.traces.resize(in.count(kTraceBytesMin));
    for (SsnTrace& trace : out.traces) trace = read_trace(in);
    in.require(in.at_end() && !out.members.empty());
    if (!in.good()) return malformed();
    return out;
}

void IndexRows::add(const IndexRow& row) {
    ByteWriter out;
    out.raw(row.root.bytes);
    out.byte(static_cast<Byte>((row.person ? 0 : kGone) | (row.last_seen_day ? kHasDay : 0)));
    out.number(row.at.value);
    if (row.last_seen_day) out.difference(*row.last_seen_day, 0);
    const Bytes person = row.person ? encode_person(*row.person, numbers_) : Bytes{};
    out.number(person.size());
    out.raw(person);
    const Bytes bytes = std::move(out).take();
    rows_.insert(rows_.end(), bytes.begin(), bytes.end());
    ends_.push_back(rows_.size());
}

void IndexRows::cut(std::size_t count) {
    if (count >= ends_.size()) return;
    ends_.resize(count);
    rows_.resize(count == 0 ? 0 : ends_.back());
}

Bytes IndexRows::take() && {
    ByteWriter out;
    out.byte(kVersion);
    numbers_.write(out);
    out.raw(rows_);
    return std::move(out).take();
}

Result<std::vector<IndexRow>> decode_index_rows(BytesView body) {
    ByteReader in{body};
    in.require(in.byte() == kVersion);
    ReadNumbers numbers;
    numbers.read(in);
    std::vector<IndexRow> out;
    while (in.good() && !in.at_end()) {
        IndexRow row;
        in.raw(row.root.bytes);
        const Byte flags = in.byte();
        in.require((flags & ~(kGone | kHasDay)) == 0);
        row.at = {in.number()};
        if ((flags & kHasDay) != 0) row.last_seen_day = in.difference(0);
        const BytesView person = in.view(in.count(1));
        in.require(((flags & kGone) != 0) == person.empty());
        if (!in.good()) break;
        if (!person.empty()) {
            STREETLOG_TRY(row.person, decode_person(person, numbers));
        }
        out.push_back(std::move(row));
    }
    if (!in.good()) return malformed();
    return out;
}

}  // namespace streetlog::sync
