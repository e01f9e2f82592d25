#include "agent/app/install.hpp"

#include "agent/app/files.hpp"
#include "sync/net/private_file.hpp"

namespace streetlog::agent {
namespace {

constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kMachineBytesMax = 4096;

/// Of the machine's id, because the id itself is nobody's business. Machines without one are alike.
sync::Hash machine() {
    const auto id = read_text("/etc/machine-id", kMachineBytesMax);
    const std::string text = "streetlog machine/1\n" + id.value_or("");
    return sync::sha256({reinterpret_cast<const Byte*>(text.data()), text.size()});
}

}  // namespace

Result<void> check_install(const std::filesystem::path& directory,
                           store::AgentStore& store,
                           Random& random) {
    const auto file = directory / "install";
    const auto text = net::read_private(file);
    const sync::Hash here = machine();
    sync::Bytes token(kTokenBytes);
    if (!text || !from_hex(text->substr(0, text->find('\n')), token)) token.clear();
    STREETLOG_TRY(const auto belongs, store.belongs_to(token, here));
    if (belongs == store::Belongs::kHere) return {};
    // The mark first: after a crash in between the database is held for a copy once more.
    if (belongs == store::Belongs::kElsewhere) STREETLOG_CHECK(store.suspect_copy());
    token.resize(kTokenBytes);
    random.fill(token);
    STREETLOG_CHECK(net::replace_private(file, to_hex(token) + "\n"));
    return store.install(token, here);
}

}  // namespace streetlog::agent
