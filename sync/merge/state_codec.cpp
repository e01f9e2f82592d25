#include "sync/merge/state_codec.hpp"

#include <algorithm>
#include <cstring>

#include "sync/merge/byte_stream.hpp"

namespace streetlog::sync {
namespace {

constexpr Byte kVersion = 1;

enum CellTag : unsigned { kAbsent, kInteger, kText, kData, kCodes, kRedacted };

constexpr Byte kHasReceipt = 1;
constexpr Byte kIsRedacted = 2;
constexpr Byte kHasProfile = 4;
constexpr unsigned kAnswerShift = 3;
constexpr unsigned kTagBits = 3;

std::uint16_t first_column(std::uint16_t table) { return static_cast<std::uint16_t>(table * 100); }

class Encoder {
  public:
    explicit Encoder(ReplicaNumbers& numbers) : numbers_(numbers) {}

    Bytes run(const EntityState& state, const Rules& rules) {
        out_.byte(kVersion);
        place(state.first);
        if (state.first) base_ = state.first->received.ms;
        const auto goes = [&](const auto& entry) {
            const Register& reg = entry.second;
            return !reg.siblings.empty() || (rules.ship_gone && !reg.gone.empty()) ||
                   (rules.ship_hidden_edges && !reg.hidden.empty());
        };
        out_.number(static_cast<std::size_t>(std::ranges::count_if(state.registers, goes)));
        for (const auto& entry : state.registers) {
            if (!goes(entry)) continue;
            const auto& [id, reg] = entry;
            out_.number(id.table);
            out_.number(id.group);
            list(reg.siblings, [&, table = id.table](const Sibling& s) { sibling(s, table); });
            list(rules.ship_gone ? std::span{reg.gone} : std::span<const Gone>{},
                 [&](const Gone& g) { gone(g); });
            list(rules.ship_hidden_edges ? std::span{reg.hidden} : std::span<const Hidden>{},
                 [&](const Hidden& h) { hidden(h); });
        }
        return std::move(out_).take();
    }

  private:
    template <class Items, class Fn>
    void list(const Items& items, Fn&& write) {
        out_.number(items.size());
        for (const auto& item : items) write(item);
    }

    void place(const std::optional<Place>& p) {
        out_.byte(p ? 1 : 0);
        if (!p) return;
        out_.difference(p->received.ms, base_);
        out_.number(p->seq.value);
    }

    void dot(const Dot& d) {
        if (!last_replica_ ||
            d.replica != *last_replica_) {  // most dots of a state share an author
            last_number_ = numbers_.number_of(d.replica);
            last_replica_ = d.replica;
        }
        out_.number(last_number_);
        out_.number(d.seq);
        out_.number(d.op);
    }

    void sibling(const Sibling& s, std::uint16_t table) {
        dot(s.dot);
        out_.byte(static_cast<Byte>((s.receipt ? kHasReceipt : 0) | (s.redacted ? kIsRedacted : 0) |
                                    (s.profile.empty() ? 0 : kHasProfile) |
                                    static_cast<unsigned>(s.answer) << kAnswerShift));
        out_.number(static_cast<std::uint16_t>(s.kind));
        out_.number(s.user);
        out_.difference(s.recorded.ms, base_);
        out_.difference(s.hlc.ms(), s.recorded.ms);
        out_.number(s.hlc.value & 0xffff);
        if (s.receipt) receipt(*s.receipt, s);
        std::uint16_t before = first_column(table);
        list(s.cells, [&](const Cell& c) {
            cell(c, before);
            before = c.column;
        });
        if (!s.profile.empty()) list(s.profile, [&](const EntityId& id) { out_.raw(id.bytes); });
    }

    void receipt(const Receipt& r, const Sibling& s) {
        out_.difference(r.place.received.ms, base_);
        out_.number(r.place.seq.value);
        out_.difference(static_cast<std::int64_t>(r.hlc_hub.value),
                        static_cast<std::int64_t>(s.hlc.value));
        out_.difference(r.saved.lo.ms, s.recorded.ms);
        out_.difference(r.saved.hi.ms, r.saved.lo.ms);
    }

