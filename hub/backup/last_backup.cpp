#include "hub/backup/last_backup.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace streetlog::hub {
namespace {

namespace json = boost::json;

std::optional<LastBackup> backup_in(const json::object& object) {
    const auto* made = object.if_contains("made");
    const auto* seq = object.if_contains("seq");
    const auto* hash = object.if_contains("hash");
    if (made == nullptr || seq == nullptr || hash == nullptr || !made->is_string() ||
        !seq->is_int64() || seq->get_int64() < 0 || !hash->is_string())
        return std::nullopt;
    const auto at = parse_instant(std::string_view{made->get_string()});
    LastBackup out;
    if (!at || !from_hex(std::string_view{hash->get_string()}, out.head.hash)) return std::nullopt;
    out.made = *at;
    out.head.seq = {static_cast<std::uint64_t>(seq->get_int64())};
    return out;
}

}  // namespace

std::optional<LastBackup> last_backup(store::HubLog& log) {
    const auto text = log.setting(kBackupSetting);
    if (!text) return std::nullopt;
    boost::system::error_code failed;
    const auto value = json::parse(*text, failed);
    if (failed || !value.is_object()) return std::nullopt;
    return backup_in(value.get_object());
}

void put_last_backup(store::HubLog& log, const LastBackup& backup) {
    log.put_setting(kBackupSetting, json::serialize(note_arguments(backup)));
}

Result<json::object> note_backup(store::HubLog& log, const json::object& arguments) {
    const auto backup = backup_in(arguments);
    if (!backup) return fail(ErrorCode::kUsage, "the note of a backup is not of the expected form");
    if (!log.has(backup->head))
        return fail(ErrorCode::kConflict, "the backup is of another log than this hub's");
    store::Txn txn{log.db()};
    put_last_backup(log, *backup);
    txn.commit();
    return json::object{{"noted", true}};
}

json::object note_arguments(const LastBackup& backup) {
    return {{"made", format_instant(backup.made)},
            {"seq", static_cast<std::int64_t>(backup.head.seq.value)},
            {"hash", to_hex(backup.head.hash)}};
}

json::value shown_backup(store::HubLog& log) {
    const auto backup = last_backup(log);
    if (!backup) return nullptr;
    return json::object{{"made", format_instant(backup->made)},
                        {"records", backup->head.seq.value}};
}

}  // namespace streetlog::hub
