#include "sync/store/index_reader.hpp"

#include <algorithm>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/identity/ssn_hash.hpp"
#include "sync/merge/view.hpp"
#include "sync/store/cells.hpp"
#include "sync/store/id_at.hpp"

namespace streetlog::store {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace c = hud::col::client;

constexpr sync::RegisterId kKeys{tbl::kClient, 0};
constexpr sync::RegisterId kName{tbl::kClient, grp::kClientName};
constexpr sync::RegisterId kSsn{tbl::kClient, grp::kClientSsn};
constexpr sync::RegisterId kDob{tbl::kClient, grp::kClientDob};
constexpr sync::RegisterId kSex{tbl::kClient, grp::kClientSex};
constexpr std::size_t kDigits = 9;
constexpr std::size_t kLastFour = 4;

/// As HUD writes a number of which only the end is known.
std::string partial(const std::string& last_four) { return "xxxxx" + last_four; }

sync::Siblings siblings(const sync::IndexPerson& person, sync::RegisterId reg) {
    sync::Siblings out;
    for (const auto& member : person.members) {
        const auto at = member.state.registers.find(reg);
        if (at == member.state.registers.end()) continue;
        for (const auto& sibling : at->second.siblings) out.push_back(&sibling);
    }
    return out;
}

const std::vector<sync::Cell>& winner(const sync::IndexPerson& person, sync::RegisterId reg) {
    static const std::vector<sync::Cell> kNone;
    const auto* best = sync::winner(siblings(person, reg), reg);
    return best == nullptr ? kNone : best->cells;
}

std::string shown_ssn(const sync::IndexPerson& person) {
    auto whole = ssn_characters(text_in(winner(person, kSsn), c::kSSN));
    if (!whole.empty() || person.traces.empty() || person.traces.front().last_four.empty())
        return whole;
    return partial(person.traces.front().last_four);
}

ClientRow client_of(const EntityId& root, const sync::IndexPerson& person) {
    const auto code = [&](sync::RegisterId reg, std::uint16_t column) {
        return number_in(winner(person, reg), column).value_or(99);
    };
    const auto& name = winner(person, kName);
    ClientRow row;
    row.id = root;
    row.first_name = text_in(name, c::kFirstName);
    row.middle_name = text_in(name, c::kMiddleName);
    row.last_name = text_in(name, c::kLastName);
    row.name_suffix = text_in(name, c::kNameSuffix);
    row.name_quality = code(kName, c::kNameDataQuality);
    row.ssn = shown_ssn(person);
    row.ssn_quality = code(kSsn, c::kSSNDataQuality);
    row.dob = date_in(winner(person, kDob), c::kDOB);
    row.dob_quality = code(kDob, c::kDOBDataQuality);
    row.sex = code(kSex, c::kSex);
    return row;
}

std::optional<FindReason> match_trace(std::string_view digits,
                                      BytesView key,
                                      const sync::SsnTrace& trace) {
    const auto end = digits.substr(digits.size() - std::min(digits.size(), kLastFour));
    if (!trace.last_hash) {
        if (digits.size() == kDigits)
            return end == trace.last_four ? std::optional{FindReason::kSsnLastFour} : std::nullopt;
        return match_ssn(digits, partial(trace.last_four));
    }
    if (key.empty()) return std::nullopt;
    if (digits.size() == kDigits && trace.number_hash)
        return sync::ssn_hash(key, digits) == *trace.number_hash
                   ? std::optional{FindReason::kSsnWhole}
                   : std::nullopt;
    if (digits.size() != kDigits && digits.size() != kLastFour) return std::nullopt;
    return sync::ssn_hash(key, end) == *trace.last_hash ? std::optional{FindReason::kSsnLastFour}
                                                        : std::nullopt;
}

/// How these digits fit one of the person's numbers.
std::optional<FindReason> match_number(std::string_view digits,
                                       BytesView key,
                                       const sync::IndexPerson& person) {
    for (const auto* sibling : siblings(person, kSsn)) {
        const auto ssn = ssn_characters(text_in(sibling->cells, c::kSSN));
        if (ssn.empty()) continue;
        if (const auto fit = match_ssn(digits, ssn)) return fit;
    }
    for (const auto& trace : person.traces)
        if (const auto fit = match_trace(digits, key, trace)) return fit;
    return std::nullopt;
}

/// Everything typed fits some value of the person's, not only the winners: other names find, too.
std::optional<std::uint16_t> match(const FindTerms& terms,
                                   BytesView key,
                                   const sync::IndexPerson& person) {
    std::optional<std::uint16_t> best;
    for (const auto* sibling : siblings(person, kName)) {
        const auto fit = match_names(terms.names,
                                     name_key(text_in(sibling->cells, c::kFirstName)),
                                     name_key(text_in(sibling->cells, c::kLastName)));
        if (fit && (!best || weight(*fit) > weight(*best))) best = fit;
    }
    if (!best && terms.names.empty()) best = 0;
    if (!best) return std::nullopt;
    for (const auto& digits : terms.digits) {
        const auto fit = match_number(digits, key, person);
        if (!fit) return std::nullopt;
        add(*best, *fit);
    }
    for (const auto& date : terms.dates) {
        const bool born = std::ranges::any_of(siblings(person, kDob), [&](const auto* sibling) {
            return date_in(sibling->cells, c::kDOB) == date;
        });
        if (!born) return std::nullopt;
        add(*best, FindReason::kBirthDate);
    }
    return best;
}

}  // namespace