    void cell(const Cell& c, std::uint16_t before) {
        const auto step = static_cast<std::uint16_t>(c.column - before);
        const auto tag = [&](CellTag t) { out_.number(std::uint64_t{step} << kTagBits | t); };
        if (const auto* integer = std::get_if<std::int64_t>(&c.value)) {
            tag(kInteger);
            out_.difference(*integer, 0);
        } else if (const auto* text = std::get_if<std::string>(&c.value)) {
            tag(kText);
            out_.number(text->size());
            out_.raw({reinterpret_cast<const Byte*>(text->data()), text->size()});
        } else if (const auto* data = std::get_if<Bytes>(&c.value)) {
            tag(kData);
            out_.number(data->size());
            out_.raw(*data);
        } else if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&c.value)) {
            tag(kCodes);
            list(*codes, [&](std::uint16_t code) { out_.number(code); });
        } else {
            tag(std::holds_alternative<Redacted>(c.value) ? kRedacted : kAbsent);
        }
    }

    void gone(const Gone& g) {
        dot(g.target);
        dot(g.by);
        out_.byte(g.by_redacted ? 1 : 0);
        place(g.by_place);
    }

    void hidden(const Hidden& h) {
        dot(h.dot);
        out_.byte(h.redacted ? 1 : 0);
        place(h.place);
        list(h.supersedes, [&](const Dot& d) { dot(d); });
    }

    ReplicaNumbers& numbers_;
    ByteWriter out_;
    std::int64_t base_ = 0;
    std::optional<Replica> last_replica_;
    std::uint32_t last_number_ = 0;
};

/// Reads what Encoder writes. After the first violation the reader is `bad` and every further read
/// gives zeros, so the code below checks once at the end of each list item.
class Decoder {
  public:
    Decoder(BytesView bytes, const ReplicaNumbers& numbers) : in_(bytes), numbers_(numbers) {}

    Result<EntityState> run() {
        EntityState state;
        in_.require(in_.byte() == kVersion);
        state.first = place();
        if (state.first) base_ = state.first->received.ms;
        auto count = in_.count(5);
        for (; count > 0 && in_.good(); --count) {
            const RegisterId id{in_.number16(), in_.number16()};
            in_.require(state.registers.empty() || state.registers.rbegin()->first < id);
            Register reg = read_register(id.table);
            in_.require(!(reg == Register{}));
            state.registers.emplace_hint(state.registers.end(), id, std::move(reg));
        }
        in_.require(in_.at_end());
        if (!in_.good()) return fail(ErrorCode::kMalformed, "the bytes are not an entity's state");
        return state;
    }

  private:
    /// At most as many items as `bytes_min` of them fit into what is left.
    template <class T, class Fn>
    std::vector<T> list(std::size_t bytes_min, Fn&& read) {
        std::vector<T> items;
        const auto count = in_.count(bytes_min);
        for (std::size_t i = 0; i < count && in_.good(); ++i) items.push_back(read());
        return items;
    }

    template <class T, class Key>
    void require_ascending(const std::vector<T>& items, Key key) {
        in_.require(std::ranges::adjacent_find(items, [&](const T& a, const T& b) {
                        return !(key(a) < key(b));
                    }) == items.end());
    }

    Register read_register(std::uint16_t table) {
        Register reg;
        reg.siblings = list<Sibling>(10, [&] { return sibling(table); });
        require_ascending(reg.siblings, [](const Sibling& s) { return s.dot; });
        reg.gone = list<Gone>(8, [&] { return gone(); });
        require_ascending(reg.gone, [](const Gone& g) { return std::pair{g.target, g.by}; });
        reg.hidden = list<Hidden>(6, [&] { return hidden(); });
        require_ascending(reg.hidden, [](const Hidden& h) { return h.dot; });
        return reg;
    }

    bool flag() {
        const Byte b = in_.byte();
        in_.require(b <= 1);
        return b == 1;
    }

    std::optional<Place> place() {
        if (!flag()) return std::nullopt;
        const Instant received{in_.difference(base_)};
        return Place{received, {in_.number()}};
    }

