#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "schema/hud/catalogue.hpp"

/// The generated arrays (hud_tables.cpp in the build tree); only the catalogue's own sources
/// include this. Each is sorted by the first thing it is looked up by.
namespace streetlog::hud::generated {

struct TableName {
    std::string_view name;
    const Table* table = nullptr;
};

struct ColumnName {
    std::uint16_t table = 0;
    std::string_view name;
    const Column* column = nullptr;
};

struct CocCode {
    std::string_view code;
    std::string_view name;
};

extern const std::span<const Table> tables;
extern const std::span<const Column> columns;  // those of the system groups last
extern const std::span<const Group> groups;    // system groups first
extern const std::span<const CodeList> lists;  // as text sorts: "1.10" before "1.2"
extern const std::span<const TableName> table_names;
extern const std::span<const ColumnName> column_names;
extern const std::span<const CocCode> coc_codes;

}  // namespace streetlog::hud::generated
