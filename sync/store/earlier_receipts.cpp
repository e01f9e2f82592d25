#include "sync/store/earlier_receipts.hpp"

#include <algorithm>

namespace streetlog::store {
namespace {

constexpr int kCorrupt = 11;  // SQLITE_CORRUPT

std::int64_t sql(std::uint64_t n) { return static_cast<std::int64_t>(n); }

std::vector<EarlierRow> rows_of(Stmt& rows) {
    std::vector<EarlierRow> out;
    while (rows.step()) {
        auto& row = out.emplace_back();
        row.at = {static_cast<std::uint64_t>(rows.integer(0))};
        const auto device = rows.blob(1);
        auto receipt = sync::decode_receipt(rows.blob(4));
        if (device.size() != row.replica.device.bytes.size() || !receipt)
            throw StorageFailure("an earlier receipt in the log cannot be read", kCorrupt);
        std::ranges::copy(device, row.replica.device.bytes.begin());
        row.replica.incarnation = static_cast<std::uint32_t>(rows.integer(2));
        row.first_seq = static_cast<std::uint64_t>(rows.integer(3));
        row.receipt = *std::move(receipt);
    }
    return out;
}

}  // namespace

EarlierReceipts::EarlierReceipts(Db& db)
    : add_(db.prepare("INSERT INTO earlier VALUES(?, ?, ?, ?, ?, ?)")),
      at_(db.prepare("SELECT hub_seq, device, incarnation, first_seq, receipt FROM earlier WHERE "
                     "hub_seq BETWEEN ? AND ? ORDER BY hub_seq, rowid")),
      of_(db.prepare(
          "SELECT hub_seq, device, incarnation, first_seq, receipt FROM earlier WHERE device = ?1 "
          "AND incarnation = ?2 AND last_seq >= ?3 AND first_seq <= ?4 ORDER BY hub_seq, rowid")) {}

void EarlierReceipts::add(const EarlierRow& row) {
    const sync::Bytes receipt = sync::encode_receipt(row.receipt);
    add_.with(sql(row.at.value),
              BytesView{row.replica.device.bytes},
              row.replica.incarnation,
              sql(row.first_seq),
              sql(row.last_seq()),
              BytesView{receipt})
        .run();
}

std::vector<EarlierRow> EarlierReceipts::at(HubSeq first, HubSeq last) {
    at_.with(sql(first.value), sql(last.value));
    return rows_of(at_);
}

std::vector<EarlierRow> EarlierReceipts::of(const sync::Replica& replica,
                                            std::uint64_t first_seq,
                                            std::uint64_t last_seq) {
    of_.with(BytesView{replica.device.bytes}, replica.incarnation, sql(first_seq), sql(last_seq));
    return rows_of(of_);
}

sync::Receipt EarlierReceipts::smallest(const sync::RecordKey& record,
                                        HubSeq place,
                                        sync::Receipt own,
                                        HubSeq end) {
    for (const EarlierRow& row : of(record.replica, record.seq, record.seq)) {
        if (row.at <= place || row.at >= end) continue;
        const sync::Receipt other = row.receipt.of(record.seq - row.first_seq);
        if (other.place < own.place) own = other;
    }
    return own;
}

}  // namespace streetlog::store
