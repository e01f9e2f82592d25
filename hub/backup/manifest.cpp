#include "hub/backup/manifest.hpp"

#include <algorithm>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace streetlog::hub {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::int64_t kForm = 1;
constexpr std::uintmax_t kBytesMax = 16 * 1024 * 1024;

bool stays_inside(const fs::path& name) {
    return !name.empty() && name.is_relative() &&
           std::ranges::none_of(name, [](const fs::path& part) {
               return part == ".." || part == "." || part.empty();
           });
}

class Reader {
  public:
    Reader(const json::object& object, const fs::path& file) : object_(object), file_(file) {}

    [[nodiscard]] Result<std::uint64_t> number(std::string_view name) const {
        const auto* value = object_.if_contains(name);
        if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return wrong(name);
        return static_cast<std::uint64_t>(value->get_int64());
    }

    [[nodiscard]] Result<std::string> text(std::string_view name) const {
        const auto* value = object_.if_contains(name);
        if (value == nullptr || !value->is_string()) return wrong(name);
        return std::string{value->get_string()};
    }

    [[nodiscard]] Result<sync::Hash> hash(std::string_view name) const {
        STREETLOG_TRY(const auto hex, text(name));
        sync::Hash out;
        if (!from_hex(hex, out)) return wrong(name);
        return out;
    }

    [[nodiscard]] std::unexpected<Error> wrong(std::string_view name) const {
        return fail(ErrorCode::kDamaged,
                    fmt::format("{}: '{}' is missing or malformed", file_.string(), name),
                    "Use another backup.");
    }

  private:
    const json::object& object_;
    const fs::path& file_;
};

Result<std::vector<ManifestFile>> files_in(const json::object& object, const fs::path& file) {
    const Reader whole{object, file};
    const auto* list = object.if_contains("files");
    if (list == nullptr || !list->is_array()) return whole.wrong("files");
    std::vector<ManifestFile> out;
    for (const auto& item : list->get_array()) {
        if (!item.is_object()) return whole.wrong("files");
        const Reader read{item.get_object(), file};
        ManifestFile one;
        STREETLOG_TRY(one.name, read.text("name"));
        STREETLOG_TRY(one.bytes, read.number("bytes"));
        STREETLOG_TRY(one.sha256, read.hash("sha256"));
        if (!stays_inside(one.name)) return read.wrong("name");
        out.push_back(std::move(one));
    }
    return out;
}

Result<std::string> text_of(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    std::ifstream in{file, std::ios::binary};
    if (error || !in)
        return fail(
            ErrorCode::kNotFound,
            fmt::format(
                "{} is no backup: it has no {}", file.parent_path().string(), kManifestName),
            "Name the directory that streetlog-hub backup made. One without a manifest "
            "was never finished.");
    if (size > kBytesMax)
        return fail(ErrorCode::kDamaged, fmt::format("{} is too large", file.string()));
    std::string text(size, '\0');
    in.read(text.data(), static_cast<std::streamsize>(size));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

}  // namespace

std::string to_text(const Manifest& manifest) {
    json::array files;
    for (const auto& file : manifest.files)
        files.push_back(json::object{
            {"name", file.name}, {"bytes", file.bytes}, {"sha256", to_hex(file.sha256)}});
    const json::object out{{"streetlog_backup", kForm},
                           {"hub", to_string(manifest.hub)},
                           {"made", format_instant(manifest.made)},
                           {"schema", manifest.schema},
                           {"records", manifest.head.seq.value},
                           {"head", to_hex(manifest.head.hash)},
                           {"runs", manifest.runs},
                           {"devices", manifest.devices},
                           {"files", std::move(files)}};
    return json::serialize(out) + "\n";
}

Result<Manifest> read_manifest(const fs::path& directory) {
    const auto file = directory / kManifestName;
    STREETLOG_TRY(const auto text, text_of(file));
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    if (failed || !value.is_object())
        return fail(ErrorCode::kDamaged,
                    fmt::format("{} cannot be read", file.string()),
                    "Use another backup.");
    const auto& object = value.get_object();
    const Reader read{object, file};
    STREETLOG_TRY(const auto form, read.number("streetlog_backup"));
    if (form != kForm)
        return fail(
            ErrorCode::kUnsupported,
            fmt::format("{} is of form {}; this program knows {}", file.string(), form, kForm),
            "Use the version that wrote it, or a newer one.");
    Manifest out;
    STREETLOG_TRY(const auto hub, read.text("hub"));
    const auto id = parse_id<DeviceId>(hub);
    if (!id) return read.wrong("hub");
    out.hub = *id;
    STREETLOG_TRY(const auto made, read.text("made"));
    const auto at = parse_instant(made);
    if (!at) return read.wrong("made");
    out.made = *at;
    STREETLOG_TRY(const auto schema, read.number("schema"));
    out.schema = static_cast<int>(schema);
    STREETLOG_TRY(const auto records, read.number("records"));
    out.head.seq = {records};
    STREETLOG_TRY(out.head.hash, read.hash("head"));
    STREETLOG_TRY(out.runs, read.number("runs"));
    STREETLOG_TRY(out.devices, read.number("devices"));
    STREETLOG_TRY(out.files, files_in(object, file));
    return out;
}

}  // namespace streetlog::hub
