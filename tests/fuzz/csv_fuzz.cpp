// A CSV file: rows of the header's width or a problem, and an end.
#include "hub/exchange/csv_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace streetlog;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static fuzz::MemoryFile file;
    file.hold({data, size});
    auto reader = hub::CsvReader::open(file.path());
    if (!reader) return 0;
    STREETLOG_ASSERT(!reader->header().empty());
    std::uint64_t line = 0;
    for (std::size_t rows = 0;; ++rows) {
        STREETLOG_ASSERT(rows <= size);
        const auto row = reader->next();
        STREETLOG_ASSERT(row.has_value());
        if (!*row) return 0;
        STREETLOG_ASSERT((*row)->line > line);
        line = (*row)->line;
        if ((*row)->problem.empty())
            STREETLOG_ASSERT((*row)->fields.size() == reader->header().size());
        std::size_t bytes = 0;
        for (const auto& field : (*row)->fields) bytes += field.size();
        STREETLOG_ASSERT(bytes <= hub::CsvReader::kRowBytesMax);
    }
}
