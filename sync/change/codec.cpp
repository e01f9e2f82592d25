#include "sync/change/codec.hpp"

#include <algorithm>

#include <capnp/message.h>

#include "schema/hud/catalogue.hpp"
#include "schema/wire/record.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/inspect.hpp"
#include "sync/change/wire_ids.hpp"

namespace streetlog::sync {
namespace {

/// Replicas named by dots; index 0 is the author.
class ReplicaTable {
  public:
    explicit ReplicaTable(const Replica& author) : author_(author) {}

    std::uint16_t index_of(const Replica& replica) {
        if (replica == author_) return 0;
        const auto at = std::ranges::find(others_, replica) - others_.begin();
        if (at == std::ssize(others_)) others_.push_back(replica);
        return static_cast<std::uint16_t>(1 + at);
    }

    [[nodiscard]] const std::vector<Replica>& others() const { return others_; }

  private:
    Replica author_;
    std::vector<Replica> others_;
};

void write_clock(wire::ClockEvidence::Builder out, const ClockEvidence& c) {
    out.setBootId(c.boot_id);
    out.setBootMs(c.boot_ms);
    out.setSuspendedMs(c.suspended_ms);
    out.setSuspends(c.suspends);
    out.setFlags(c.flags);
    out.setAnchorHubMs(c.anchor_hub_ms);
    out.setAnchorBootId(c.anchor_boot_id);
    out.setAnchorBootMs(c.anchor_boot_ms);
    out.setAnchorWallMs(c.anchor_wall_ms);
    out.setAnchorErrMs(c.anchor_err_ms);
    out.setAnchorSuspends(c.anchor_suspends);
    out.setAnchorSuspendedMs(c.anchor_suspended_ms);
}

ClockEvidence read_clock(wire::ClockEvidence::Reader in) {
    ClockEvidence c;
    c.boot_id = in.getBootId();
    c.boot_ms = in.getBootMs();
    c.suspended_ms = in.getSuspendedMs();
    c.suspends = in.getSuspends();
    c.flags = in.getFlags();
    c.anchor_hub_ms = in.getAnchorHubMs();
    c.anchor_boot_id = in.getAnchorBootId();
    c.anchor_boot_ms = in.getAnchorBootMs();
    c.anchor_wall_ms = in.getAnchorWallMs();
    c.anchor_err_ms = in.getAnchorErrMs();
    c.anchor_suspends = in.getAnchorSuspends();
    c.anchor_suspended_ms = in.getAnchorSuspendedMs();
    return c;
}

void write_cell(wire::Cell::Builder out, const Cell& cell) {
    out.setColumn(cell.column);
    if (const auto* number = std::get_if<std::int64_t>(&cell.value)) {
        out.setInt(*number);
    } else if (const auto* text = std::get_if<std::string>(&cell.value)) {
        out.setText({text->c_str(), text->size()});
    } else if (const auto* data = std::get_if<Bytes>(&cell.value)) {
        out.setData({data->data(), data->size()});
    } else if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&cell.value)) {
        auto list = out.initCodes(static_cast<unsigned>(codes->size()));
        for (unsigned i = 0; i < codes->size(); ++i) list.set(i, (*codes)[i]);
    } else if (std::holds_alternative<Redacted>(cell.value)) {
        out.setRedacted();
    } else {
        out.setAbsent();
    }
}

Result<Cell> read_cell(wire::Cell::Reader in) {
    Cell cell;
    cell.column = in.getColumn();
    switch (in.which()) {
        case wire::Cell::ABSENT:
            return cell;
        case wire::Cell::INT:
            cell.value = in.getInt();
            return cell;
        case wire::Cell::TEXT: {
            const auto text = in.getText();
            cell.value.emplace<std::string>(text.begin(), text.end());
            return cell;
        }
        case wire::Cell::DATA: {
            const auto data = in.getData();
            cell.value.emplace<Bytes>(data.begin(), data.end());
            return cell;
        }
        case wire::Cell::CODES: {
            const auto codes = in.getCodes();
            auto& out = cell.value.emplace<std::vector<std::uint16_t>>();
            for (const auto code : codes) out.push_back(code);
            return cell;
        }
        case wire::Cell::REDACTED:
            cell.value = Redacted{};
            return cell;
    }
    return fail(ErrorCode::kUnsupported, "a cell of a kind this version does not know");
}

