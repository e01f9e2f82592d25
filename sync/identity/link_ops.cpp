#include "sync/identity/link_ops.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/hash.hpp"

namespace streetlog::sync {
namespace {

namespace column = hud::col::client_link;

/// Bytes of EvidenceDigest.
constexpr std::size_t kEvidenceBytes = 4;

/// Hashed into ids, so the numbers never change.
enum class Speaker : Byte { kFirstTier = 1, kPerson = 2 };

EntityId id_of(Speaker speaker, const ClientPair& pair, std::uint32_t round) {
    constexpr std::string_view kWhat = "streetlog-link/1";
    Bytes bytes(kWhat.begin(), kWhat.end());
    bytes.push_back(std::to_underlying(speaker));
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<Byte>(round >> (8 * i)));
    for (const EntityId& end : {pair.a(), pair.b()})
        bytes.insert(bytes.end(), end.bytes.begin(), end.bytes.end());
    const Hash hash = sha256(bytes);
    EntityId out;
    std::copy_n(hash.begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

Bytes digest_of(const FirstTierEvidence& e) {
    return {static_cast<Byte>(kFirstTierModel),
            std::to_underlying(e.ssn),
            std::to_underlying(e.name),
            std::to_underlying(e.birth)};
}

Link assertion(const ClientPair& pair, LinkVerdict verdict, LinkStrength strength) {
    Link link;
    link.a = pair.a();
    link.b = pair.b();
    link.verdict = verdict;
    link.strength = strength;
    return link;
}

bool is_agreement(Byte code) { return code <= std::to_underlying(Agreement::kUnclear); }

}  // namespace

ClientPair::ClientPair(EntityId x, EntityId y) : a_(std::min(x, y)), b_(std::max(x, y)) {
    STREETLOG_ASSERT(x != y);
}

EntityId rule_link_id(const ClientPair& pair, std::uint32_t round) {
    return id_of(Speaker::kFirstTier, pair, round);
}

EntityId human_link_id(const ClientPair& pair, std::uint32_t round) {
    return id_of(Speaker::kPerson, pair, round);
}

std::uint32_t next_round(LinkIds ids,
                         const ClientPair& pair,
                         const std::function<bool(EntityId)>& taken) {
    std::uint32_t round = 0;
    while (taken(ids(pair, round))) ++round;
    return round;
}

Op link_op(const ClientPair& pair, const FirstTierEvidence& evidence, std::uint32_t round) {
    Link link = assertion(pair, LinkVerdict::kSame, LinkStrength::kRule);
    link.millibits = evidence.millibits();
    Op op = link_op(rule_link_id(pair, round), link);
    op.cells.push_back({column::kEvidenceDigest, digest_of(evidence)});
    op.cells.push_back({column::kModelVersion, kFirstTierModel});
    op.cells.push_back({column::kReason, to_text(evidence)});
    return op;
}

std::optional<FirstTierEvidence> evidence_of(std::span<const Cell> cells) {
    if (number_in(find_cell(cells, column::kModelVersion)) != kFirstTierModel) return std::nullopt;
    const Cell* cell = find_cell(cells, column::kEvidenceDigest);
    const auto* bytes = cell == nullptr ? nullptr : std::get_if<Bytes>(&cell->value);
    if (bytes == nullptr || bytes->size() != kEvidenceBytes || (*bytes)[0] != kFirstTierModel)
        return std::nullopt;
    if (!std::all_of(bytes->begin() + 1, bytes->end(), is_agreement)) return std::nullopt;
    return FirstTierEvidence{.ssn = static_cast<Agreement>((*bytes)[1]),
                             .name = static_cast<Agreement>((*bytes)[2]),
                             .birth = static_cast<Agreement>((*bytes)[3])};
}

Op withdraw_op(EntityId link, std::vector<Dot> dots) {
    std::ranges::sort(dots);
    Op op;
    op.entity = link;
    op.kind = OpKind::kUnlink;
    op.table = kLinkRegister.table;
    op.group = kLinkRegister.group;
    op.supersedes = std::move(dots);
    return op;
}

std::vector<Op> unlink_ops(const Unlink& request, std::span<const LiveLink> live) {
    std::map<EntityId, std::vector<Dot>> same;
    for (const LiveLink& at : live) {
        if (at.link.verdict != LinkVerdict::kSame || at.link.a == at.link.b) continue;
        if (ClientPair{at.link.a, at.link.b} == request.pair)
            same[at.entity].push_back(at.link.dot);
    }
    std::vector<Op> out;
    out.reserve(same.size() + 1);
    for (auto& [entity, dots] : same) out.push_back(withdraw_op(entity, std::move(dots)));
    Op apart = link_op(human_link_id(request.pair, request.round),
                       assertion(request.pair, LinkVerdict::kDifferent, LinkStrength::kHuman));
    if (request.by)
        apart.cells.push_back(
            {column::kBy, Bytes(request.by->bytes.begin(), request.by->bytes.end())});
    if (!request.reason.empty()) apart.cells.push_back({column::kReason, request.reason});
    out.push_back(std::move(apart));
    return out;
}

}  // namespace streetlog::sync
