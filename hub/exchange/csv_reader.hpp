#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"

namespace streetlog::hub {

/// One row of a CSV file, or what is wrong with it.
struct CsvRow {
    std::uint64_t line = 0;           // physical line its first character stands on, from 1
    std::vector<std::string> fields;  // as many as the header has
    std::string_view problem;         // not empty: the row cannot be used, `fields` mean nothing
    std::optional<std::size_t> problem_field;  // the field it is about, from 0
};

/// Reads RFC 4180 text row by row: comma, double quotes, LF or CRLF, line breaks inside quotes,
/// UTF-8 with or without a byte order mark. Blanks around a field belong to it. Blank lines are no
/// rows.
///
/// A row that breaks the rules costs only its first physical line: reading goes on at the next one,
/// so that a quote that is never closed cannot swallow the rows behind it. Memory is bounded by
/// kRowBytesMax whatever the file holds. One thread.
class CsvReader {
  public:
    static constexpr std::size_t kFieldBytesMax = std::size_t{1} << 20;
    static constexpr std::size_t kRowBytesMax = std::size_t{4} << 20;
    static constexpr std::size_t kHeaderFieldsMax = 1000;

    /// Opens the file and reads its header row. kNotFound when there is no such file, kMalformed
    /// when its first row is no header, kStorage when it cannot be read. Messages name the file.
    [[nodiscard]] static Result<CsvReader> open(const std::filesystem::path& path);

    CsvReader(CsvReader&&) noexcept;
    CsvReader& operator=(CsvReader&&) noexcept;
    ~CsvReader();

    [[nodiscard]] const std::vector<std::string>& header() const { return header_; }

    /// The next row, good or bad; nothing at the end of the file. Fails with kStorage only.
    [[nodiscard]] Result<std::optional<CsvRow>> next();

  private:
    class Parser;

    explicit CsvReader(std::unique_ptr<Parser> parser);

    std::unique_ptr<Parser> parser_;
    std::vector<std::string> header_;
};

}  // namespace streetlog::hub
