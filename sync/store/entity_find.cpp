#include "sync/store/entity_find.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "schema/time.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/entity_reader_impl.hpp"
#include "sync/store/id_at.hpp"

/// Find Client: one box, everything typed must match, and each hit says why.
namespace streetlog::store {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::string> date_of(std::string_view token) {
    if (parse_date(token)) return std::string{token};
    std::vector<int> parts;
    std::vector<std::size_t> widths;
    for (std::size_t at = 0; at <= token.size();) {
        const auto end = std::min(token.find('/', at), token.size());
        int value = 0;
        const auto [stop, error] = std::from_chars(token.data() + at, token.data() + end, value);
        if (error != std::errc{} || stop != token.data() + end) return std::nullopt;
        parts.push_back(value);
        widths.push_back(end - at);
        at = end + 1;
    }
    if (parts.size() != 3 || widths[2] != 4) return std::nullopt;
    const std::string text = fmt::format("{:04}-{:02}-{:02}", parts[2], parts[0], parts[1]);
    return parse_date(text) ? std::optional{text} : std::nullopt;
}

/// Digits of an SSN as people type them: dashes, x and stars for what is not known.
std::optional<std::string> digits_of(std::string_view token) {
    std::string best;
    std::string run;
    for (const char c : token) {
        if (is_digit(c)) {
            run += c;
        } else if (c == 'x' || c == 'X' || c == '*') {
            run.clear();
        } else if (c != '-') {
            return std::nullopt;
        }
        if (run.size() >= best.size()) best = run;
    }
    return best.empty() ? std::nullopt : std::optional{best};
}

Result<FindTerms> parse(std::string_view text) {
    FindTerms out;
    std::string token;
    const auto take = [&]() -> Result<void> {
        if (token.empty()) return {};
        if (const auto date = date_of(token)) {
            out.dates.push_back(*date);
        } else if (const auto digits = digits_of(token)) {
            if (digits->size() < 2 || digits->size() > 9)
                return fail(ErrorCode::kInvalidInput,
                            "part of an SSN has two to nine digits in a row",
                            "Type at least two digits of the SSN, best the last four.");
            out.digits.push_back(*digits);
        } else if (auto key = name_key(token); !key.empty()) {
            out.names.push_back(std::move(key));
        } else if (std::ranges::any_of(token, is_digit)) {
            return fail(ErrorCode::kInvalidInput,
                        "a number that is neither a date nor part of an SSN",
                        "Type a date of birth as 1980-04-04 or 4/4/1980.");
        }
        token.clear();
        return {};
    };
    for (const char c : text) {
        if (c == ' ' || c == ',' || c == '\t' || c == ';' || c == '\n') {
            STREETLOG_CHECK(take());
        } else {
            token += c;
        }
    }
    STREETLOG_CHECK(take());
    if (out.names.empty() && out.digits.empty() && out.dates.empty())
        return fail(ErrorCode::kInvalidInput,
                    "nothing to look for",
                    "Type the beginning of a name, part of the SSN or a date of birth.");
    return out;
}

constexpr const char* kColumns =
    "SELECT c.eno, e.id, c.first_key, c.last_key, c.first_name, c.middle_name, c.last_name, "
    "c.name_suffix, c.name_quality, c.ssn, c.ssn_quality, c.dob, c.dob_quality, c.sex, c.unsent, "
    "coalesce(n.root, c.eno) FROM client_read c JOIN entity e ON e.eno = c.eno "
    "LEFT JOIN canon n ON n.eno = c.eno WHERE ";

ClientRow client_at(const Stmt& stmt) {
    ClientRow row;
    row.id = id_at(stmt, 1);
    row.first_name = stmt.text(4);
    row.middle_name = stmt.text(5);
    row.last_name = stmt.text(6);
    row.name_suffix = stmt.text(7);
    row.name_quality = stmt.integer(8);
    row.ssn = stmt.text(9);
    row.ssn_quality = stmt.integer(10);
    row.dob = stmt.text(11);
    row.dob_quality = stmt.integer(12);
    row.sex = stmt.integer(13);
    row.unsent = static_cast<std::uint32_t>(stmt.integer(14));
    return row;
}

std::optional<std::uint16_t> match(const FindTerms& terms, const Stmt& stmt) {
    auto reasons = match_names(terms.names, stmt.text(2), stmt.text(3));
    if (!reasons) return std::nullopt;
    const std::string_view ssn = stmt.text(9);
    for (const auto& digits : terms.digits) {
        const auto fit = match_ssn(digits, ssn);
        if (!fit) return std::nullopt;
        add(*reasons, *fit);
    }
    for (const auto& date : terms.dates) {
        if (stmt.text(11) != date) return std::nullopt;
        add(*reasons, FindReason::kBirthDate);
    }
    return reasons;
}

/// Rows by the narrowest kind of key; everything else is checked row by row.
class Search {
  public:
    Search(Db& db, const FindTerms& terms) : db_(db), terms_(terms) {}

