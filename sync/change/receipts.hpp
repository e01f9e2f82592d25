#pragma once

#include <vector>

#include "schema/error.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// The receipts of consecutive records of one replica that the hub took together: record i has the
/// place {first.received, first.seq + i}.
struct ReceiptSpan {
    struct Times {
        HlcStamp hlc_hub;
        Interval saved;

        friend bool operator==(const Times&, const Times&) = default;
    };

    Place first;
    std::vector<Times> times;

    friend bool operator==(const ReceiptSpan&, const ReceiptSpan&) = default;

    [[nodiscard]] Receipt of(std::size_t i) const {
        return {{first.received, {first.seq.value + i}}, times[i].hlc_hub, times[i].saved};
    }
};

/// About ten bytes a record: varints of the differences to the received time.
[[nodiscard]] Bytes encode_receipt(const ReceiptSpan& receipt);
[[nodiscard]] Result<ReceiptSpan> decode_receipt(BytesView bytes);

}  // namespace streetlog::sync
