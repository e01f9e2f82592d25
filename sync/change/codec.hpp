#pragma once

#include <span>
#include <vector>

#include "schema/error.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// A record as it is hashed, stored and sent: verbatim from the moment it was first encoded.
struct EncodedRecord {
    Bytes header;
    std::vector<Bytes> ops;

    friend bool operator==(const EncodedRecord&, const EncodedRecord&) = default;
};

/// The same, pointing into somebody else's buffer (a decoded batch). The buffer is 8-byte aligned.
struct EncodedView {
    BytesView header;
    std::vector<BytesView> ops;
};

/// Largest record, header and ops together; larger ones are refused at Save.
inline constexpr std::size_t kRecordBytesMax = 192 * 1024;

/// Encodes; never fails for a record whose cells fit 16-bit counts. Dots are written through a
/// table of replicas in the header.
[[nodiscard]] EncodedRecord encode(const Record& record);

/// Fails with kMalformed, naming the part, when bytes are not a header or an op; with kUnsupported
/// when an op or a cell is of a kind this version does not know (the record is then held whole, not
/// lost).
[[nodiscard]] Result<Record> decode(const EncodedView& bytes);

/// Only the header; for readers that leave the ops alone.
[[nodiscard]] Result<Header> decode_header(BytesView bytes);

/// What of a hidden record still travels and is stored: the edges of its writes, no cells.
struct HiddenWrite {
    EntityId entity;
    std::uint16_t table = 0;
    std::uint16_t group = 0;
    std::uint16_t op = 0;
    bool redacted = false;
    std::vector<Dot> supersedes;

    friend bool operator==(const HiddenWrite&, const HiddenWrite&) = default;
};

/// The edges of a record that is quarantined or held: from every op that can still be read, nothing
/// from one that cannot. None at all when they would take more than seven eighths of the record's
/// own bytes: no honest record is like that, and so a page has room for the edges of whatever the
/// hub has room for.
[[nodiscard]] std::vector<HiddenWrite> edges_of(const EncodedView& bytes);

[[nodiscard]] Hash hash_of(const EncodedView& bytes);
[[nodiscard]] EncodedView view_of(const EncodedRecord& record);
[[nodiscard]] EncodedRecord copy_of(const EncodedView& record);

/// Body of a batch (wire: Batch), uncompressed.
[[nodiscard]] Bytes encode_batch(std::span<const EncodedView> records);

/// Views point into `body`, whose data must be 8-byte aligned (any heap allocation is). A record of
/// a batch may be empty (no header, no ops): it stands for a hidden one. kMalformed when the
/// framing itself cannot be read, or claims more records or ops than the bytes have room for: what
/// is allocated never exceeds a few times the body.
[[nodiscard]] Result<std::vector<EncodedView>> decode_batch(BytesView body);

}  // namespace streetlog::sync
