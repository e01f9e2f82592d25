#include "hub/serve/service.hpp"

#include <boost/asio/this_coro.hpp>

#include "hub/serve/elsewhere.hpp"
#include "hub/trust/ca_commands.hpp"
#include "hub/trust/enrol.hpp"

namespace streetlog::hub {
namespace {

/// A device that is revoked by any other way than a command of this hub is out after so long.
constexpr std::chrono::seconds kWatchEvery{20};

}  // namespace

Service::Service(net::asio::io_context& io,
                 store::HubLog reader,
                 Authority authority,
                 Ledger ledger,
                 std::unique_ptr<HighWaterFile> high_water,
                 Clock& clock,
                 Random& random,
                 Logger& log)
    : pages_(std::in_place, std::move(reader)),
      authority_(std::make_unique<Authority>(std::move(authority))),
      watching_(io) {
    const DeviceId hub = ledger.self().device;
    const auto key = ledger.key();
    writer_ = std::make_unique<Writer>(
        std::move(ledger),
        WriterLimits{},
        [this](store::HubHead head) { announce(head.seq); },
        std::move(high_water));
    shared_ = std::make_unique<Shared>(Shared{{*pages_, clock, random, log, hub, key}, *writer_});
    if (key) shared_->sides.carried = &carried_;
}

Service::~Service() {
    // The follower asks the writer for links, and what the writer still does may announce to the
    // connections and wake the follower: so the writer outlives the follower's work, not the other
    // way round.
    server_.reset();
    // The last connection to close takes the write-ahead log into the database, if it may write.
    pages_.reset();
    {
        const std::unique_ptr<FollowerThread> ending = take_follower();
    }
    snapshots_.reset();
    writer_.reset();
}

Result<std::unique_ptr<Service>> Service::start(net::asio::io_context& io,
                                                const ServeOptions& options,
                                                Ledger ledger,
                                                Clock& clock,
                                                Random& random,
                                                Logger& log) {
    STREETLOG_TRY(auto reader, store::HubLog::open(options.directory, store::Access::kRead));
    STREETLOG_TRY(auto authority, Authority::open(options.directory));
    auto high_water = options.high_water.empty()
                          ? nullptr
                          : std::make_unique<HighWaterFile>(options.high_water, log);
    std::unique_ptr<Service> service{new Service{io,
                                                 std::move(reader),
                                                 std::move(authority),
                                                 std::move(ledger),
                                                 std::move(high_water),
                                                 clock,
                                                 random,
                                                 log}};
    STREETLOG_CHECK(service->authority_->renew_hub(clock.now(), service->serials_));
    auto* raw = service.get();
    service->snapshots_ = std::make_unique<SnapshotShelf>(
        SnapshotSource{
            options.directory, service->shared_->sides.hub, kScopeAll, service->shared_->sides.key},
        options.snapshots,
        log,
        [raw] { raw->announce_snapshot(); });
    service->shared_->sides.snapshots = service->snapshots_.get();
    STREETLOG_CHECK(service->start_following(options.directory, log));
    STREETLOG_CHECK(service->listen(io, options));
    service->watch();
    return service;
}

Result<void> Service::listen(net::asio::io_context& io, const ServeOptions& options) {
    net::ServerOptions server;
    server.address = options.address;
    server.port = options.port;
    const net::Admit let_in = [this](const net::Peer& peer) { return admit(pages_->log(), peer); };
    net::HubTls tls{
        authority_->credentials(), let_in, [this] { return shared_->sides.clock.now(); }};
    net::WsServer::Handlers handlers;
    handlers.sync = [this](std::shared_ptr<net::Channel> channel, net::Peer who) {
        return serve(std::move(channel), who);
    };
    handlers.trust = [this](std::string question, std::optional<net::Peer> who) {
        return answer(std::move(question), who);
    };
    STREETLOG_TRY(
        server_,
        net::WsServer::listen(
            io.get_executor(), server, std::move(tls), std::move(handlers), shared_->sides.log));
    return {};
}

Result<void> Service::start_following(const std::filesystem::path& directory, Logger& log) {
    STREETLOG_TRY(auto reader, store::HubLog::open(directory, store::Access::kRead));
    STREETLOG_TRY(auto projection, HubProjection::open(directory, shared_->sides.hub));
    Author author = [writer = writer_.get()](Drafts drafts) {
        return writer->run([&](Ledger& ledger) { return ledger.author_all(std::move(drafts)); });
    };
    auto follower = std::make_unique<FollowerThread>(
        Follower{std::move(projection), std::move(reader), std::move(author)},
        log,
        [this](HubSeq at) { announce_projection(at); });
    STREETLOG_TRY(auto states, StatePages::open(directory));
    STREETLOG_CHECK(store::guarded_job([&]() -> Result<void> {
        pages_->follow(std::move(states));
        return {};
    }));
    const std::lock_guard lock{mutex_};
    follower_ = std::move(follower);
    return {};
}

std::unique_ptr<FollowerThread> Service::take_follower() {
    const std::lock_guard lock{mutex_};
    return std::move(follower_);
}

net::asio::awaitable<void> Service::serve(std::shared_ptr<net::Channel> channel, net::Peer who) {
    const auto executor = co_await net::asio::this_coro::executor;
    const auto connection =
        std::make_shared<Connection>(*shared_, std::move(channel), who, executor);
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
        connections_.push_back(connection);
    }
    co_await connection->run();
}

