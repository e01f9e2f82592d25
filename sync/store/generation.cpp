#include "sync/store/generation.hpp"

#include <string>

namespace streetlog::store {
namespace {

std::string named(Generation generation, std::string_view sql) {
    std::string out;
    out.reserve(sql.size() + 32);
    for (const char c : sql) {
        if (c == '$')
            out += suffix_of(generation);
        else
            out += c;
    }
    return out;
}

}  // namespace

const char* suffix_of(Generation generation) {
    switch (generation) {
        case Generation::kLive:
            return "";
        case Generation::kNext:
            return "_next";
        case Generation::kOld:
            return "_old";
    }
    return "";
}

Stmt prepare_in(Db& db, Generation generation, const char* sql) {
    return db.prepare(named(generation, sql).c_str());
}

void exec_in(Db& db, Generation generation, const char* sql) {
    db.exec(named(generation, sql).c_str());
}

}  // namespace streetlog::store