std::vector<std::pair<IndexKeyKind, std::string>> keys_of(const sync::IndexPerson& person) {
    std::set<std::pair<IndexKeyKind, std::string>> out;
    for (const auto* sibling : siblings(person, kName)) {
        out.emplace(IndexKeyKind::kLastName, name_key(text_in(sibling->cells, c::kLastName)));
        out.emplace(IndexKeyKind::kFirstName, name_key(text_in(sibling->cells, c::kFirstName)));
    }
    for (const auto* sibling : siblings(person, kSsn))
        out.emplace(IndexKeyKind::kSsn, ssn_characters(text_in(sibling->cells, c::kSSN)));
    for (const auto* sibling : siblings(person, kDob))
        out.emplace(IndexKeyKind::kDob, date_in(sibling->cells, c::kDOB));
    for (const auto& trace : person.traces) {
        if (!trace.last_four.empty()) out.emplace(IndexKeyKind::kSsn, partial(trace.last_four));
        if (trace.last_hash) out.emplace(IndexKeyKind::kLastFourHash, to_hex(*trace.last_hash));
        if (trace.number_hash) out.emplace(IndexKeyKind::kNumberHash, to_hex(*trace.number_hash));
    }
    std::erase_if(out, [](const auto& key) { return key.second.empty(); });
    return {out.begin(), out.end()};
}

IndexReader::IndexReader(Db& db, DbReplicaNumbers& numbers)
    : db_(db),
      numbers_(numbers),
      root_(db.prepare("SELECT root FROM index_member WHERE id = ?1")),
      row_(db.prepare("SELECT day, person FROM index_row WHERE root = ?1")),
      here_(db.prepare("SELECT e.eno, e.tbl, coalesce(n.root, e.eno) FROM entity_id i "
                       "JOIN entity e ON e.eno = i.eno JOIN client_read c ON c.eno = e.eno "
                       "LEFT JOIN canon n ON n.eno = e.eno WHERE i.id = ?1")),
      state_(db.prepare("SELECT s.body FROM entity_id i JOIN state s ON s.eno = i.eno "
                        "WHERE i.id = ?1")),
      named_(db.prepare("SELECT root FROM index_key WHERE kind IN (1, 2) AND key >= ?1 "
                        "AND key < ?2")) {}

std::optional<EntityId> IndexReader::root_of(EntityId id) {
    root_.with(BytesView{id.bytes});
    const auto out = root_.step() ? std::optional{id_at(root_, 0)} : std::nullopt;
    root_.reset();
    return out;
}

std::optional<IndexReader::Row> IndexReader::row(EntityId root) {
    row_.with(BytesView{root.bytes});
    if (!row_.step()) return std::nullopt;
    Row out{root, {}, {}};
    if (!row_.is_null(0))
        out.last_seen = format_date(std::chrono::sys_days{std::chrono::days{row_.integer(0)}});
    const auto stored = row_.blob(1);
    const Bytes body(stored.begin(), stored.end());
    row_.reset();
    auto person = sync::decode_person(body, numbers_);
    if (!person) {
        numbers_.load();  // the writer may have given out new ones since
        person = sync::decode_person(body, numbers_);
    }
    if (!person) throw StorageFailure("a stored row of the index cannot be read", 11);
    out.person = *std::move(person);
    return out;
}

std::optional<IndexEntry> IndexReader::entry(EntityId id) {
    const auto root = root_of(id);
    const auto known = root ? row(*root) : std::nullopt;
    if (!known) return std::nullopt;
    IndexEntry out{*root, known->last_seen, shown_ssn(known->person), {}};
    for (const auto& member : known->person.members) out.members.push_back(member.id);
    return out;
}

bool IndexReader::show(EntityId id, sync::EntityState& state) {
    if (state.registers.contains(kKeys)) return false;  // here in its own right
    const auto root = root_of(id);
    const auto known = root ? row(*root) : std::nullopt;
    if (!known) return false;
    const auto member = std::ranges::find(known->person.members, id, &sync::IndexMember::id);
    if (member == known->person.members.end()) return false;
    for (const auto& [reg, theirs] : member->state.registers) {
        auto& mine = state.registers[reg].siblings;
        for (sync::Sibling sibling : theirs.siblings) {
            const auto at = std::ranges::lower_bound(mine, sibling.dot, {}, &sync::Sibling::dot);
            if (at != mine.end() && at->dot == sibling.dot) continue;
            // The hub has it, and had it before whatever is written on what it says here.
            sibling.receipt = sync::Receipt{{}, sibling.hlc, {}};
            mine.insert(at, std::move(sibling));
        }
    }
    state.registers[kKeys];
    return true;
}

