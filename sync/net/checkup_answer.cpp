#include "sync/net/checkup_answer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace streetlog::net {

namespace json = boost::json;

json::object checkup_answer(const Checkup& checkup) {
    json::array checks;
    for (const auto& result : checkup.results()) {
        json::object row{
            {"check", result.check}, {"state", name_of(result.state)}, {"found", result.found}};
        if (!result.where.empty()) row["where"] = result.where;
        if (!result.todo.empty()) row["todo"] = result.todo;
        if (result.state == CheckResult::State::kTrouble) row["code"] = name_of(result.code);
        checks.push_back(std::move(row));
    }
    return {{"fine", checkup.fine()}, {"checks", std::move(checks)}};
}

}  // namespace streetlog::net
