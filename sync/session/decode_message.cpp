#include <cstring>

#include <capnp/message.h>

#include "schema/wire/protocol.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/wire_ids.hpp"
#include "sync/session/messages.hpp"

namespace streetlog::sync {
namespace {

Bytes bytes_of(capnp::Data::Reader in) { return {in.begin(), in.end()}; }

std::string text_of(capnp::Text::Reader in) { return {in.begin(), in.end()}; }

Result<Hash> hash_of(capnp::Data::Reader in) {
    Hash out{};
    if (in.size() == 0) return out;
    if (in.size() != out.size()) return fail(ErrorCode::kMalformed, "a hash is not 32 bytes");
    std::memcpy(out.data(), in.begin(), out.size());
    return out;
}

/// Reads every element; refuses long lists before memory is set aside for them.
template <class Out, class List, class Read>
Result<std::vector<Out>> list_of(List in, Read&& read) {
    if (in.size() > kListMax) return fail(ErrorCode::kTooLarge, "a list of a message is too long");
    std::vector<Out> out;
    out.reserve(in.size());
    for (const auto element : in) {
        STREETLOG_TRY(auto value, read(element));
        out.push_back(std::move(value));
    }
    return out;
}

Result<Position> position_of(wire::Position::Reader in) {
    Position out;
    out.seq = {in.getHubSeq()};
    STREETLOG_TRY(out.hash, hash_of(in.getHubHash()));
    out.through = {in.getThrough()};
    return out;
}

Result<RecordTime> time_of(wire::RecordTime::Reader in) {
    return RecordTime{{in.getHlcHub()}, {{in.getLo()}, {in.getHi()}}};
}

Result<RunReceipt> receipt_of(wire::Receipt::Reader in) {
    RunReceipt out;
    out.replica = {read_id<DeviceId>(in.getDevice()), in.getIncarnation()};
    out.first_seq = in.getFirstSeq();
    out.last_seq = in.getLastSeq();
    STREETLOG_TRY(out.last_hash, hash_of(in.getLastHash()));
    out.received = {in.getReceivedMs()};
    out.first_hub_seq = {in.getHubSeq()};
    STREETLOG_TRY(out.times, list_of<RecordTime>(in.getTimes(), time_of));
    if (out.first_seq == 0 || out.last_seq < out.first_seq ||
        out.last_seq - out.first_seq != out.times.size() - 1)
        return fail(ErrorCode::kMalformed, "a receipt does not carry one time a record");
    out.signature = bytes_of(in.getSignature());
    return out;
}

Result<HiddenWrite> hidden_write_of(wire::HiddenWrite::Reader in) {
    HiddenWrite out;
    out.entity = read_id<EntityId>(in.getEntity());
    out.table = in.getTable();
    out.group = in.getGroup();
    out.op = in.getOp();
    out.redacted = in.getRedacted();
    STREETLOG_TRY(out.supersedes,
                  list_of<Dot>(in.getSupersedes(), [](wire::FullDot::Reader d) -> Result<Dot> {
                      return Dot{{read_id<DeviceId>(d.getDevice()), d.getIncarnation()},
                                 d.getSeq(),
                                 d.getOp()};
                  }));
    return out;
}

Result<HiddenRecord> hidden_of(wire::HiddenRecord::Reader in) {
    HiddenRecord out;
    out.seq = in.getSeq();
    out.status = static_cast<RecordStatus>(in.getStatus());
    out.code = static_cast<StatusCode>(in.getCode());
    STREETLOG_TRY(out.writes, list_of<HiddenWrite>(in.getWrites(), hidden_write_of));
    return out;
}

Result<PageRun> run_of(wire::Run::Reader in) {
    PageRun out;
    STREETLOG_TRY(out.receipt, receipt_of(in.getReceipt()));
    out.hub_seq = {in.getHubSeq()};
    out.encoding = static_cast<Encoding>(in.getEncoding());
    out.raw_bytes = in.getRawBytes();
    out.body = bytes_of(in.getBody());
    STREETLOG_TRY(out.hidden, list_of<HiddenRecord>(in.getHidden(), hidden_of));
    return out;
}

Result<Message> read(wire::Challenge::Reader in) {
    Challenge m;
    m.nonce = bytes_of(in.getNonce());
    m.hub_time = {in.getHubMs()};
    m.protocol = in.getProtocol();
    m.epoch = in.getEpoch();
    m.hub = read_id<DeviceId>(in.getHub());
    m.hub_key = bytes_of(in.getHubKey());
    return m;
}

Result<ScopeCursor> cursor_of(wire::ScopeCursor::Reader in) {
    ScopeCursor out;
    out.scope = in.getScope();
    STREETLOG_TRY(out.cursor, position_of(in.getCursor()));
    STREETLOG_TRY(out.newest, position_of(in.getNewest()));
    return out;
}

Result<Message> read(wire::Hello::Reader in) {
    Hello m;
    m.replica = {read_id<DeviceId>(in.getDevice()), in.getIncarnation()};
    m.secret = bytes_of(in.getSecret());
    m.session_nonce = bytes_of(in.getSessionNonce());
    m.signature = bytes_of(in.getSignature());
    m.last_seq = in.getLastSeq();
    STREETLOG_TRY(m.head_hash, hash_of(in.getHeadHash()));
    m.last_receipt_seq = in.getLastReceiptSeq();
    STREETLOG_TRY(m.scopes, list_of<ScopeCursor>(in.getScopes(), cursor_of));
    m.signed_head = bytes_of(in.getSignedHead());
    m.bundle = in.getBundle();
    m.app_version = text_of(in.getAppVersion());
    m.features = in.getFeatures();
    m.free_disk = in.getFreeDisk();
    m.unsent = in.getUnsent();
    m.oldest_unsent = {in.getOldestUnsentMs()};
    m.reidentify = in.getReidentify();
    STREETLOG_TRY(m.snapshot, hash_of(in.getSnapshot()));
    return m;
}

Result<OlderReplica> older_of(wire::OlderReplica::Reader in) {
    STREETLOG_TRY(const Hash hash, hash_of(in.getAckedHash()));
    return OlderReplica{in.getIncarnation(), in.getAckedSeq(), hash};
}

Result<Message> read(wire::HelloAck::Reader in) {
    HelloAck m;
    m.verdict = static_cast<HelloVerdict>(in.getVerdict());
    m.acked_seq = in.getAckedSeq();
    STREETLOG_TRY(m.acked_hash, hash_of(in.getAckedHash()));
    STREETLOG_TRY(m.scopes, list_of<ScopeGrant>(in.getScopes(), [](auto s) -> Result<ScopeGrant> {
                      return ScopeGrant{s.getScope(), s.getResume(), s.getSnapshot()};
                  }));
    m.next_nonce = bytes_of(in.getNextNonce());
    m.hub_time = {in.getHubMs()};
    m.credit = in.getCredit();
    m.bundle = in.getBundle();
    m.policy = in.getPolicy();
    STREETLOG_TRY(m.older, list_of<OlderReplica>(in.getOlder(), older_of));
    STREETLOG_TRY(m.hubs, list_of<OlderReplica>(in.getHubs(), older_of));
    m.features = in.getFeatures();
    return m;
}

Result<Message> read(wire::Push::Reader in) {
    Push m;
    m.first_seq = in.getFirstSeq();
    m.count = in.getCount();
    m.raw_bytes = in.getRawBytes();
    m.encoding = static_cast<Encoding>(in.getEncoding());
    STREETLOG_TRY(m.prev_hash, hash_of(in.getPrevHash()));
    STREETLOG_TRY(m.head_hash, hash_of(in.getHeadHash()));
    m.signature = bytes_of(in.getSignature());
    m.body = bytes_of(in.getBody());
    STREETLOG_TRY(m.receipts, list_of<RunReceipt>(in.getReceipts(), receipt_of));
    return m;
}

Result<Message> read(wire::PushAck::Reader in) {
    PushAck m;
    m.acked_seq = in.getAckedSeq();
    STREETLOG_TRY(m.receipts, list_of<RunReceipt>(in.getReceipts(), receipt_of));
    STREETLOG_TRY(
        m.exceptions,
        list_of<RecordException>(in.getExceptions(), [](auto e) -> Result<RecordException> {
            return RecordException{e.getSeq(),
                                   static_cast<RecordStatus>(e.getStatus()),
                                   static_cast<StatusCode>(e.getCode())};
        }));
    m.safe_seq = in.getSafeSeq();
    m.credit = in.getCredit();
    m.signed_head = bytes_of(in.getSignedHead());
    return m;
}

Result<Message> read(wire::Pull::Reader in) {
    Pull m;
    m.scope = in.getScope();
    STREETLOG_TRY(m.cursor, position_of(in.getCursor()));
    m.credit = in.getCredit();
    return m;
}

Result<Message> read(wire::Page::Reader in) {
    Page m;
    m.scope = in.getScope();
    STREETLOG_TRY(m.runs, list_of<PageRun>(in.getRuns(), run_of));
    STREETLOG_TRY(m.next, position_of(in.getNext()));
    m.caught_up = in.getCaughtUp();
    m.as_of = {in.getAsOf()};
    m.encoding = static_cast<Encoding>(in.getEncoding());
    m.raw_bytes = in.getRawBytes();
    m.states = bytes_of(in.getStates());
    m.signed_head = bytes_of(in.getSignedHead());
    return m;
}

Result<Message> read(wire::OwnRecords::Reader in) {
    OwnRecords m;
    STREETLOG_TRY(m.runs, list_of<PageRun>(in.getRuns(), run_of));
    m.more = in.getMore();
    return m;
}

Result<Message> read(wire::Compare::Reader in) {
    Compare m;
    STREETLOG_TRY(m.points, list_of<ChainPoint>(in.getPoints(), [](auto p) -> Result<ChainPoint> {
                      STREETLOG_TRY(const Hash hash, hash_of(p.getHash()));
                      return ChainPoint{p.getSeq(), hash};
                  }));
    return m;
}

Result<Message> read(wire::Reoffer::Reader in) {
    Reoffer m;
    STREETLOG_TRY(m.runs, list_of<PageRun>(in.getRuns(), run_of));
    return m;
}

Result<Message> read(wire::Earlier::Reader in) {
    Earlier m;
    STREETLOG_TRY(m.receipts, list_of<RunReceipt>(in.getReceipts(), receipt_of));
    return m;
}

Result<Message> read(wire::Error::Reader in) {
    ErrorMessage m;
    m.code = static_cast<WireCode>(in.getCode());
    m.error_class = static_cast<ErrorClass>(in.getClass());
    m.retry_after_ms = in.getRetryAfterMs();
    m.expected_seq = in.getExpectedSeq();
    m.detail = text_of(in.getDetail());
    return m;
}

Result<std::vector<SnapshotChunk>> chunks_of(capnp::Data::Reader in) {
    if (in.size() % kChunkRowBytes != 0 || in.size() / kChunkRowBytes > kSnapshotChunksMax)
        return fail(ErrorCode::kMalformed, "the chunks of a snapshot are not a table of them");
    std::vector<SnapshotChunk> out(in.size() / kChunkRowBytes);
    const Byte* at = in.begin();
    const auto number = [&](int bytes) {
        std::uint32_t value = 0;
        for (int i = 0; i < bytes; ++i) value |= static_cast<std::uint32_t>(*at++) << (8 * i);
        return value;
    };
    for (SnapshotChunk& c : out) {
        std::memcpy(c.hash.data(), at, c.hash.size());
        at += c.hash.size();
        c.bytes = number(4);
        c.raw_bytes = number(4);
        c.encoding = static_cast<Encoding>(number(2));
        if (c.bytes == 0 || c.bytes > kBodyBytesMax || c.raw_bytes > kBodyBytesMax)
            return fail(ErrorCode::kMalformed, "a chunk of a snapshot is empty or too large");
    }
    return out;
}

Result<Message> read(wire::SnapshotAsk::Reader in) {
    SnapshotAsk m;
    m.scope = in.getScope();
    m.own_from = in.getOwnFrom();
    STREETLOG_TRY(m.have, hash_of(in.getHave()));
    return m;
}

Result<Message> read(wire::SnapshotManifest::Reader in) {
    SnapshotManifest m;
    m.scope = in.getScope();
    STREETLOG_TRY(m.at, position_of(in.getAt()));
    m.bundle = in.getBundle();
    m.entities = in.getEntities();
    STREETLOG_TRY(m.chunks, chunks_of(in.getChunks()));
    STREETLOG_TRY(m.own, list_of<PageRun>(in.getOwn(), run_of));
    m.own_more = in.getOwnMore();
    return m;
}

Result<Message> read(wire::SnapshotGet::Reader in) {
    SnapshotGet m;
    m.scope = in.getScope();
    STREETLOG_TRY(m.snapshot, hash_of(in.getSnapshot()));
    m.chunk = in.getChunk();
    m.offset = in.getOffset();
    m.bytes = in.getBytes();
    return m;
}

Result<Message> read(wire::SnapshotPiece::Reader in) {
    SnapshotPiece m;
    m.scope = in.getScope();
    STREETLOG_TRY(m.snapshot, hash_of(in.getSnapshot()));
    m.chunk = in.getChunk();
    m.offset = in.getOffset();
    m.body = bytes_of(in.getBody());
    return m;
}

Result<Message> read(wire::CarryOffer::Reader in) {
    CarryOffer m;
    STREETLOG_TRY(m.digest, hash_of(in.getDigest()));
    m.bytes = in.getBytes();
    return m;
}

Result<Message> read(wire::CarryPiece::Reader in) {
    CarryPiece m;
    STREETLOG_TRY(m.digest, hash_of(in.getDigest()));
    m.offset = in.getOffset();
    m.body = bytes_of(in.getBody());
    return m;
}

Result<Message> read(wire::CarryAnswer::Reader in) {
    CarryAnswer m;
    STREETLOG_TRY(m.digest, hash_of(in.getDigest()));
    m.have = in.getHave();
    m.outcome = static_cast<CarryOutcome>(in.getOutcome());
    m.detail = text_of(in.getDetail());
    return m;
}

Result<Message> read_any(wire::Message::Reader in) {
    switch (in.which()) {
        case wire::Message::CHALLENGE:
            return read(in.getChallenge());
        case wire::Message::HELLO:
            return read(in.getHello());
        case wire::Message::HELLO_ACK:
            return read(in.getHelloAck());
        case wire::Message::PROBE: {
            const auto p = in.getProbe();
            return Probe{
                p.getId(), p.getBootMs(), p.getBootId(), p.getSuspendedMs(), p.getSuspends()};
        }
        case wire::Message::PROBE_ACK: {
            const auto p = in.getProbeAck();
            return ProbeAck{p.getId(), p.getBootMs(), {p.getHubMs()}};
        }
        case wire::Message::PUSH:
            return read(in.getPush());
        case wire::Message::PUSH_ACK:
            return read(in.getPushAck());
        case wire::Message::PULL:
            return read(in.getPull());
        case wire::Message::PAGE:
            return read(in.getPage());
        case wire::Message::ERROR:
            return read(in.getError());
        case wire::Message::BYE:
            return Bye{static_cast<WireCode>(in.getBye().getReason()),
                       text_of(in.getBye().getDetail())};
        case wire::Message::SNAPSHOT_ASK:
            return read(in.getSnapshotAsk());
        case wire::Message::SNAPSHOT_MANIFEST:
            return read(in.getSnapshotManifest());
        case wire::Message::SNAPSHOT_GET:
            return read(in.getSnapshotGet());
        case wire::Message::SNAPSHOT_PIECE:
            return read(in.getSnapshotPiece());
        case wire::Message::NONCE_KEPT:
            return NonceKept{bytes_of(in.getNonceKept().getNonce())};
        case wire::Message::ASK_OWN:
            return AskOwn{in.getAskOwn().getFromSeq()};
        case wire::Message::OWN_RECORDS:
            return read(in.getOwnRecords());
        case wire::Message::COMPARE:
            return read(in.getCompare());
        case wire::Message::COMMON:
            return Common{in.getCommon().getSeq()};
        case wire::Message::ASK_INCARNATION:
            return AskIncarnation{in.getAskIncarnation().getCommon()};
        case wire::Message::INCARNATION:
            return Incarnation{in.getIncarnation().getIncarnation()};
        case wire::Message::REOFFER:
            return read(in.getReoffer());
        case wire::Message::REOFFER_ACK:
            return ReofferAck{};
        case wire::Message::EARLIER:
            return read(in.getEarlier());
        case wire::Message::CARRY_OFFER:
            return read(in.getCarryOffer());
        case wire::Message::CARRY_PIECE:
            return read(in.getCarryPiece());
        case wire::Message::CARRY_ANSWER:
            return read(in.getCarryAnswer());
    }
    return Unknown{in.getCritical()};
}

}  // namespace

Result<Message> decode_message(BytesView data) {
    if (data.size() > kMessageBytesMax)
        return fail(ErrorCode::kTooLarge, "a message is larger than 256 KiB");
    if (!data.empty() && !SegmentReader::fits(data) && data.size() % sizeof(capnp::word) == 0) {
        const Bytes aligned(data.begin(), data.end());  // the heap aligns to 16
        return decode_message(aligned);
    }
    if (!SegmentReader::fits(data))
        return fail(ErrorCode::kMalformed, "message is not whole words");
    return guarded("message", [&]() -> Result<Message> {
        SegmentReader reader{data};
        return read_any(reader.root<wire::Message>());
    });
}

}  // namespace streetlog::sync
