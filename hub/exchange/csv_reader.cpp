#include "hub/exchange/csv_reader.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <utility>

#include <csv.h>
#include <fmt/format.h>

#include "hub/exchange/utf8.hpp"

namespace streetlog::hub {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::string_view kBadQuotes = "quotes are not as RFC 4180 wants them";
constexpr std::string_view kFieldTooLong = "a field is longer than 1 MiB";
constexpr std::string_view kRowTooLong = "the row is longer than 4 MiB";
constexpr std::string_view kFieldCount = "the row has not as many fields as the header";
constexpr std::string_view kBadText = "not well-formed UTF-8 text";

/// Only LF ends a row, so that a row ends exactly where a physical line does. The CR before it
/// counts as a blank, which libcsv drops outside quotes; real blanks stay in the field.
int ends_row(unsigned char c) { return c == CSV_LF ? 1 : 0; }

int is_blank(unsigned char c) { return c == CSV_CR ? 1 : 0; }

}  // namespace

/// Feeds libcsv one physical line at a time, and can go back to the line behind the first one of a
/// row that turned out bad.
class CsvReader::Parser {
  public:
    explicit Parser(const std::filesystem::path& path)
        : name_(path.filename().string()), file_(path, std::ios::binary) {
        start_libcsv();
        buffer_.reserve(kChunkBytes);
    }

    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    ~Parser() { csv_free(&csv_); }

    [[nodiscard]] const std::string& name() const { return name_; }

    [[nodiscard]] bool is_open() const { return file_.is_open(); }

    void skip_byte_order_mark() {
        fill();
        if (std::string_view{buffer_}.starts_with(kByteOrderMark))
            position_ = kByteOrderMark.size();
    }

    /// `width`: fields a row must have; without it, any number up to kHeaderFieldsMax.
    Result<std::optional<CsvRow>> next(std::optional<std::size_t> width);

  private:
    void start_libcsv() {
        csv_init(&csv_, CSV_STRICT | CSV_STRICT_FINI);
        csv_set_blk_size(&csv_, kChunkBytes);  // by default a field grows 128 bytes at a time
        csv_set_term_func(&csv_, ends_row);
        csv_set_space_func(&csv_, is_blank);
    }

    static void on_field(void* text, std::size_t length, void* self) {
        static_cast<Parser*>(self)->take(std::string_view{static_cast<const char*>(text), length});
    }

    static void on_row(int /*terminator*/, void* self) {
        static_cast<Parser*>(self)->row_done_ = true;
    }

    void take(std::string_view text) {
        ++field_count_;
        row_bytes_ += text.size();
        if (text.size() > kFieldBytesMax) problem_ = kFieldTooLong;
        if (row_bytes_ > kRowBytesMax) problem_ = kRowTooLong;
        if (problem_.empty() && field_count_ <= width_max_) fields_.emplace_back(text);
    }

    /// Reads the next chunk once the last one is used up; false at the end of the file.
    bool fill() {
        if (position_ < buffer_.size()) return true;
        buffer_offset_ += static_cast<std::streamoff>(buffer_.size());
        buffer_.resize(kChunkBytes);
        file_.read(buffer_.data(), static_cast<std::streamsize>(kChunkBytes));
        buffer_.resize(static_cast<std::size_t>(file_.gcount()));
        position_ = 0;
        return !buffer_.empty();
    }

    /// The rest of the physical line as far as it is in the buffer, its LF included.
    std::string_view segment() {
        const std::string_view rest = std::string_view{buffer_}.substr(position_);
        const std::size_t end = rest.find('\n');
        return rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    }

    void begin_row() {
        fields_.clear();
        field_count_ = 0;
        row_bytes_ = 0;
        row_done_ = false;
        problem_ = {};
        row_line_ = line_;
        after_first_line_.reset();
    }

    void feed(std::string_view text) {
        const std::size_t used = csv_parse(&csv_, text.data(), text.size(), on_field, on_row, this);
        if (used != text.size() && problem_.empty()) problem_ = kBadQuotes;
        if (csv_.entry_pos > kFieldBytesMax && problem_.empty()) problem_ = kFieldTooLong;
    }