void IndexReader::find(const FindTerms& terms, BytesView key, People& people) {
    auto count = db_.prepare("SELECT count(*) FROM index_row");
    people.in_index = count.step() ? static_cast<std::uint64_t>(count.integer(0)) : 0;
    count.reset();
    if (people.in_index == 0) return;
    for (const EntityId root : candidates(terms, key))
        if (const auto known = row(root)) add_match(terms, key, *known, people);
    note_known(people);
}

std::vector<EntityId> IndexReader::candidates(const FindTerms& terms, BytesView key) {
    const auto& [names, digits, dates] = terms;
    if (!names.empty()) {
        auto out =
            named(names.size() == 2 ? names[0] : std::ranges::max(names, {}, &std::string::size));
        if (names.size() == 2) {
            const auto other = named(names[1]);
            std::erase_if(out, [&](const EntityId& root) { return !other.contains(root); });
        }
        if (names.size() > 1) out.merge(named(names[0] + names[1]));
        return {out.begin(), out.end()};
    }
    std::set<EntityId> out;
    const auto collect = [&](const char* where, IndexKeyKind kind, const std::string& value) {
        auto stmt = db_.prepare(
            (std::string{"SELECT root FROM index_key WHERE kind = ?1 AND "} + where).c_str());
        stmt.with(kind, value);
        while (stmt.step()) out.insert(id_at(stmt, 0));
    };
    if (!dates.empty()) {
        collect("key = ?2", IndexKeyKind::kDob, dates.front());
        return {out.begin(), out.end()};
    }
    const auto whole = std::ranges::find(digits, kDigits, &std::string::size);
    const std::string& typed = whole != digits.end() ? *whole : digits.front();
    const std::string end = typed.substr(typed.size() - std::min(typed.size(), kLastFour));
    if (typed.size() == kDigits) {
        collect("key = ?2", IndexKeyKind::kSsn, typed);
        collect("key = ?2", IndexKeyKind::kSsn, partial(end));
        if (!key.empty())
            collect("key = ?2", IndexKeyKind::kNumberHash, to_hex(sync::ssn_hash(key, typed)));
    } else {
        collect("instr(key, ?2) > 0", IndexKeyKind::kSsn, typed);
    }
    if (!key.empty())
        collect("key = ?2", IndexKeyKind::kLastFourHash, to_hex(sync::ssn_hash(key, end)));
    return {out.begin(), out.end()};
}

/// Bytes of UTF-8 never reach 0xff, so the upper bound is above all that begin so.
std::set<EntityId> IndexReader::named(const std::string& beginning) {
    std::set<EntityId> out;
    const std::string end = beginning + '\xff';
    named_.with(beginning, end);
    while (named_.step()) out.insert(id_at(named_, 0));
    return out;
}

/// This device wrote so, and the hub does not know it yet.
bool IndexReader::is_void_here(EntityId id) {
    constexpr std::int64_t kVoid = 2;  // list S.5
    state_.with(BytesView{id.bytes});
    if (!state_.step()) return false;
    const auto state = sync::decode_state(state_.blob(0), numbers_);
    state_.reset();
    return state && number_in(sync::winner_cells(*state, {tbl::kClient, grp::kLife}),
                              hud::col::life::kState) == kVoid;
}

/// A person who is here stands in the list once, as what is here of them.
void IndexReader::add_match(const FindTerms& terms, BytesView key, const Row& row, People& people) {
    const auto reasons = match(terms, key, row.person);
    if (!reasons) return;
    std::int64_t person = 0;
    std::vector<std::pair<ClientRow, std::uint16_t>> here;
    for (const auto& member : row.person.members) {
        here_.with(BytesView{member.id.bytes});
        if (here_.step()) {
            person = here_.integer(2);
            if (auto own = client_row(db_, here_.integer(0)))
                here.emplace_back(*std::move(own), *reasons);
        }
        here_.reset();
    }
    if (person != 0 && people.found.contains(person)) return;
    if (person == 0 && std::ranges::all_of(row.person.members, [&](const auto& member) {
            return is_void_here(member.id);
        }))
        return;
    const auto number = person != 0 ? person : -1 - static_cast<std::int64_t>(people.found.size());
    auto& found = people.found[number];
    found.weight = weight(*reasons);
    if (person != 0) {
        found.rows = std::move(here);
        return;
    }
    found.root = row.root;
    found.from_index = true;
    found.last_seen = row.last_seen;
    found.rows.emplace_back(client_of(row.root, row.person), *reasons);
}

void IndexReader::note_known(People& people) {
    for (auto& [person, found] : people.found) {
        if (person < 0) continue;
        found.from_index = true;
        for (const auto& [client, reasons] : found.rows) {
            here_.with(BytesView{client.id.bytes});
            if (here_.step() && here_.integer(1) != 0) found.from_index = false;
            here_.reset();
            if (!found.last_seen.empty()) continue;
            if (const auto root = root_of(client.id)) {
                row_.with(BytesView{root->bytes});
                if (row_.step() && !row_.is_null(0))
                    found.last_seen =
                        format_date(std::chrono::sys_days{std::chrono::days{row_.integer(0)}});
                row_.reset();
            }
        }
    }
}

}  // namespace streetlog::store