    Dot dot() {
        const auto number = in_.number();
        in_.require(number <= 0xffffffff);
        if (!last_replica_ || number != last_number_) {
            last_replica_ =
                in_.good() ? numbers_.replica_of(static_cast<std::uint32_t>(number)) : std::nullopt;
            last_number_ = number;
            in_.require(last_replica_.has_value());
        }
        const auto seq = in_.number();
        return {last_replica_.value_or(Replica{}), seq, in_.number16()};
    }

    Sibling sibling(std::uint16_t table) {
        Sibling s;
        s.dot = dot();
        const Byte flags = in_.byte();
        s.redacted = (flags & kIsRedacted) != 0;
        in_.require(flags >> kAnswerShift <= 3);
        s.answer = static_cast<hud::AnswerClass>(flags >> kAnswerShift);
        s.kind = static_cast<OpKind>(in_.number16());
        const auto user = in_.number();
        in_.require(user <= 0xffffffff);
        s.user = static_cast<std::uint32_t>(user);
        s.recorded = {in_.difference(base_)};
        const auto hlc_ms = static_cast<std::uint64_t>(in_.difference(s.recorded.ms));
        in_.require(hlc_ms >> 48 == 0);
        s.hlc = {hlc_ms << 16 | in_.number16()};
        if ((flags & kHasReceipt) != 0) s.receipt = receipt(s);
        std::uint16_t before = first_column(table);
        s.cells = list<Cell>(1, [&] {
            Cell c = cell(before);
            before = c.column;
            return c;
        });
        require_ascending(s.cells, [](const Cell& c) { return c.column; });
        if ((flags & kHasProfile) != 0) {
            s.profile = list<EntityId>(16, [&] {
                EntityId id;
                in_.raw(id.bytes);
                return id;
            });
            in_.require(!s.profile.empty());
        }
        return s;
    }

    Receipt receipt(const Sibling& s) {
        Receipt r;
        r.place.received = {in_.difference(base_)};
        r.place.seq = {in_.number()};
        r.hlc_hub = {
            static_cast<std::uint64_t>(in_.difference(static_cast<std::int64_t>(s.hlc.value)))};
        r.saved.lo = {in_.difference(s.recorded.ms)};
        r.saved.hi = {in_.difference(r.saved.lo.ms)};
        return r;
    }

    Cell cell(std::uint16_t before) {
        const auto head = in_.number();
        in_.require(head >> kTagBits <= 0xffff);
        Cell c;
        c.column = static_cast<std::uint16_t>(before + (head >> kTagBits));
        switch (head & ((1U << kTagBits) - 1)) {
            case kAbsent:
                break;
            case kInteger:
                c.value = in_.difference(0);
                break;
            case kText: {
                const BytesView bytes = in_.view(in_.count(1));
                c.value.emplace<std::string>(reinterpret_cast<const char*>(bytes.data()),
                                             bytes.size());
                break;
            }
            case kData: {
                const BytesView bytes = in_.view(in_.count(1));
                c.value.emplace<Bytes>(bytes.begin(), bytes.end());
                break;
            }
            case kCodes:
                c.value = list<std::uint16_t>(1, [&] { return in_.number16(); });
                break;
            case kRedacted:
                c.value = Redacted{};
                break;
            default:
                in_.require(false);
        }
        return c;
    }

    Gone gone() {
        Gone g;
        g.target = dot();
        g.by = dot();
        g.by_redacted = flag();
        g.by_place = place();
        return g;
    }

    Hidden hidden() {
        Hidden h;
        h.dot = dot();
        h.redacted = flag();
        h.place = place();
        h.supersedes = list<Dot>(3, [&] { return dot(); });
        require_ascending(h.supersedes, [](const Dot& d) { return d; });
        in_.require(!h.supersedes.empty());
        return h;
    }

    ByteReader in_;
    const ReplicaNumbers& numbers_;
    std::int64_t base_ = 0;
    std::optional<Replica> last_replica_;
    std::uint64_t last_number_ = 0;
};

}  // namespace

Bytes encode_state(const EntityState& state, ReplicaNumbers& numbers, const Rules& rules) {
    return Encoder{numbers}.run(state, rules);
}

Result<EntityState> decode_state(BytesView bytes, const ReplicaNumbers& numbers) {
    return Decoder{bytes, numbers}.run();
}

}  // namespace streetlog::sync
