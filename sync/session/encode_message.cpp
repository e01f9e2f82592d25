#include <capnp/message.h>

#include "schema/wire/protocol.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/wire_ids.hpp"
#include "sync/session/messages.hpp"

namespace streetlog::sync {
namespace {

capnp::Data::Reader as_data(BytesView bytes) { return {bytes.data(), bytes.size()}; }

/// A hash of zeros is left out.
template <class Set>
void put(const Hash& hash, Set&& set) {
    if (hash != Hash{}) set(as_data(hash));
}

template <class Set>
void put(const Bytes& bytes, Set&& set) {
    if (!bytes.empty()) set(as_data(bytes));
}

#define STREETLOG_PUT(value, out, Field) \
    put(value, [&](capnp::Data::Reader d) { (out).set##Field(d); })

unsigned count(std::size_t n) { return static_cast<unsigned>(n); }

void write(wire::Position::Builder out, const Position& p) {
    out.setHubSeq(p.seq.value);
    STREETLOG_PUT(p.hash, out, HubHash);
    out.setThrough(p.through.value);
}

void write(wire::Receipt::Builder out, const RunReceipt& r) {
    write_id(out.initDevice(), r.replica.device);
    out.setIncarnation(r.replica.incarnation);
    out.setFirstSeq(r.first_seq);
    out.setLastSeq(r.last_seq);
    STREETLOG_PUT(r.last_hash, out, LastHash);
    out.setReceivedMs(r.received.ms);
    out.setHubSeq(r.first_hub_seq.value);
    if (!r.times.empty()) {
        auto times = out.initTimes(count(r.times.size()));
        for (unsigned i = 0; i < times.size(); ++i) {
            times[i].setHlcHub(r.times[i].hlc_hub.value);
            times[i].setLo(r.times[i].saved.lo.ms);
            times[i].setHi(r.times[i].saved.hi.ms);
        }
    }
    STREETLOG_PUT(r.signature, out, Signature);
}

void write(wire::HiddenRecord::Builder out, const HiddenRecord& h) {
    out.setSeq(h.seq);
    out.setStatus(static_cast<std::uint16_t>(h.status));
    out.setCode(static_cast<std::uint16_t>(h.code));
    auto writes = out.initWrites(count(h.writes.size()));
    for (unsigned i = 0; i < writes.size(); ++i) {
        const HiddenWrite& w = h.writes[i];
        write_id(writes[i].initEntity(), w.entity);
        writes[i].setTable(w.table);
        writes[i].setGroup(w.group);
        writes[i].setOp(w.op);
        writes[i].setRedacted(w.redacted);
        auto dots = writes[i].initSupersedes(count(w.supersedes.size()));
        for (unsigned k = 0; k < dots.size(); ++k) {
            write_id(dots[k].initDevice(), w.supersedes[k].replica.device);
            dots[k].setIncarnation(w.supersedes[k].replica.incarnation);
            dots[k].setOp(w.supersedes[k].op);
            dots[k].setSeq(w.supersedes[k].seq);
        }
    }
}

void write(wire::Run::Builder out, const PageRun& r) {
    write(out.initReceipt(), r.receipt);
    out.setHubSeq(r.hub_seq.value);
    out.setEncoding(static_cast<std::uint16_t>(r.encoding));
    out.setRawBytes(r.raw_bytes);
    STREETLOG_PUT(r.body, out, Body);
    if (r.hidden.empty()) return;
    auto hidden = out.initHidden(count(r.hidden.size()));
    for (unsigned i = 0; i < hidden.size(); ++i) write(hidden[i], r.hidden[i]);
}

Bytes chunk_table(const std::vector<SnapshotChunk>& chunks) {
    Bytes out;
    out.reserve(chunks.size() * kChunkRowBytes);
    const auto number = [&](std::uint32_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out.push_back(static_cast<Byte>(value >> (8 * i)));
    };
    for (const SnapshotChunk& c : chunks) {
        out.insert(out.end(), c.hash.begin(), c.hash.end());
        number(c.bytes, 4);
        number(c.raw_bytes, 4);
        number(static_cast<std::uint32_t>(c.encoding), 2);
    }
    return out;
}

void write(capnp::List<wire::OlderReplica>::Builder out, const std::vector<OlderReplica>& all) {
    for (unsigned i = 0; i < out.size(); ++i) {
        out[i].setIncarnation(all[i].incarnation);
        out[i].setAckedSeq(all[i].acked_seq);
        STREETLOG_PUT(all[i].acked_hash, out[i], AckedHash);
    }
}

struct Writer {
    wire::Message::Builder out;

    // A message this version does not know cannot be sent by it.
    void operator()(const Unknown&) { STREETLOG_ASSERT(false); }

    void operator()(const Challenge& m) {
        auto o = out.initChallenge();
        STREETLOG_PUT(m.nonce, o, Nonce);
        o.setHubMs(m.hub_time.ms);
        o.setProtocol(m.protocol);
        o.setEpoch(m.epoch);
        write_id(o.initHub(), m.hub);
        STREETLOG_PUT(m.hub_key, o, HubKey);
    }

    void operator()(const Hello& m) {
        auto o = out.initHello();
        write_id(o.initDevice(), m.replica.device);
        o.setIncarnation(m.replica.incarnation);
        STREETLOG_PUT(m.secret, o, Secret);
        STREETLOG_PUT(m.session_nonce, o, SessionNonce);
        STREETLOG_PUT(m.signature, o, Signature);
        o.setLastSeq(m.last_seq);
        STREETLOG_PUT(m.head_hash, o, HeadHash);
        o.setLastReceiptSeq(m.last_receipt_seq);
        auto scopes = o.initScopes(count(m.scopes.size()));
        for (unsigned i = 0; i < scopes.size(); ++i) {
            scopes[i].setScope(m.scopes[i].scope);
            write(scopes[i].initCursor(), m.scopes[i].cursor);
            write(scopes[i].initNewest(), m.scopes[i].newest);
        }
        STREETLOG_PUT(m.signed_head, o, SignedHead);
        o.setBundle(m.bundle);
        o.setAppVersion({m.app_version.c_str(), m.app_version.size()});
        o.setFeatures(m.features);
        o.setFreeDisk(m.free_disk);
        o.setUnsent(m.unsent);
        o.setOldestUnsentMs(m.oldest_unsent.ms);
        o.setReidentify(m.reidentify);
        STREETLOG_PUT(m.snapshot, o, Snapshot);
    }

    void operator()(const HelloAck& m) {
        auto o = out.initHelloAck();
        o.setVerdict(static_cast<std::uint16_t>(m.verdict));
        o.setAckedSeq(m.acked_seq);
        STREETLOG_PUT(m.acked_hash, o, AckedHash);
        auto scopes = o.initScopes(count(m.scopes.size()));
        for (unsigned i = 0; i < scopes.size(); ++i) {
            scopes[i].setScope(m.scopes[i].scope);
            scopes[i].setResume(m.scopes[i].resume);
            scopes[i].setSnapshot(m.scopes[i].snapshot);
        }
        STREETLOG_PUT(m.next_nonce, o, NextNonce);
        o.setHubMs(m.hub_time.ms);
        o.setCredit(m.credit);
        o.setBundle(m.bundle);
        o.setPolicy(m.policy);
        if (!m.older.empty()) write(o.initOlder(count(m.older.size())), m.older);
        if (!m.hubs.empty()) write(o.initHubs(count(m.hubs.size())), m.hubs);
        o.setFeatures(m.features);
    }

    void operator()(const Probe& m) {
        auto o = out.initProbe();
        o.setId(m.id);
        o.setBootMs(m.boot_ms);
        o.setBootId(m.boot_id);
        o.setSuspendedMs(m.suspended_ms);
        o.setSuspends(m.suspends);
    }

    void operator()(const ProbeAck& m) {
        auto o = out.initProbeAck();
        o.setId(m.id);
        o.setBootMs(m.boot_ms);
        o.setHubMs(m.hub_time.ms);
    }

    void operator()(const Push& m) {
        auto o = out.initPush();
        o.setFirstSeq(m.first_seq);
        o.setCount(m.count);
        o.setRawBytes(m.raw_bytes);
        o.setEncoding(static_cast<std::uint16_t>(m.encoding));
        STREETLOG_PUT(m.prev_hash, o, PrevHash);
        STREETLOG_PUT(m.head_hash, o, HeadHash);
        STREETLOG_PUT(m.signature, o, Signature);
        STREETLOG_PUT(m.body, o, Body);
        if (m.receipts.empty()) return;
        auto receipts = o.initReceipts(count(m.receipts.size()));
        for (unsigned i = 0; i < receipts.size(); ++i) write(receipts[i], m.receipts[i]);
    }

    void operator()(const PushAck& m) {
        auto o = out.initPushAck();
        o.setAckedSeq(m.acked_seq);
        auto receipts = o.initReceipts(count(m.receipts.size()));
        for (unsigned i = 0; i < receipts.size(); ++i) write(receipts[i], m.receipts[i]);
        auto exceptions = o.initExceptions(count(m.exceptions.size()));
        for (unsigned i = 0; i < exceptions.size(); ++i) {
            exceptions[i].setSeq(m.exceptions[i].seq);
            exceptions[i].setStatus(static_cast<std::uint16_t>(m.exceptions[i].status));
            exceptions[i].setCode(static_cast<std::uint16_t>(m.exceptions[i].code));
        }
        o.setSafeSeq(m.safe_seq);
        o.setCredit(m.credit);
        STREETLOG_PUT(m.signed_head, o, SignedHead);
    }

    void operator()(const Pull& m) {
        auto o = out.initPull();
        o.setScope(m.scope);
        write(o.initCursor(), m.cursor);
        o.setCredit(m.credit);
    }

    void operator()(const Page& m) {
        auto o = out.initPage();
        o.setScope(m.scope);
        auto runs = o.initRuns(count(m.runs.size()));
        for (unsigned i = 0; i < runs.size(); ++i) write(runs[i], m.runs[i]);
        write(o.initNext(), m.next);
        o.setCaughtUp(m.caught_up);
        o.setAsOf(m.as_of.value);
        o.setEncoding(static_cast<std::uint16_t>(m.encoding));
        o.setRawBytes(m.raw_bytes);
        STREETLOG_PUT(m.states, o, States);
        STREETLOG_PUT(m.signed_head, o, SignedHead);
    }

    void operator()(const ErrorMessage& m) {
        auto o = out.initError();
        o.setCode(static_cast<std::uint16_t>(m.code));
        o.setClass(static_cast<std::uint16_t>(m.error_class));
        o.setRetryAfterMs(m.retry_after_ms);
        o.setExpectedSeq(m.expected_seq);
        o.setDetail({m.detail.c_str(), m.detail.size()});
    }

    void operator()(const Bye& m) {
        auto o = out.initBye();
        o.setReason(static_cast<std::uint16_t>(m.reason));
        o.setDetail({m.detail.c_str(), m.detail.size()});
    }

    void operator()(const SnapshotAsk& m) {
        auto o = out.initSnapshotAsk();
        o.setScope(m.scope);
        o.setOwnFrom(m.own_from);
        STREETLOG_PUT(m.have, o, Have);
    }

    void operator()(const SnapshotManifest& m) {
        auto o = out.initSnapshotManifest();
        o.setScope(m.scope);
        write(o.initAt(), m.at);
        o.setBundle(m.bundle);
        o.setEntities(m.entities);
        STREETLOG_PUT(chunk_table(m.chunks), o, Chunks);
        auto own = o.initOwn(count(m.own.size()));
        for (unsigned i = 0; i < own.size(); ++i) write(own[i], m.own[i]);
        o.setOwnMore(m.own_more);
    }

    void operator()(const SnapshotGet& m) {
        auto o = out.initSnapshotGet();
        o.setScope(m.scope);
        STREETLOG_PUT(m.snapshot, o, Snapshot);
        o.setChunk(m.chunk);
        o.setOffset(m.offset);
        o.setBytes(m.bytes);
    }

    void operator()(const SnapshotPiece& m) {
        auto o = out.initSnapshotPiece();
        o.setScope(m.scope);
        STREETLOG_PUT(m.snapshot, o, Snapshot);
        o.setChunk(m.chunk);
        o.setOffset(m.offset);
        STREETLOG_PUT(m.body, o, Body);
    }

    void operator()(const NonceKept& m) {
        auto o = out.initNonceKept();
        STREETLOG_PUT(m.nonce, o, Nonce);
    }

    void operator()(const AskOwn& m) { out.initAskOwn().setFromSeq(m.from_seq); }

    void operator()(const OwnRecords& m) {
        auto o = out.initOwnRecords();
        auto runs = o.initRuns(count(m.runs.size()));
        for (unsigned i = 0; i < runs.size(); ++i) write(runs[i], m.runs[i]);
        o.setMore(m.more);
    }

    void operator()(const Compare& m) {
        auto points = out.initCompare().initPoints(count(m.points.size()));
        for (unsigned i = 0; i < points.size(); ++i) {
            points[i].setSeq(m.points[i].seq);
            STREETLOG_PUT(m.points[i].hash, points[i], Hash);
        }
    }

    void operator()(const Common& m) { out.initCommon().setSeq(m.seq); }

    void operator()(const AskIncarnation& m) { out.initAskIncarnation().setCommon(m.common); }

    void operator()(const Incarnation& m) { out.initIncarnation().setIncarnation(m.incarnation); }

    void operator()(const Reoffer& m) {
        auto runs = out.initReoffer().initRuns(count(m.runs.size()));
        for (unsigned i = 0; i < runs.size(); ++i) write(runs[i], m.runs[i]);
    }

    void operator()(const ReofferAck&) { out.initReofferAck(); }

    void operator()(const Earlier& m) {
        auto receipts = out.initEarlier().initReceipts(count(m.receipts.size()));
        for (unsigned i = 0; i < receipts.size(); ++i) write(receipts[i], m.receipts[i]);
    }

    void operator()(const CarryOffer& m) {
        auto o = out.initCarryOffer();
        STREETLOG_PUT(m.digest, o, Digest);
        o.setBytes(m.bytes);
    }

    void operator()(const CarryPiece& m) {
        auto o = out.initCarryPiece();
        STREETLOG_PUT(m.digest, o, Digest);
        o.setOffset(m.offset);
        STREETLOG_PUT(m.body, o, Body);
    }

    void operator()(const CarryAnswer& m) {
        auto o = out.initCarryAnswer();
        STREETLOG_PUT(m.digest, o, Digest);
        o.setHave(m.have);
        o.setOutcome(static_cast<std::uint16_t>(m.outcome));
        o.setDetail({m.detail.c_str(), m.detail.size()});
    }
};

/// Enough for the fixed parts of most messages; bulk is added to it.
std::size_t guess_words(const Message& m) {
    std::size_t bytes = 1024;
    const auto add_runs = [&](const std::vector<PageRun>& runs) {
        for (const auto& r : runs) bytes += 256 + r.body.size() + r.receipt.times.size() * 24;
    };
    if (const auto* push = std::get_if<Push>(&m)) {
        bytes += push->body.size();
        for (const auto& r : push->receipts) bytes += 256 + r.times.size() * 24;
    } else if (const auto* ack = std::get_if<PushAck>(&m)) {
        for (const auto& r : ack->receipts) bytes += 256 + r.times.size() * 24;
        bytes += ack->exceptions.size() * 16;
    } else if (const auto* page = std::get_if<Page>(&m)) {
        bytes += page->states.size();
        add_runs(page->runs);
    } else if (const auto* own = std::get_if<OwnRecords>(&m)) {
        add_runs(own->runs);
    } else if (const auto* reoffer = std::get_if<Reoffer>(&m)) {
        add_runs(reoffer->runs);
    } else if (const auto* piece = std::get_if<SnapshotPiece>(&m)) {
        bytes += piece->body.size();
    } else if (const auto* carried = std::get_if<CarryPiece>(&m)) {
        bytes += carried->body.size();
    } else if (const auto* manifest = std::get_if<SnapshotManifest>(&m)) {
        bytes += manifest->chunks.size() * kChunkRowBytes;
        add_runs(manifest->own);
    }
    return bytes / sizeof(capnp::word);
}

}  // namespace

Bytes encode_message(const Message& message) {
    capnp::MallocMessageBuilder builder{static_cast<unsigned>(guess_words(message))};
    auto out = builder.initRoot<wire::Message>();
    // A peer that does not know these cannot go on.
    out.setCritical(std::holds_alternative<Challenge>(message) ||
                    std::holds_alternative<Hello>(message) ||
                    std::holds_alternative<HelloAck>(message));
    std::visit(Writer{out}, message);
    return to_bytes(builder);
}

}  // namespace streetlog::sync