Bytes encode_op(const Op& op, ReplicaTable& replicas) {
    ScratchBuilder scratch;
    auto out = scratch.message().initRoot<wire::Op>();
    write_id(out.initEntity(), op.entity);
    out.setKind(static_cast<std::uint16_t>(op.kind));
    out.setTable(op.table);
    out.setGroup(op.group);
    if (!op.cells.empty()) {
        auto cells = out.initCells(static_cast<unsigned>(op.cells.size()));
        for (unsigned i = 0; i < op.cells.size(); ++i) write_cell(cells[i], op.cells[i]);
    }
    if (!op.supersedes.empty()) {
        auto dots = out.initSupersedes(static_cast<unsigned>(op.supersedes.size()));
        for (unsigned i = 0; i < op.supersedes.size(); ++i) {
            dots[i].setReplica(replicas.index_of(op.supersedes[i].replica));
            dots[i].setSeq(op.supersedes[i].seq);
            dots[i].setOp(op.supersedes[i].op);
        }
    }
    if (!op.profile.empty()) {
        auto ids = out.initProfile(static_cast<unsigned>(op.profile.size()));
        for (unsigned i = 0; i < op.profile.size(); ++i) write_id(ids[i], op.profile[i]);
    }
    return to_bytes(scratch.message());
}

Bytes encode_header(const Header& h, const std::vector<Replica>& replicas) {
    ScratchBuilder scratch;
    auto out = scratch.message().initRoot<wire::Header>();
    write_id(out.initDevice(), h.replica.device);
    out.setIncarnation(h.replica.incarnation);
    out.setSchema(h.schema);
    out.setSeq(h.seq);
    out.setHlc(h.hlc.value);
    out.setBaseHubSeq(h.base.value);
    out.setRecordedMs(h.recorded.ms);
    out.setOccurredMs(h.occurred.ms);
    out.setTzMinutes(h.tz_minutes);
    out.setKind(static_cast<std::uint16_t>(h.kind));
    out.setSource(static_cast<std::uint16_t>(h.source));
    out.setFlags(h.flags);
    out.setUser(h.user);
    if (h.clock != ClockEvidence{}) write_clock(out.initClock(), h.clock);
    if (h.occurred_clock) write_clock(out.initOccurredClock(), *h.occurred_clock);
    if (!replicas.empty()) {
        auto list = out.initReplicas(static_cast<unsigned>(replicas.size()));
        for (unsigned i = 0; i < replicas.size(); ++i) {
            write_id(list[i].initDevice(), replicas[i].device);
            list[i].setIncarnation(replicas[i].incarnation);
        }
    }
    if (!h.workflow.empty()) out.setWorkflow({h.workflow.data(), h.workflow.size()});
    if (h.fork_of) {
        auto fork = out.initForkOf();
        fork.setIncarnation(h.fork_of->incarnation);
        fork.setSeq(h.fork_of->seq);
    }
    return to_bytes(scratch.message());
}

struct DecodedHeader {
    Header header;
    std::vector<Replica> replicas;
};

Result<DecodedHeader> read_header(BytesView bytes) {
    if (!SegmentReader::fits(bytes))
        return fail(ErrorCode::kMalformed, "record header is not whole words");
    return guarded("record header", [&]() -> Result<DecodedHeader> {
        SegmentReader reader{bytes};
        const auto in = reader.root<wire::Header>();
        DecodedHeader out;
        Header& h = out.header;
        h.replica = {read_id<DeviceId>(in.getDevice()), in.getIncarnation()};
        h.schema = in.getSchema();
        h.seq = in.getSeq();
        h.hlc = {in.getHlc()};
        h.base = {in.getBaseHubSeq()};
        h.recorded = {in.getRecordedMs()};
        h.occurred = {in.getOccurredMs()};
        h.tz_minutes = in.getTzMinutes();
        h.kind = static_cast<EventKind>(in.getKind());
        h.source = static_cast<TimeSource>(in.getSource());
        h.flags = in.getFlags();
        h.user = in.getUser();
        if (in.hasClock()) h.clock = read_clock(in.getClock());
        if (in.hasOccurredClock()) h.occurred_clock = read_clock(in.getOccurredClock());
        for (const auto r : in.getReplicas())
            out.replicas.push_back({read_id<DeviceId>(r.getDevice()), r.getIncarnation()});
        const auto workflow = in.getWorkflow();
        h.workflow.assign(workflow.begin(), workflow.end());
        if (in.hasForkOf())
            h.fork_of = ForkOf{in.getForkOf().getIncarnation(), in.getForkOf().getSeq()};
        return out;
    });
}