    People run() {
        const auto& [names, digits, dates] = terms_;
        const auto whole = std::ranges::find(digits, std::size_t{9}, &std::string::size);
        if (whole != digits.end()) {
            collect("kind = 3 AND key = ?1", {*whole});
        } else if (!dates.empty()) {
            collect("kind = 4 AND key = ?1", {dates.front()});
        } else if (!names.empty()) {
            by_name(std::ranges::max(names, {}, &std::string::size));
            if (names.size() > 1) by_name(names[0] + names[1]);
        } else {
            collect("kind = 3 AND instr(key, ?1) > 0", {digits.front()});
        }
        return std::move(people_);
    }

  private:
    /// Bytes of UTF-8 never reach 0xff, so the upper bound is above all that begin so.
    void by_name(const std::string& beginning) {
        collect("kind = 1 AND key >= ?1 AND key < ?2", {beginning, beginning + '\xff'});
        collect("kind = 2 AND key >= ?1 AND key < ?2", {beginning, beginning + '\xff'});
    }

    void collect(const char* where, const std::vector<std::string>& values) {
        auto stmt = db_.prepare(
            (std::string{kColumns} + "c.eno IN (SELECT eno FROM client_key WHERE " + where + ")")
                .c_str());
        for (std::size_t i = 0; i < values.size(); ++i)
            stmt.bind(static_cast<int>(i + 1), std::string_view{values[i]});
        while (stmt.step()) {
            const auto reasons = match(terms_, stmt);
            if (!reasons || !seen_.insert(stmt.integer(0)).second) continue;
            People::Found& found = people_.found[stmt.integer(15)];
            found.rows.emplace_back(client_at(stmt), *reasons);
            found.weight = std::max(found.weight, weight(*reasons));
        }
    }

    Db& db_;
    const FindTerms& terms_;
    People people_;
    std::set<std::int64_t> seen_;
};

std::vector<std::pair<std::int64_t, People::Found*>> ranked(People& people, std::size_t limit) {
    std::vector<std::pair<std::int64_t, People::Found*>> out;
    for (auto& [root, found] : people.found) {
        std::ranges::sort(found.rows, [](const auto& a, const auto& b) {
            return std::tuple(-weight(a.second), a.first.last_name, a.first.id) <
                   std::tuple(-weight(b.second), b.first.last_name, b.first.id);
        });
        out.emplace_back(root, &found);
    }
    std::ranges::sort(out, [](const auto& a, const auto& b) {
        const auto& x = a.second->rows.front().first;
        const auto& y = b.second->rows.front().first;
        return std::tie(b.second->weight, x.last_name, x.first_name, x.id) <
               std::tie(a.second->weight, y.last_name, y.first_name, y.id);
    });
    out.resize(std::min(out.size(), limit));
    return out;
}

FindHit hit_of(Db& db, std::int64_t root, People::Found& found) {
    FindHit hit;
    hit.from_index = found.from_index;
    hit.last_seen = std::move(found.last_seen);
    hit.root = found.root;
    auto id = db.prepare("SELECT id FROM entity WHERE eno = ?1");
    id.with(root);
    if (id.step()) hit.root = id_at(id, 0);
    auto last = db.prepare(
        "SELECT max(max(r.entry_date, coalesce((SELECT max(k.date) FROM contact_read k WHERE "
        "k.enrollment = r.eno), ''))) FROM enrollment_read r WHERE r.client = ?1 OR r.client "
        "IN (SELECT eno FROM canon WHERE root = ?1)");
    last.with(root);
    if (last.step()) hit.last_contact = last.text(0);
    for (auto& [row, reasons] : found.rows) {
        hit.reasons = static_cast<std::uint16_t>(hit.reasons | reasons);
        hit.members.push_back(std::move(row));
    }
    return hit;
}

}  // namespace

