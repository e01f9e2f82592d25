#include "sync/change/compress.hpp"

#include <memory>

#include <zstd.h>

namespace streetlog::sync {
namespace {

// Level 2 makes a batch of records as small as level 3 does and costs a tenth more than level 1,
// which leaves 1.3 % more (tests/bench/README.md).
constexpr int kLevel = 2;

struct FreeContext {
    void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }

    void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

}  // namespace

Packed pack(Bytes raw) {
    Packed out;
    out.raw_bytes = static_cast<std::uint32_t>(raw.size());
    if (raw.size() >= kCompressBytesMin) {
        thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
        thread_local Bytes buffer;
        buffer.resize(ZSTD_compressBound(raw.size()));
        const std::size_t n = ZSTD_compressCCtx(
            context.get(), buffer.data(), buffer.size(), raw.data(), raw.size(), kLevel);
        // A body that shrinks further than unpack() lets it unfold goes as it is.
        if (ZSTD_isError(n) == 0 && n < raw.size() && raw.size() / kBodyRatioMax <= n) {
            out.encoding = Encoding::kZstd;
            out.body.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
            return out;
        }
    }
    out.body = std::move(raw);
    return out;
}

Result<Bytes> unpack(Encoding encoding, std::uint32_t raw_bytes, BytesView body) {
    if (raw_bytes > kBodyBytesMax)
        return fail(ErrorCode::kTooLarge, "batch body would unfold to more than 4 MiB");
    if (encoding == Encoding::kPlain) {
        if (body.size() != raw_bytes)
            return fail(ErrorCode::kMalformed, "batch body is not of the size it claims");
        return Bytes(body.begin(), body.end());
    }
    if (encoding != Encoding::kZstd)
        return fail(ErrorCode::kMalformed, "batch body has an unknown encoding");
    if (raw_bytes / kBodyRatioMax > body.size())
        return fail(ErrorCode::kTooLarge,
                    "batch body would unfold to more than 200 times its size");
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context{ZSTD_createDCtx()};
    Bytes out(raw_bytes);
    const std::size_t n =
        ZSTD_decompressDCtx(context.get(), out.data(), out.size(), body.data(), body.size());
    if (ZSTD_isError(n) != 0 || n != raw_bytes)
        return fail(ErrorCode::kMalformed, "batch body does not unfold to the size it claims");
    return out;
}

}  // namespace streetlog::sync
