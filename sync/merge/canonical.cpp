#include "sync/merge/canonical.hpp"

#include <fmt/format.h>

namespace streetlog::sync {
namespace {

using Out = std::back_insert_iterator<std::string>;

void append(std::string& out, const Dot& dot) {
    out += ' ';
    out += to_string(dot);
}

void append(std::string& out, const std::optional<Place>& place) {
    if (place)
        fmt::format_to(Out{out}, " @{},{}", place->received.ms, place->seq.value);
    else
        out += " @-";
}

void append(std::string& out, const CellValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        fmt::format_to(Out{out}, "i{}", *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        fmt::format_to(Out{out}, "t{}:{}", text->size(), *text);
    } else if (const auto* data = std::get_if<Bytes>(&value)) {
        fmt::format_to(Out{out}, "d{}", to_hex(*data));
    } else if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&value)) {
        out += 'c';
        for (const auto code : *codes) fmt::format_to(Out{out}, ",{}", code);
    } else {
        out += std::holds_alternative<Redacted>(value) ? 'r' : 'a';
    }
}

void append(std::string& out, const Sibling& s) {
    out += "sib";
    append(out, s.dot);
    append(out, s.receipt ? std::optional{s.receipt->place} : std::nullopt);
    if (s.receipt)
        fmt::format_to(Out{out},
                       " {} {}..{}",
                       s.receipt->hlc_hub.value,
                       s.receipt->saved.lo.ms,
                       s.receipt->saved.hi.ms);
    fmt::format_to(Out{out},
                   " hlc {} recorded {} user {} kind {} answer {} redacted {}",
                   s.hlc.value,
                   s.recorded.ms,
                   s.user,
                   static_cast<unsigned>(s.kind),
                   static_cast<unsigned>(s.answer),
                   s.redacted ? 1 : 0);
    for (const EntityId& member : s.profile)
        fmt::format_to(Out{out}, " with {}", to_string(member));
    for (const Cell& cell : s.cells) {
        fmt::format_to(Out{out}, " {}=", cell.column);
        append(out, cell.value);
    }
    out += '\n';
}

void append(std::string& out, const Gone& g) {
    out += "gone";
    append(out, g.target);
    out += " by";
    append(out, g.by);
    append(out, g.by_place);
    out += g.by_redacted ? " redacted\n" : "\n";
}

void append(std::string& out, const Hidden& h) {
    out += "hidden";
    append(out, h.dot);
    append(out, h.place);
    out += h.redacted ? " redacted over" : " over";
    for (const Dot& dot : h.supersedes) append(out, dot);
    out += '\n';
}

}  // namespace

void append_canonical(std::string& out, EntityId entity, const EntityState& state) {
    out += "entity ";
    out += to_string(entity);
    append(out, state.first);
    out += '\n';
    for (const auto& [id, reg] : state.registers) {
        fmt::format_to(Out{out}, "register {} {}\n", id.table, id.group);
        for (const Sibling& sibling : reg.siblings) append(out, sibling);
        for (const Gone& gone : reg.gone) append(out, gone);
        for (const Hidden& hidden : reg.hidden) append(out, hidden);
    }
}

void CanonicalHash::add(EntityId entity, const EntityState& state) {
    text_.clear();
    append_canonical(text_, entity, state);
    take("entity", entity);
}

void CanonicalHash::add_canon(EntityId entity, EntityId root) {
    if (entity == root) return;
    text_ = fmt::format("canon {} {}\n", to_string(entity), to_string(root));
    take("canon", entity);
}

void CanonicalHash::take(std::string_view section, EntityId entity) {
    STREETLOG_ASSERT(last_section_ == section ? last_ < entity : last_section_ != "canon");
    last_section_ = section;
    last_ = entity;
    hash_ = chain_hash(hash_, sha256({reinterpret_cast<const Byte*>(text_.data()), text_.size()}));
}

}  // namespace streetlog::sync
