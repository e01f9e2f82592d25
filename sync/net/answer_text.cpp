#include "sync/net/answer_text.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace streetlog::net {
namespace {

namespace json = boost::json;

std::string plain(const json::value& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return std::string{value.get_string()};
    if (value.is_bool()) return value.get_bool() ? "yes" : "no";
    std::string out;
    const auto add = [&](std::string text) {
        if (!out.empty()) out += ", ";
        out += text;
    };
    if (value.is_array()) {
        for (const auto& one : value.get_array()) add(plain(one));
        return out;
    }
    if (value.is_object()) {
        for (const auto& [key, one] : value.get_object())
            add(fmt::format("{}={}", std::string_view{key}, plain(one)));
        return out;
    }
    return json::serialize(value);
}

/// Columns on the screen, near enough: characters, not bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string words(std::string_view name) {
    std::string out{name};
    std::ranges::replace(out, '_', ' ');
    return out;
}

bool is_table(const json::value& value) {
    return value.is_array() && std::ranges::all_of(value.get_array(), [](const json::value& row) {
               return row.is_object();
           });
}

/// The rows of a list, cell by cell, under the names of the columns.
class Table {
  public:
    explicit Table(const json::array& rows) : rows_(rows) {
        for (const auto& row : rows)
            for (const auto& [key, value] : row.get_object())
                note(key, value.is_array() && !value.get_array().empty() && is_table(value));
        cells_.emplace_back();
        for (const auto& name : names_) cells_[0].push_back(words(name));
        for (const auto& row : rows) {
            auto& line = cells_.emplace_back();
            for (const auto& name : names_) {
                const auto* value = row.get_object().if_contains(name);
                line.push_back(value == nullptr ? "-" : plain(*value));
            }
        }
        widths_.resize(names_.size());
        for (const auto& line : cells_)
            for (std::size_t i = 0; i < line.size(); ++i)
                widths_[i] = std::max(widths_[i], width_of(line[i]));
    }

    [[nodiscard]] std::string text() const {
        if (rows_.empty()) return "  (none)\n";
        std::size_t width = 1;
        for (const auto w : widths_) width += w + 1;
        return width > kTableWidthMax ? blocks() : lines();
    }

  private:
    /// A column, or a list that goes under the row; once a list, always a list.
    void note(std::string_view key, bool is_list) {
        if (std::ranges::find(lists_, key) != lists_.end()) return;
        if (is_list) {
            std::erase(names_, key);
            lists_.emplace_back(key);
        } else if (std::ranges::find(names_, key) == names_.end()) {
            names_.emplace_back(key);
        }
    }

    [[nodiscard]] std::string lines() const {
        std::string out;
        for (std::size_t row = 0; row < cells_.size(); ++row) {
            std::string line = " ";
            for (std::size_t i = 0; i < names_.size(); ++i)
                line +=
                    ' ' + cells_[row][i] + std::string(widths_[i] - width_of(cells_[row][i]), ' ');
            line.erase(line.find_last_not_of(' ') + 1);
            out += line + '\n';
            if (row > 0) out += lists_of(row - 1);
        }
        return out;
    }

    [[nodiscard]] std::string blocks() const {
        std::size_t width = 0;
        for (const auto& name : cells_[0]) width = std::max(width, width_of(name));
        std::string out;
        for (std::size_t row = 1; row < cells_.size(); ++row) {
            if (row > 1) out += '\n';
            for (std::size_t i = 0; i < names_.size(); ++i)
                if (cells_[row][i] != "-" && !cells_[row][i].empty())
                    out +=
                        fmt::format("  {:<{}} {}\n", cells_[0][i] + ":", width + 1, cells_[row][i]);
            out += lists_of(row - 1);
        }
        return out;
    }

    [[nodiscard]] std::string lists_of(std::size_t row) const {
        std::string out;
        for (const auto& name : lists_) {
            const auto* list = rows_[row].get_object().if_contains(name);
            if (list == nullptr || !list->is_array()) continue;
            for (const auto& one : list->get_array()) {
                out += fmt::format("    {}:", words(name));
                for (const auto& [key, value] : one.get_object())
                    out += fmt::format(" {} {};", words(key), plain(value));
                out.back() = '\n';
            }
        }
        return out;
    }

    const json::array& rows_;
    std::vector<std::string> names_, lists_;
    std::vector<std::vector<std::string>> cells_;  // the names first
    std::vector<std::size_t> widths_;
};

}  // namespace

std::string text_of_answer(const json::object& answer) {
    std::size_t width = 0;
    for (const auto& [key, value] : answer)
        if (!is_table(value)) width = std::max(width, key.size());
    std::string out;
    for (const auto& [key, value] : answer) {
        if (is_table(value))
            out += fmt::format("{}:\n{}", words(key), Table{value.get_array()}.text());
        else
            out += fmt::format("{:<{}} {}\n", words(key) + ":", width + 1, plain(value));
    }
    return out;
}

}  // namespace streetlog::net