    /// Goes back to the physical line behind the first one of the current row.
    void recover() {
        csv_free(&csv_);
        start_libcsv();
        if (after_first_line_) {
            file_.clear();
            file_.seekg(*after_first_line_);
            buffer_offset_ = *after_first_line_;
            buffer_.clear();
            position_ = 0;
            line_ = row_line_ + 1;
            return;
        }
        while (fill()) {
            const std::string_view text = segment();
            position_ += text.size();
            if (!text.ends_with('\n')) continue;
            ++line_;
            return;
        }
    }

    CsvRow finish_row(std::optional<std::size_t> width) {
        CsvRow row{.line = row_line_, .fields = {}, .problem = problem_, .problem_field = {}};
        if (!row.problem.empty()) return row;
        if (field_count_ > width_max_ || (width && field_count_ != *width)) {
            row.problem = kFieldCount;
            return row;
        }
        const auto bad = std::ranges::find_if_not(fields_, is_utf8);
        if (bad != fields_.end()) {
            row.problem = kBadText;
            row.problem_field = static_cast<std::size_t>(bad - fields_.begin());
            return row;
        }
        row.fields = std::move(fields_);
        fields_ = {};
        return row;
    }

    std::string name_;
    std::ifstream file_;
    csv_parser csv_{};
    std::string buffer_;
    std::streamoff buffer_offset_ = 0;  // of the buffer in the file
    std::size_t position_ = 0;          // in the buffer
    std::uint64_t line_ = 1;

    std::vector<std::string> fields_;
    std::size_t field_count_ = 0;
    std::size_t width_max_ = kHeaderFieldsMax;
    std::size_t row_bytes_ = 0;
    bool row_done_ = false;
    std::string_view problem_;
    std::uint64_t row_line_ = 1;
    std::optional<std::streamoff> after_first_line_;
};

Result<std::optional<CsvRow>> CsvReader::Parser::next(std::optional<std::size_t> width) {
    width_max_ = width.value_or(kHeaderFieldsMax);
    begin_row();
    bool begun = false;
    while (fill()) {
        const std::string_view text = segment();
        const bool whole_line = text.ends_with('\n');
        if (!begun && (text == "\n" || text == "\r\n")) {
            position_ += text.size();
            row_line_ = ++line_;
            continue;
        }
        begun = true;
        feed(text);
        position_ += text.size();
        if (whole_line) {
            ++line_;
            if (!after_first_line_) {
                after_first_line_ = buffer_offset_ + static_cast<std::streamoff>(position_);
            }
        }
        if (row_done_) return finish_row(width);
        if (!problem_.empty()) {
            recover();
            return finish_row(width);
        }
    }
    if (file_.bad()) return fail(ErrorCode::kStorage, fmt::format("{}: cannot be read", name_));
    if (!begun) return std::nullopt;
    if (csv_fini(&csv_, on_field, on_row, this) != 0 && problem_.empty()) problem_ = kBadQuotes;
    if (!problem_.empty()) recover();
    return finish_row(width);
}

CsvReader::CsvReader(std::unique_ptr<Parser> parser) : parser_(std::move(parser)) {}

CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader& CsvReader::operator=(CsvReader&&) noexcept = default;
CsvReader::~CsvReader() = default;

Result<CsvReader> CsvReader::open(const std::filesystem::path& path) {
    auto parser = std::make_unique<Parser>(path);
    if (!parser->is_open()) {
        return fail(ErrorCode::kNotFound, fmt::format("{}: cannot be opened", parser->name()));
    }
    parser->skip_byte_order_mark();
    CsvReader reader{std::move(parser)};
    STREETLOG_TRY(std::optional<CsvRow> header, reader.parser_->next(std::nullopt));
    if (!header || !header->problem.empty()) {
        return fail(ErrorCode::kMalformed,
                    fmt::format("{}: no header row: {}",
                                reader.parser_->name(),
                                header ? header->problem : "the file is empty"));
    }
    reader.header_ = std::move(header->fields);
    return reader;
}

Result<std::optional<CsvRow>> CsvReader::next() { return parser_->next(header_.size()); }

}  // namespace streetlog::hub