Result<std::vector<Dot>> read_dots(capnp::List<wire::Dot>::Reader in, const DecodedHeader& header) {
    std::vector<Dot> out;
    out.reserve(in.size());
    for (const auto d : in) {
        const std::size_t i = d.getReplica();
        if (i > header.replicas.size())
            return fail(ErrorCode::kMalformed, "a dot names a replica the header does not list");
        out.push_back(
            {i == 0 ? header.header.replica : header.replicas[i - 1], d.getSeq(), d.getOp()});
    }
    return out;
}

/// What of a hidden record takes how much room in a page (schema/wire/protocol.capnp): itself, each
/// of its writes, each dot a write names.
constexpr std::size_t kHiddenRecordBytes = 32;
constexpr std::size_t kHiddenWriteBytes = 48;
constexpr std::size_t kHiddenDotBytes = 40;

/// Elements that take no room of their own, or share it, let a small op claim lists without end.
bool fits(wire::Op::Reader op, BytesView bytes) {
    constexpr std::size_t kWordsOfCell = 3;
    constexpr std::size_t kWordsOfDot = 2;
    constexpr std::size_t kWordsOfId = 2;
    const std::size_t claimed = kWordsOfCell * op.getCells().size() +
                                kWordsOfDot * op.getSupersedes().size() +
                                kWordsOfId * op.getProfile().size();
    return claimed <= bytes.size() / sizeof(capnp::word);
}

constexpr const char* kClaimsTooMuch = "an op claims more than it can hold";

bool known(OpKind kind) {
    const auto n = static_cast<std::uint16_t>(kind);
    return (n >= 1 && n <= 7) || (n >= 32 && n <= 36);
}

Result<Op> read_op(BytesView bytes, const DecodedHeader& header) {
    if (!SegmentReader::fits(bytes)) return fail(ErrorCode::kMalformed, "op is not whole words");
    return guarded("op", [&]() -> Result<Op> {
        SegmentReader reader{bytes};
        const auto in = reader.root<wire::Op>();
        Op op;
        op.entity = read_id<EntityId>(in.getEntity());
        op.kind = static_cast<OpKind>(in.getKind());
        if (!known(op.kind))
            return fail(ErrorCode::kUnsupported, "an op of a kind this version does not know");
        op.table = in.getTable();
        op.group = in.getGroup();
        if (!fits(in, bytes)) return fail(ErrorCode::kMalformed, kClaimsTooMuch);
        const auto cells = in.getCells();
        op.cells.reserve(cells.size());
        for (const auto c : cells) {
            STREETLOG_TRY(auto cell, read_cell(c));
            if (!op.cells.empty() && op.cells.back().column >= cell.column)
                return fail(ErrorCode::kMalformed,
                            "the cells of an op are not in ascending column order");
            op.cells.push_back(std::move(cell));
        }
        STREETLOG_TRY(op.supersedes, read_dots(in.getSupersedes(), header));
        for (const auto id : in.getProfile()) op.profile.push_back(read_id<EntityId>(id));
        return op;
    });
}

}  // namespace

EncodedRecord encode(const Record& record) {
    EncodedRecord out;
    ReplicaTable replicas{record.header.replica};
    out.ops.reserve(record.ops.size());
    for (const Op& op : record.ops) out.ops.push_back(encode_op(op, replicas));
    out.header = encode_header(record.header, replicas.others());
    return out;
}

Result<Header> decode_header(BytesView bytes) {
    STREETLOG_TRY(auto decoded, read_header(bytes));
    return std::move(decoded.header);
}

Result<Record> decode(const EncodedView& bytes) {
    STREETLOG_TRY(auto header, read_header(bytes.header));
    Record record;
    record.ops.reserve(bytes.ops.size());
    std::optional<Error>
        unsupported;  // an op that is plainly broken outranks one that is merely unknown
    for (BytesView b : bytes.ops) {
        auto op = read_op(b, header);
        if (op) {
            record.ops.push_back(*std::move(op));
        } else if (op.error().code == ErrorCode::kUnsupported) {
            unsupported = std::move(op).error();
        } else {
            return std::unexpected(std::move(op).error());
        }
    }
    if (unsupported) return std::unexpected(*std::move(unsupported));
    record.header = std::move(header.header);
    return record;
}

