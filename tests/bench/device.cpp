#include "tests/bench/device.hpp"

#include <future>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>

#include "sync/net/beast_client.hpp"
#include "sync/net/private_file.hpp"
#include "tests/bench/derived_trust.hpp"
#include "tests/bench/dice.hpp"
#include "tests/bench/peer_record.hpp"
#include "tests/bench/role.hpp"

namespace streetlog::bench {
namespace {

namespace asio = net::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kStoreFile = "agent.db";

agent::RunnerOptions runner_options(const Enrolment& enrolment) {
    agent::RunnerOptions out;
    out.host = "127.0.0.1";
    out.port = enrolment.port;
    out.credentials =
        [credentials = enrolment.credentials]() -> asio::awaitable<Result<net::DeviceCredentials>> {
        co_return credentials;
    };
    out.app_version = "bench";
    return out;
}

store::AgentSettings settings_of(const Enrolment& enrolment) {
    store::AgentSettings out;
    out.self = {enrolment.device, 1};
    out.hub = enrolment.hub;
    out.hub_address = "127.0.0.1";
    out.device_name = "bench";
    out.coc = "CA-600";
    return out;
}

double seconds_since(std::uint64_t start_ns) {
    return static_cast<double>(monotonic_ns() - start_ns) / 1e9;
}

Result<json::value> read_document(const fs::path& file) {
    STREETLOG_TRY(const auto text, net::read_private(file));
    boost::system::error_code failed;
    auto value = json::parse(text, failed);
    if (failed) return fail(ErrorCode::kMalformed, "the enrolment file cannot be read");
    return value;
}

fs::path beside(fs::path file, const char* extension) { return file.replace_extension(extension); }

/// What a device knows of its hub before it has a certificate.
Result<net::DeviceCredentials> known_by(const json::value& document) {
    STREETLOG_TRY(const auto root, text_of(document, "root"));
    net::DeviceCredentials out;
    STREETLOG_TRY(out.root, net::Certificate::from_pem(root));
    out.root_fingerprint = out.root->fingerprint();
    STREETLOG_TRY(out.hub, text_of(document, "hub"));
    out.now = net::SystemClock{}.now();
    return out;
}

}  // namespace

Result<void> enrol(const fs::path& file, std::uint16_t port) {
    STREETLOG_TRY(const auto value, read_document(file));
    STREETLOG_TRY(auto known, known_by(value));
    net::SystemRandom random;
    STREETLOG_TRY(const auto key, net::load_or_make_key(beside(file, ".key"), random));
    net::TrustQuestion question;
    question.kind = net::TrustQuestion::Kind::kEnrol;
    STREETLOG_TRY(question.device, text_of(value, "device"));
    STREETLOG_TRY(question.code, text_of(value, "code"));
    question.request = net::make_request(key);
    net::ConnectOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.credentials = std::move(known);
    asio::io_context io{1};
    auto asked = asio::co_spawn(
        io, net::ask_trust(std::move(options), std::move(question)), asio::use_future);
    io.run();
    STREETLOG_TRY(const auto granted, asked.get());
    return net::replace_private(beside(file, ".crt"), granted.answer.chain);
}

Result<Enrolment> read_enrolment(const fs::path& file) {
    STREETLOG_TRY(const auto value, read_document(file));
    STREETLOG_TRY(const auto device, text_of(value, "device"));
    STREETLOG_TRY(const auto hub, text_of(value, "hub"));
    Enrolment out;
    const auto device_id = parse_id<DeviceId>(device);
    const auto hub_id = parse_id<DeviceId>(hub);
    if (!device_id || !hub_id)
        return fail(ErrorCode::kMalformed, "the enrolment file does not hold what it should");
    out.device = *device_id;
    out.hub = *hub_id;
    STREETLOG_TRY(out.credentials, known_by(value));
    STREETLOG_TRY(out.credentials.key, net::load_key(beside(file, ".key")));
    STREETLOG_TRY(const auto chain, net::read_private(beside(file, ".crt")));
    STREETLOG_TRY(out.credentials.chain, net::read_chain(chain));
    return out;
}

Enrolment derived_enrolment(std::uint64_t number) {
    Dice dice{0xde51ce + number};
    Enrolment out;
    out.device = dice.id<DeviceId>();
    out.credentials = derived_credentials(number, out.device);
    return out;
}

Result<std::unique_ptr<Device>> Device::open(const fs::path& directory,
                                             const Enrolment& enrolment) {
    const fs::path file = directory / kStoreFile;
    fs::create_directories(directory);
    STREETLOG_TRY(auto store,
                  fs::exists(file) ? store::AgentStore::open(file)
                                   : store::AgentStore::create(file, settings_of(enrolment)));
    return std::unique_ptr<Device>{new Device{std::move(store), file, enrolment}};
}

Device::Device(store::AgentStore store, fs::path file, const Enrolment& enrolment)
    : store_(std::move(store)),
      file_(std::move(file)),
      witness_(store_.anchor()),
      options_(runner_options(enrolment)) {}

Device::~Device() {
    if (watcher_.joinable()) {
        asio::post(io_, [this] { runner_->stop(); });
        watcher_.join();
    }
    io_.stop();
}

void Device::start(agent::RunnerOptions options) {
    ended_.reset();
    io_.restart();
    runner_ = std::make_unique<agent::SyncRunner>(
        store_, witness_, clock_, random_, log_, std::move(options));
}

void Device::run_one() {
    constexpr std::uint64_t kLookEveryNs = 2'000'000;
    io_.run_one();
    // Looking costs more than many an event does.
    if (!count_bytes_ || monotonic_ns() - looked_ns_ < kLookEveryNs) return;
    looked_ns_ = monotonic_ns();
    wire_.look();
}

Result<Device::Transfer> Device::push(bool count_bytes) {
    const std::uint64_t begun = monotonic_ns();
    auto options = options_;
    options.reads = false;
    start(std::move(options));
    asio::co_spawn(
        io_, runner_->keep(), [this](const std::exception_ptr&) { ended_ = Result<void>{}; });
    while (store_.oldest_unsent() != 0) {
        io_.run_one();
        if (!runner_->state().problem.empty())
            return fail(ErrorCode::kUnavailable, runner_->state().problem);
    }
    Transfer out{.seconds = seconds_since(begun), .bytes = {}};
    if (count_bytes) out.bytes = open_connections();
    return out;
}

Result<Device::Drained> Device::drain(Millis patience) {
    auto options = options_;
    options.reads = false;
    start(std::move(options));
    asio::co_spawn(
        io_, runner_->keep(), [this](const std::exception_ptr&) { ended_ = Result<void>{}; });
    const auto deadline = std::chrono::steady_clock::now() + patience;
    Drained out;
    for (auto before = store_.oldest_unsent(); before != 0;) {
        if (io_.run_one_until(deadline) == 0)
            return fail(ErrorCode::kUnavailable,
                        "not everything was acknowledged in time: " + runner_->state().problem);
        const auto now = store_.oldest_unsent();
        if (now == before) continue;
        const auto end =
            now == 0 ? store_.log().head().value_or(sync::LogHead{}).last_seq + 1 : now;
        out.acks.push_back({monotonic_ns(), end - before});
        before = now;
    }
    out.attempts = runner_->state().attempts;
    return out;
}

Result<void> Device::settle() {
    runner_->stop();
    while (!ended_ && io_.run_one() > 0) {
    }
    return {};
}

Result<Device::Transfer> Device::pull(bool count_bytes) {
    count_bytes_ = count_bytes;
    wire_ = {};
    const std::uint64_t begun = monotonic_ns();
    start(options_);
    asio::co_spawn(
        io_, runner_->once(), [this](const std::exception_ptr& broken, Result<void> end) {
            ended_ = broken ? fail(ErrorCode::kInternal, "the session threw") : std::move(end);
        });
    while (!ended_) run_one();
    count_bytes_ = false;
    if (!*ended_) return std::unexpected(ended_->error());
    return Transfer{.seconds = seconds_since(begun), .bytes = wire_.total()};
}

Result<Device::FirstSync> Device::first_sync(const std::function<store::SaveRequest()>& next) {
    constexpr std::chrono::milliseconds kSaveEvery{20};
    count_bytes_ = true;
    wire_ = {};
    FirstSync out;
    const std::uint64_t begun = monotonic_ns();
    start(options_);
    asio::co_spawn(
        io_, runner_->once(), [this](const std::exception_ptr& broken, Result<void> end) {
            ended_ = broken ? fail(ErrorCode::kInternal, "the session threw") : std::move(end);
        });
    const auto cursor_set = [this] {
        const auto cursor = store_.cursor(1);
        return cursor && *cursor;
    };
    Result<void> saved;
    bool done = false;
    const auto person = [&]() -> asio::awaitable<void> {
        asio::steady_timer due{io_};
        auto at = asio::steady_timer::clock_type::now();
        while (saved && !ended_ && !cursor_set()) {
            at += kSaveEvery;
            due.expires_at(at);
            co_await due.async_wait(asio::as_tuple(asio::use_awaitable));
            const auto result = store_.save(next());
            if (!result) saved = std::unexpected(result.error());
            const auto now = asio::steady_timer::clock_type::now();
            out.saves_ms.push_back(std::chrono::duration<double, std::milli>(now - at).count());
            at = std::max(at, now - kSaveEvery);  // a person does not make up for lost time
            runner_->nudge();
        }
        out.live_seconds = seconds_since(begun);
        done = true;
    };
    asio::co_spawn(io_, person(), asio::detached);
    while (!ended_ || !done) run_one();
    count_bytes_ = false;
    STREETLOG_CHECK(std::move(saved));
    if (!*ended_) return std::unexpected(ended_->error());
    out.transfer = {.seconds = seconds_since(begun), .bytes = wire_.total()};
    return out;
}

void Device::watch(std::uint16_t table) {
    start(options_);
    asio::co_spawn(io_, runner_->keep(), asio::detached);
    std::promise<void> in_step;
    watcher_ = std::thread{[this, table, &in_step] {
        // What another process of the agent would see: only what is committed.
        auto reader = store::Db::open(
            file_, store::Access::kRead, store::Durability::kFull, store::kAgentApplication);
        STREETLOG_ASSERT(reader.has_value());
        auto news =
            reader->prepare("SELECT eno, id FROM entity WHERE eno > ?1 AND tbl = ?2 ORDER BY eno");
        std::int64_t seen = 0;
        bool told = false;
        while (io_.run_one() > 0) {
            news.with(seen, table);
            while (news.step()) {
                seen = news.integer(0);
                if (!told) continue;  // it was there before
                EntityId id;
                std::ranges::copy(news.blob(1), id.bytes.begin());
                say({{"seen", client_id_text(id)}, {"t", std::to_string(monotonic_ns())}});
            }
            if (!told && runner_->state().in_step) {
                in_step.set_value();
                told = true;
            }
        }
    }};
    in_step.get_future().wait();
}

Result<std::uint64_t> Device::write_timed(const store::SaveRequest& request) {
    std::promise<Result<std::uint64_t>> written;
    asio::post(io_, [&] {
        const std::uint64_t start = monotonic_ns();
        auto saved = store_.save(request);
        runner_->nudge();
        if (saved) {
            written.set_value(start);
        } else {
            written.set_value(std::unexpected(saved.error()));
        }
    });
    return written.get_future().get();
}

}  // namespace streetlog::bench
