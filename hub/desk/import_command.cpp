#include <unordered_set>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "hub/desk/arguments.hpp"
#include "hub/desk/desk.hpp"
#include "hub/exchange/import.hpp"

/// HMIS CSV into the hub's log.
namespace streetlog::hub {
namespace {

namespace json = boost::json;

/// Records authored together: one run, one transaction.
constexpr std::size_t kBatch = 500;

class LogSink final : public ImportSink {
  public:
    explicit LogSink(Follower& follower) : follower_(follower) {}

    bool exists(const EntityId& entity) override {
        if (made_.contains(entity)) return true;
        const auto row = follower_.projection().read().entity_of(entity);
        return row && row->table != 0;
    }

    std::optional<std::vector<sync::Cell>> group_cells(const EntityId& entity,
                                                       std::uint16_t table,
                                                       std::uint16_t group) override {
        const auto state = follower_.projection().read().load(entity);
        if (!state) return std::nullopt;
        const auto siblings = sync::visible(*state, {table, group});
        const auto* shown = sync::winner(siblings, {table, group});
        if (shown == nullptr) return std::nullopt;
        return shown->cells;
    }

    std::vector<sync::Dot> on_screen(const EntityId& entity,
                                     std::uint16_t table,
                                     std::uint16_t group) override {
        std::vector<sync::Dot> out;
        const auto state = follower_.projection().read().load(entity);
        if (!state) return out;
        for (const auto* sibling : sync::visible(*state, {table, group}))
            out.push_back(sibling->dot);
        return out;
    }

    Result<void> write(sync::Header header, std::vector<sync::Op> ops) override {
        for (const auto& op : ops)
            if (op.kind == sync::OpKind::kCreate) made_.insert(op.entity);
        drafts_.emplace_back(std::move(header), std::move(ops));
        return drafts_.size() < kBatch ? Result<void>{} : flush();
    }

    Result<void> flush() override {
        if (drafts_.empty()) return {};
        STREETLOG_CHECK(follower_.author()(std::exchange(drafts_, {})));
        return {};
    }

  private:
    Follower& follower_;
    Drafts drafts_;
    std::unordered_set<EntityId> made_;
};

}  // namespace

Result<json::object> Desk::import(const json::object& arguments) {
    STREETLOG_TRY(const auto directory, text_of(arguments, "DIRECTORY"));
    ImportOptions options;
    options.source_system = optional_text(arguments, "source").value_or("");
    options.progress = [&](const ImportProgress& at) {
        say_(fmt::format("{}: {} rows", at.file, at.rows));
    };
    LogSink sink{follower_};
    const auto report = import_set(directory, sink, options);
    STREETLOG_CHECK(sink.flush());
    STREETLOG_CHECK(follower_.catch_up(progress("taking in what was imported")));
    if (report.failure) return std::unexpected(*report.failure);
    json::array tables;
    for (const auto& t : report.tables)
        tables.push_back(json::object{{"table", t.table},
                                      {"rows", t.rows},
                                      {"created", t.created},
                                      {"changed", t.changed},
                                      {"unchanged", t.unchanged},
                                      {"rejected", t.rejected}});
    json::array rejects;
    for (const auto& r : report.rejects)
        rejects.push_back(json::object{
            {"file", r.file}, {"line", r.line}, {"column", r.column}, {"reason", r.reason}});
    json::array findings;
    for (const auto& f : report.findings)
        findings.push_back(json::object{{"file", f.file},
                                        {"column", f.column},
                                        {"what", f.what},
                                        {"first_line", f.first_line},
                                        {"count", f.count}});
    json::object out{{"source_system", report.source_system}, {"tables", std::move(tables)}};
    if (const auto path = optional_text(arguments, "rejects")) {
        STREETLOG_CHECK(write_rejects_csv(*path, report.rejects));
        out["rejects_file"] = *path;
    }
    out["rejects"] = std::move(rejects);
    out["findings"] = std::move(findings);
    return out;
}

}  // namespace streetlog::hub
