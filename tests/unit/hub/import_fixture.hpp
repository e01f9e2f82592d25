#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "hub/exchange/import.hpp"
#include "schema/hud/catalogue.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/codec.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::hub::test {

/// Keeps the visible writes of every group; its records go through the codec, as real ones do.
class MemorySink final : public ImportSink {
  public:
    using Register = std::tuple<EntityId, std::uint16_t, std::uint16_t>;
    using Written = std::pair<sync::Dot, std::vector<sync::Cell>>;

    bool exists(const EntityId& entity) override { return created_.contains(entity); }

    std::optional<std::vector<sync::Cell>> group_cells(const EntityId& entity,
                                                       std::uint16_t table,
                                                       std::uint16_t group) override {
        const auto found = registers_.find({entity, table, group});
        if (found == registers_.end()) return std::nullopt;
        return found->second.back().second;
    }

    std::vector<sync::Dot> on_screen(const EntityId& entity,
                                     std::uint16_t table,
                                     std::uint16_t group) override {
        std::vector<sync::Dot> dots;
        const auto found = registers_.find({entity, table, group});
        if (found == registers_.end()) return dots;
        for (const Written& written : found->second) dots.push_back(written.first);
        return dots;
    }

    Result<void> write(sync::Header header, std::vector<sync::Op> ops) override {
        if (fail_at && records.size() == *fail_at) {
            return fail(ErrorCode::kStorage, "the disk is full");
        }
        header.seq = records.size() + 1;
        const auto encoded = sync::encode({.header = std::move(header), .ops = std::move(ops)});
        auto decoded = sync::decode(sync::view_of(encoded));
        EXPECT_TRUE(decoded.has_value());
        for (std::size_t i = 0; i < decoded->ops.size(); ++i) {
            apply({.replica = {}, .seq = decoded->header.seq, .op = static_cast<std::uint16_t>(i)},
                  decoded->ops[i]);
        }
        records.push_back(*std::move(decoded));
        return {};
    }

    Result<void> flush() override {
        ++flushes;
        return {};
    }

    /// Visible writes of a group.
    [[nodiscard]] std::size_t siblings(const EntityId& entity,
                                       std::uint16_t table,
                                       std::uint16_t group) {
        return on_screen(entity, table, group).size();
    }

    std::vector<sync::Record> records;
    std::optional<std::size_t> fail_at;  // records taken before writes fail
    int flushes = 0;

  private:
    void apply(const sync::Dot& dot, const sync::Op& op) {
        EXPECT_TRUE(std::ranges::is_sorted(op.cells, {}, &sync::Cell::column));
        EXPECT_TRUE(hud::known_op_target(op.table, op.group)) << op.table << " " << op.group;
        if (op.kind == sync::OpKind::kCreate) {
            EXPECT_TRUE(created_.insert(op.entity).second) << "created twice";
        }
        const auto is_key = [](const sync::Cell& cell) {
            return hud::find_column(cell.column)->role == hud::Role::kIdentity;
        };
        std::vector<sync::Cell> cells = op.cells;
        std::erase_if(cells, is_key);
        if (op.kind == sync::OpKind::kCreate) {
            std::vector<sync::Cell> keys = op.cells;
            std::erase_if(keys, [&](const sync::Cell& cell) { return !is_key(cell); });
            registers_[{op.entity, op.table, 0}].emplace_back(dot, std::move(keys));
        }
        if (op.group == 0) return;
        auto& written = registers_[{op.entity, op.table, op.group}];
        std::erase_if(written, [&](const Written& old) {
            return std::ranges::find(op.supersedes, old.first) != op.supersedes.end();
        });
        written.emplace_back(dot, std::move(cells));
    }

    std::set<EntityId> created_;
    std::map<Register, std::vector<Written>> registers_;
};

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline void write_text(const std::filesystem::path& path, std::string_view text) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
}

/// A copy of the synthetic set that a test may damage.
class ImportTest : public ::testing::Test {
  protected:
    ImportTest() {
        std::filesystem::copy(std::filesystem::path{STREETLOG_GOLDEN_DIR} / "hmis-synthetic",
                              set());
    }

    [[nodiscard]] std::filesystem::path set() const { return directory_.path() / "set"; }

    /// Replaces the first `from` in a file of the set; it must be there.
    void edit(std::string_view file, std::string_view from, std::string_view to) const {
        std::string text = read_text(set() / file);
        const std::size_t at = text.find(from);
        ASSERT_NE(at, std::string::npos) << file << " does not hold " << from;
        write_text(set() / file, text.replace(at, from.size(), to));
    }

    void append(std::string_view file, std::string_view row) const {
        write_text(set() / file, read_text(set() / file) + std::string{row} + "\r\n");
    }

    ImportReport import() { return import_set(set(), sink_); }

    /// Imports and demands exactly one reject.
    ImportReject only_reject() {
        const ImportReport report = import();
        EXPECT_FALSE(report.failure.has_value());
        EXPECT_EQ(report.rejects.size(), 1U);
        return report.rejects.empty() ? ImportReject{} : report.rejects.front();
    }

    static const ImportFinding* finding(const ImportReport& report,
                                        std::string_view file,
                                        std::string_view column) {
        for (const ImportFinding& found : report.findings) {
            if (found.file == file && found.column == column) return &found;
        }
        return nullptr;
    }

    streetlog::test::TempDir directory_;
    MemorySink sink_;
};

}  // namespace streetlog::hub::test