void add(std::uint16_t& reasons, FindReason reason) {
    reasons = static_cast<std::uint16_t>(reasons | static_cast<std::uint16_t>(reason));
}

std::optional<std::uint16_t> match_names(const std::vector<std::string>& names,
                                         std::string_view first,
                                         std::string_view last) {
    std::uint16_t reasons = 0;
    if (names.size() == 2) {
        const bool straight = first.starts_with(names[0]) && last.starts_with(names[1]);
        const bool swapped = last.starts_with(names[0]) && first.starts_with(names[1]);
        const std::string joined = names[0] + names[1];  // "de la", "mary ann"
        if (straight || swapped) {
            add(reasons, FindReason::kFirstName);
            add(reasons, FindReason::kLastName);
        } else if (last.starts_with(joined)) {
            add(reasons, FindReason::kLastName);
        } else if (first.starts_with(joined)) {
            add(reasons, FindReason::kFirstName);
        } else {
            return std::nullopt;
        }
        return reasons;
    }
    for (const auto& name : names) {
        const bool in_last = last.find(name) != std::string_view::npos && names.size() > 2;
        const bool in_first = first.find(name) != std::string_view::npos && names.size() > 2;
        if (last.starts_with(name) || in_last)
            add(reasons, FindReason::kLastName);
        else if (first.starts_with(name) || in_first)
            add(reasons, FindReason::kFirstName);
        else
            return std::nullopt;
    }
    return reasons;
}

int weight(std::uint16_t reasons) {
    int out = 0;
    const auto has = [&](FindReason r) { return (reasons & static_cast<std::uint16_t>(r)) != 0; };
    if (has(FindReason::kSsnWhole)) out += 32;
    if (has(FindReason::kBirthDate)) out += 16;
    if (has(FindReason::kSsnLastFour)) out += 8;
    if (has(FindReason::kLastName)) out += 4;
    if (has(FindReason::kFirstName)) out += 2;
    if (has(FindReason::kSsnPart)) out += 1;
    return out;
}

std::optional<FindReason> match_ssn(std::string_view digits, std::string_view ssn) {
    if (ssn.find(digits) == std::string_view::npos) return std::nullopt;
    if (digits.size() == 9) return FindReason::kSsnWhole;
    return digits.size() == 4 && ssn.ends_with(digits) ? FindReason::kSsnLastFour
                                                       : FindReason::kSsnPart;
}

std::optional<ClientRow> client_row(Db& db, std::int64_t eno) {
    auto stmt = db.prepare((std::string{kColumns} + "c.eno = ?1").c_str());
    stmt.with(eno);
    return stmt.step() ? std::optional{client_at(stmt)} : std::nullopt;
}

Result<FindResult> EntityReader::find(const FindQuery& query) {
    return find_with(query, [](const FindTerms&, People&) {});
}

Result<FindResult> EntityReader::find_with(
    const FindQuery& query, const std::function<void(const FindTerms&, People&)>& more) {
    STREETLOG_TRY(const auto terms, parse(query.text));
    return guarded_job([&]() -> Result<FindResult> {
        auto people = Search{impl_->db, terms}.run();
        more(terms, people);
        FindResult out;
        out.total = people.found.size();
        out.clients_in_index = people.in_index;
        for (auto& [root, found] : ranked(people, query.limit))
            out.hits.push_back(hit_of(impl_->db, root, *found));
        auto count = impl_->db.prepare("SELECT count(*) FROM client_read");
        if (count.step()) out.clients_here = static_cast<std::uint64_t>(count.integer(0));
        count.reset();
        return out;
    });
}

Result<ClientRow> EntityReader::client(EntityId id) {
    return guarded_job([&]() -> Result<ClientRow> {
        auto stmt = impl_->db.prepare(
            (std::string{kColumns} + "c.eno = (SELECT eno FROM entity_id WHERE id = ?1)").c_str());
        stmt.with(BytesView{id.bytes});
        if (!stmt.step()) return fail(ErrorCode::kNotFound, "nothing is known here of the client");
        return client_at(stmt);
    });
}

}  // namespace streetlog::store