net::asio::awaitable<std::string> Service::answer(std::string question,
                                                  std::optional<net::Peer> who) {
    auto ask = [&](auto done) {
        writer_->post([this, question, who, done](Ledger& ledger) mutable {
            const auto answer = answer_question(ledger, *authority_, serials_, question, who);
            if (answer)
                shared_->sides.log.event(LogLevel::kInfo, "certificate_granted");
            else
                shared_->sides.log.event(
                    LogLevel::kWarning, "certificate_refused", {{"code", answer.error().code}});
            done(net::format_answer(answer));
        });
    };
    co_return co_await elsewhere<std::string>(std::move(ask));
}

void Service::judge_connections() {
    std::vector<std::shared_ptr<Connection>> all;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& weak : connections_)
            if (auto connection = weak.lock()) all.push_back(std::move(connection));
    }
    const Instant now = shared_->sides.clock.now();
    for (const auto& connection : all) {
        const auto& who = connection->who();
        const auto admission = store::guarded_job(
            [&]() -> Result<net::Admission> { return admit(pages_->log(), who); });
        if (!admission) continue;  // the log cannot be read now; the next look will
        if (*admission != net::Admission::kWelcome)
            connection->close(sync::WireCode::kRevoked, "the office does not let this device in");
        else if (who.validity == net::Validity::kCurrent && now > who.until)
            connection->close(sync::WireCode::kMaintenance, "the certificate has lapsed");
    }
}

void Service::watch() {
    watching_.expires_after(kWatchEvery);
    watching_.async_wait([this](const boost::system::error_code& stopped) {
        if (stopped) return;
        judge_connections();
        writer_->post([this](Ledger& ledger) {
            const auto renewed = authority_->renew_hub(ledger.now(), serials_);
            if (!renewed)
                shared_->sides.log.event(LogLevel::kError,
                                         "hub_certificate_not_renewed",
                                         {{"code", renewed.error().code}});
            else if (*renewed)
                server_->renew(authority_->credentials());
        });
        watch();
    });
}

void Service::take_issuer(const boost::json::object& arguments,
                          std::function<void(Result<boost::json::object>)> done) {
    writer_->post([this, issuer = issuer_in(arguments), done = std::move(done)](Ledger& ledger) {
        auto taken = [&]() -> Result<boost::json::object> {
            if (!issuer) return std::unexpected(issuer.error());
            STREETLOG_CHECK(authority_->take_issuer(*issuer, ledger.now(), serials_));
            server_->renew(authority_->credentials());
            shared_->sides.log.event(LogLevel::kInfo, "issuer_renewed");
            return shown_authority(*authority_);
        };
        done(taken());
    });
}

void Service::announce(HubSeq head) {
    const std::lock_guard lock{mutex_};
    if (follower_) follower_->wake();
    for (const auto& weak : connections_)
        if (const auto connection = weak.lock()) connection->feed(head);
}

void Service::announce_projection(HubSeq at) {
    snapshots_->projection_at(at);
    const std::lock_guard lock{mutex_};
    for (const auto& weak : connections_)
        if (const auto connection = weak.lock()) connection->projected(at);
}

void Service::announce_snapshot() {
    const std::lock_guard lock{mutex_};
    for (const auto& weak : connections_)
        if (const auto connection = weak.lock()) connection->snapshot();
}

net::asio::awaitable<void> Service::stop() {
    watching_.cancel();
    {
        const std::lock_guard lock{mutex_};
        for (const auto& weak : connections_) {
            if (const auto connection = weak.lock())
                connection->close(sync::WireCode::kMaintenance, "the hub is stopping");
        }
    }
    co_await server_->stop(Millis{10'000});
}

}  // namespace streetlog::hub