bool RecordShape::known() const {
    return std::ranges::all_of(ops, [](const OpShape& op) { return op.known; });
}

Result<RecordShape> inspect(const EncodedView& bytes) {
    STREETLOG_TRY(auto header, read_header(bytes.header));
    RecordShape out{
        .header = std::move(header.header), .ops = {}, .edge_bytes = kHiddenRecordBytes};
    out.ops.reserve(bytes.ops.size());
    for (BytesView b : bytes.ops) {
        if (!SegmentReader::fits(b)) return fail(ErrorCode::kMalformed, "op is not whole words");
        STREETLOG_TRY(
            auto shape, guarded("op", [&]() -> Result<OpShape> {
                SegmentReader reader{b};
                const auto in = reader.root<wire::Op>();
                OpShape op{.entity = read_id<EntityId>(in.getEntity()),
                           .kind = static_cast<OpKind>(in.getKind()),
                           .table = in.getTable(),
                           .group = in.getGroup()};
                if (!fits(in, b)) return fail(ErrorCode::kMalformed, kClaimsTooMuch);
                const bool to_table = has_table(op.kind);
                op.known =
                    known(op.kind) && (!to_table || hud::known_op_target(op.table, op.group));
                int last = -1;
                for (const auto cell : in.getCells()) {
                    if (cell.getColumn() <= last)
                        return fail(ErrorCode::kMalformed,
                                    "the cells of an op are not in ascending column order");
                    last = cell.getColumn();
                    op.known = op.known && cell.which() <= wire::Cell::REDACTED &&
                               (!to_table || hud::find_column(cell.getColumn()) != nullptr);
                }
                const std::size_t replicas = header.replicas.size();
                out.edge_bytes += kHiddenWriteBytes + kHiddenDotBytes * in.getSupersedes().size();
                for (const auto dot : in.getSupersedes())
                    if (dot.getReplica() > replicas)
                        return fail(ErrorCode::kMalformed,
                                    "a dot names a replica the header does not list");
                return op;
            }));
        out.ops.push_back(shape);
    }
    return out;
}

std::vector<HiddenWrite> edges_of(const EncodedView& bytes) {
    std::vector<HiddenWrite> out;
    const auto header = read_header(bytes.header);
    if (!header) return out;
    for (std::size_t i = 0; i < bytes.ops.size(); ++i) {
        if (!SegmentReader::fits(bytes.ops[i])) continue;
        auto edge = guarded("op", [&]() -> Result<HiddenWrite> {
            SegmentReader reader{bytes.ops[i]};
            const auto in = reader.root<wire::Op>();
            if (!fits(in, bytes.ops[i])) return fail(ErrorCode::kMalformed, kClaimsTooMuch);
            HiddenWrite w;
            w.entity = read_id<EntityId>(in.getEntity());
            w.table = in.getTable();
            w.group = in.getGroup();
            w.op = static_cast<std::uint16_t>(i);
            for (const auto c : in.getCells())
                w.redacted = w.redacted || c.which() == wire::Cell::REDACTED;
            STREETLOG_TRY(w.supersedes, read_dots(in.getSupersedes(), *header));
            return w;
        });
        if (edge) out.push_back(*std::move(edge));
    }
    return out;
}

std::size_t bytes_of(std::span<const HiddenWrite> edges) {
    std::size_t bytes = kHiddenRecordBytes;
    for (const HiddenWrite& edge : edges)
        bytes += kHiddenWriteBytes + kHiddenDotBytes * edge.supersedes.size();
    return bytes;
}

Hash hash_of(const EncodedView& bytes) { return record_hash(bytes.header, bytes.ops); }

EncodedView view_of(const EncodedRecord& record) {
    return {record.header, {record.ops.begin(), record.ops.end()}};
}

EncodedRecord copy_of(const EncodedView& record) {
    EncodedRecord out;
    out.header.assign(record.header.begin(), record.header.end());
    for (BytesView op : record.ops) out.ops.emplace_back(op.begin(), op.end());
    return out;
}

}  // namespace streetlog::sync
