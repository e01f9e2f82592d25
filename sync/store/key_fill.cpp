#include "sync/store/key_fill.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace streetlog::store {
namespace {

constexpr std::int64_t kCollectRows = 20'000;
constexpr std::size_t kWriteRows = 10'000;

const char* source_of(int kind) {
    switch (kind) {
        case 0:
            return "SELECT id, eno FROM entity_next WHERE eno > ?1 ORDER BY eno LIMIT ?2";
        case 1:
            return "SELECT last_key, eno FROM client_read_next WHERE eno > ?1 ORDER BY eno LIMIT "
                   "?2";
        case 2:
            return "SELECT first_key, eno FROM client_read_next WHERE eno > ?1 ORDER BY eno LIMIT "
                   "?2";
        case 3:
            return "SELECT ssn, eno FROM client_read_next WHERE eno > ?1 ORDER BY eno LIMIT ?2";
        default:
            return "SELECT dob, eno FROM client_read_next WHERE eno > ?1 ORDER BY eno LIMIT ?2";
    }
}

using IdKey = std::array<Byte, 16>;

void take(IdKey& key, const Stmt& row) {
    const auto bytes = row.blob(0);
    if (bytes.size() != key.size()) throw StorageFailure("an id is not 16 bytes", 11);
    std::ranges::copy(bytes, key.begin());
}

void take(std::string& key, const Stmt& row) { key = row.text(0); }

void give(Stmt& stmt, const IdKey& key) { stmt.bind(2, BytesView{key}); }

void give(Stmt& stmt, const std::string& key) { stmt.bind(2, std::string_view{key}); }

/// IdKey is as small as an id; strings are as they come.
template <class Key>
class Fill final : public KeyFill {
  public:
    Fill(Db& db, int kind)
        : kind_(kind),
          read_(db.prepare(source_of(kind))),
          write_(db.prepare(kind == 0 ? "INSERT INTO entity_id_next(id, eno) VALUES(?2, ?3)"
                                      : "INSERT INTO client_key_next VALUES(?1, ?2, ?3)")) {
        auto last = db.prepare(
            kind == 0 ? "SELECT id, eno FROM entity_id_next ORDER BY id DESC LIMIT 1"
                      : "SELECT key, eno FROM client_key_next WHERE kind = ?1 ORDER BY key DESC, "
                        "eno DESC LIMIT 1");
        if (kind != 0) last.with(kind);
        if (last.step()) {
            take(have_.key, last);
            have_.eno = last.integer(1);
        }
        last.reset();
    }

    bool step() override { return collected_ ? write() : collect(); }

  private:
    struct Entry {
        Key key{};
        std::int64_t eno = 0;

        friend auto operator<=>(const Entry&, const Entry&) = default;
    };

    struct Part {
        std::vector<Entry> entries;
        std::size_t next = 0;
    };

    bool collect();
    bool write();

    int kind_;
    Stmt read_, write_;
    std::int64_t eno_ = 0;  // collected so far
    bool collected_ = false;
    Entry have_;  // the greatest that was written before
    std::vector<Part> parts_;
    std::vector<std::size_t> heap_;  // parts that have more, the smallest next key on top
};

template <class Key>
bool Fill<Key>::collect() {
    Part part;
    std::int64_t rows = 0;
    read_.with(eno_, kCollectRows);
    while (read_.step()) {
        ++rows;
        Entry entry;
        take(entry.key, read_);
        entry.eno = eno_ = read_.integer(1);
        if (entry.key != Key{} && entry > have_) part.entries.push_back(std::move(entry));
    }
    std::ranges::sort(part.entries);
    if (!part.entries.empty()) {
        heap_.push_back(parts_.size());
        parts_.push_back(std::move(part));
    }
    collected_ = rows < kCollectRows;
    return true;
}

template <class Key>
bool Fill<Key>::write() {
    const auto later = [this](std::size_t a, std::size_t b) {
        return parts_[b].entries[parts_[b].next] < parts_[a].entries[parts_[a].next];
    };
    std::ranges::make_heap(heap_, later);
    std::size_t written = 0;
    for (; written < kWriteRows && !heap_.empty(); ++written) {
        std::ranges::pop_heap(heap_, later);
        Part& part = parts_[heap_.back()];
        const Entry& entry = part.entries[part.next++];
        if (kind_ != 0) write_.bind(1, std::int64_t{kind_});
        give(write_, entry.key);
        write_.bind(3, entry.eno).run();
        if (part.next == part.entries.size()) {
            part.entries = {};
            heap_.pop_back();
        } else {
            std::ranges::push_heap(heap_, later);
        }
    }
    return written > 0;
}

}  // namespace

std::unique_ptr<KeyFill> KeyFill::make(Db& db, int kind) {
    if (kind == 0) return std::make_unique<Fill<IdKey>>(db, kind);
    return std::make_unique<Fill<std::string>>(db, kind);
}

}  // namespace streetlog::store
