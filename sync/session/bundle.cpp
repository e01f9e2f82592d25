#include "sync/session/bundle.hpp"

#include <algorithm>
#include <string_view>

#include <capnp/message.h>

#include "schema/wire/bundle.capnp.h"
#include "sync/change/capnp_bytes.hpp"
#include "sync/change/seal.hpp"
#include "sync/change/wire_ids.hpp"
#include "sync/session/statement.hpp"

namespace streetlog::sync {
namespace {

constexpr std::string_view kBundleMark = "SLBUNDL1";
constexpr std::string_view kReplyMark = "SLREPLY1";
constexpr std::string_view kBundleContext = "streetlog-bundle/1";
constexpr std::string_view kReplyContext = "streetlog-bundle-reply/1";

template <class Message>
std::vector<Bytes> encoded(const std::vector<Message>& messages) {
    std::vector<Bytes> out(messages.size());
    std::ranges::transform(
        messages, out.begin(), [](const Message& one) { return encode_message(one); });
    return out;
}

/// What is signed: everything but the signature.
Hash statement_of(const DeviceId& hub,
                  const Replica& author,
                  Instant made,
                  const std::vector<Bytes>& parts) {
    Statement out;
    out << BytesView{hub.bytes} << author << made.ms << std::uint64_t{parts.size()};
    for (const Bytes& part : parts) out << sha256(part);
    return sha256(out.take());
}

capnp::Data::Reader as_data(BytesView bytes) { return {bytes.data(), bytes.size()}; }

Bytes bytes_of(capnp::Data::Reader data) { return {data.begin(), data.end()}; }

/// The same for both kinds of file.
template <class Builder, class Parts>
void fill(Builder out,
          const DeviceId& hub,
          const Replica& author,
          Instant made,
          const std::vector<Bytes>& parts,
          BytesView signature,
          Parts init_parts) {
    write_id(out.initHub(), hub);
    write_id(out.initDevice(), author.device);
    out.setIncarnation(author.incarnation);
    out.setMadeMs(made.ms);
    auto list = init_parts(static_cast<unsigned>(parts.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, as_data(parts[i]));
    out.setSignature(as_data(signature));
}

Bytes marked(std::string_view mark, const Bytes& content) {
    Bytes out{mark.begin(), mark.end()};
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

/// What comes after the mark.
Result<Bytes> unmarked(std::string_view mark, BytesView file, const char* what) {
    if (file.size() > kBundleBytesMax)
        return fail(ErrorCode::kTooLarge, std::string{"this file is too large for "} + what);
    if (file.size() < mark.size() || !std::ranges::equal(mark, file.first(mark.size())))
        return fail(ErrorCode::kMalformed, std::string{"this file is not "} + what);
    file = file.subspan(mark.size());
    return Bytes{file.begin(), file.end()};
}

Bytes content_of_reply(const BundleReply& reply,
                       const std::vector<Bytes>& parts,
                       BytesView signature) {
    capnp::MallocMessageBuilder message;
    auto root = message.initRoot<wire::BundleReply>();
    fill(root, reply.hub, reply.author, reply.made, parts, signature, [&](unsigned n) {
        return root.initAcks(n);
    });
    return to_bytes(message);
}

template <class List>
std::vector<Bytes> parts_of(List list) {
    std::vector<Bytes> out;
    out.reserve(list.size());
    for (const auto part : list) out.push_back(bytes_of(part));
    return out;
}

/// kMalformed when one of them is another message.
template <class Message>
Result<std::vector<Message>> decoded(const std::vector<Bytes>& parts) {
    std::vector<Message> out;
    out.reserve(parts.size());
    for (const Bytes& part : parts) {
        STREETLOG_TRY(auto message, decode_message(part));
        auto* wanted = std::get_if<Message>(&message);
        if (wanted == nullptr) return fail(ErrorCode::kMalformed, "it holds another message");
        out.push_back(std::move(*wanted));
    }
    return out;
}

}  // namespace

bool looks_like_bundle(BytesView file) {
    return file.size() > kBundleMark.size() &&
           std::ranges::equal(kBundleMark, file.first(kBundleMark.size()));
}

Result<Bytes> write_bundle(const Bundle& bundle, const SigningKey& device, const PublicKey& hub) {
    const auto parts = encoded(bundle.pushes);
    const Hash statement = statement_of(bundle.hub, bundle.author, bundle.made, parts);
    capnp::MallocMessageBuilder message;
    auto root = message.initRoot<wire::Bundle>();
    fill(root,
         bundle.hub,
         bundle.author,
         bundle.made,
         parts,
         device.sign(kBundleContext, statement),
         [&](unsigned n) { return root.initPushes(n); });
    STREETLOG_TRY(const Bytes box, seal(hub, to_bytes(message)));
    return marked(kBundleMark, box);
}

Result<Bundle> read_bundle(BytesView file,
                           const DeviceId& hub,
                           const SigningKey& key,
                           const KeyOf& key_of) {
    STREETLOG_TRY(const Bytes box, unmarked(kBundleMark, file, "a bundle of a device"));
    STREETLOG_TRY(const Bytes content, open_seal(key, box));
    if (!SegmentReader::fits(content))
        return fail(ErrorCode::kMalformed, "the bundle cannot be read");
    return guarded("the bundle", [&]() -> Result<Bundle> {
        SegmentReader reader{content};
        const auto in = reader.root<wire::Bundle>();
        Bundle out{read_id<DeviceId>(in.getHub()),
                   {read_id<DeviceId>(in.getDevice()), in.getIncarnation()},
                   {in.getMadeMs()},
                   {}};
        if (out.hub != hub) return fail(ErrorCode::kNotPermitted, "the bundle is for another hub");
        const auto device = key_of(out.author.device);
        if (!device)
            return fail(ErrorCode::kNotPermitted,
                        "the bundle is of a device this hub does not know");
        const auto parts = parts_of(in.getPushes());
        const Hash statement = statement_of(out.hub, out.author, out.made, parts);
        if (!verify(*device, kBundleContext, statement, bytes_of(in.getSignature())))
            return fail(ErrorCode::kNotPermitted, "the device it names did not sign the bundle");
        STREETLOG_TRY(out.pushes, decoded<Push>(parts));
        return out;
    });
}

Bytes write_reply(const BundleReply& reply, const SigningKey& hub) {
    const auto parts = encoded(reply.acks);
    const Hash statement = statement_of(reply.hub, reply.author, reply.made, parts);
    const auto signature = hub.sign(kReplyContext, statement);
    return marked(kReplyMark, content_of_reply(reply, parts, signature));
}

Result<BundleReply> read_reply(BytesView file,
                               const DeviceId& hub,
                               const PublicKey& key,
                               const Replica& self) {
    STREETLOG_TRY(const Bytes content, unmarked(kReplyMark, file, "a hub's reply to a bundle"));
    if (!SegmentReader::fits(content))
        return fail(ErrorCode::kMalformed, "the reply cannot be read: it is damaged or cut");
    return guarded("the reply", [&]() -> Result<BundleReply> {
        SegmentReader reader{content};
        const auto in = reader.root<wire::BundleReply>();
        BundleReply out{read_id<DeviceId>(in.getHub()),
                        {read_id<DeviceId>(in.getDevice()), in.getIncarnation()},
                        {in.getMadeMs()},
                        {}};
        if (out.hub != hub) return fail(ErrorCode::kNotPermitted, "the reply is of another hub");
        if (out.author != self)
            return fail(ErrorCode::kNotPermitted, "the reply is for another device");
        const auto parts = parts_of(in.getAcks());
        const Hash statement = statement_of(out.hub, out.author, out.made, parts);
        if (!verify(key, kReplyContext, statement, bytes_of(in.getSignature())))
            return fail(ErrorCode::kNotPermitted, "the hub did not sign the reply");
        STREETLOG_TRY(out.acks, decoded<PushAck>(parts));
        // What no part of it says is not signed either: nothing but what the hub wrote is taken.
        if (content_of_reply(out, parts, bytes_of(in.getSignature())) != content)
            return fail(ErrorCode::kMalformed, "the reply cannot be read: it is damaged");
        return out;
    });
}

}  // namespace streetlog::sync
