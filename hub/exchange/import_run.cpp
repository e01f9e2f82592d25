#include "hub/exchange/import_run.hpp"

namespace streetlog::hub {

void ImportRun::progress(std::string_view file, std::uint64_t rows) const {
    if (options_.progress) options_.progress(ImportProgress{.file = file, .rows = rows});
}

bool ImportRun::knows(const EntityId& entity) {
    const auto found = met_.find(entity);
    if (found != met_.end() && found->second) return true;
    return sink_.exists(entity);
}

std::optional<EntityId> ImportRun::client_of(const EntityId& enrollment) const {
    const auto found = client_of_.find(enrollment);
    if (found == client_of_.end()) return std::nullopt;
    return found->second;
}

void ImportRun::find(std::string_view file,
                     std::string_view column,
                     std::string_view what,
                     std::uint64_t line) {
    const auto [place, is_new] = findings_.try_emplace(
        {std::string{file}, std::string{column}, std::string{what}}, report_.findings.size());
    if (is_new) {
        report_.findings.push_back(ImportFinding{.file = std::string{file},
                                                 .column = std::string{column},
                                                 .what = std::string{what},
                                                 .first_line = line,
                                                 .count = 0});
    }
    ++report_.findings[place->second].count;
}

}  // namespace streetlog::hub
