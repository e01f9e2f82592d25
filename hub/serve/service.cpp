#include "hub/serve/service.hpp"

#include <boost/asio/this_coro.hpp>

namespace streetlog::hub {

Service::Service(store::HubLog reader, Ledger ledger, Clock& clock, Random& random, Logger& log)
    : pages_(std::in_place, std::move(reader)) {
    const DeviceId hub = ledger.self().device;
    writer_ = std::make_unique<Writer>(
        std::move(ledger), WriterLimits{}, [this](store::HubHead head) { announce(head.seq); });
    shared_ = std::make_unique<Shared>(Shared{{*pages_, clock, random, log, hub}, *writer_});
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
    std::unique_ptr<Service> service{
        new Service{std::move(reader), std::move(ledger), clock, random, log}};
    net::ServerOptions server;
    server.address = options.address;
    server.port = options.port;
    auto* raw = service.get();
    service->snapshots_ = std::make_unique<SnapshotShelf>(
        SnapshotSource{options.directory, service->shared_->sides.hub, kScopeAll},
        options.snapshots,
        log,
        [raw] { raw->announce_snapshot(); });
    service->shared_->sides.snapshots = service->snapshots_.get();
    STREETLOG_CHECK(service->start_following(options.directory, log));
    STREETLOG_TRY(
        service->server_,
        net::WsServer::listen(
            io.get_executor(),
            server,
            [raw](std::shared_ptr<net::Channel> channel) { return raw->serve(std::move(channel)); },
            log));
    return service;
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
    pages_->follow(std::move(states));
    const std::lock_guard lock{mutex_};
    follower_ = std::move(follower);
    return {};
}

std::unique_ptr<FollowerThread> Service::take_follower() {
    const std::lock_guard lock{mutex_};
    return std::move(follower_);
}

net::asio::awaitable<void> Service::serve(std::shared_ptr<net::Channel> channel) {
    const auto executor = co_await net::asio::this_coro::executor;
    const auto connection = std::make_shared<Connection>(*shared_, std::move(channel), executor);
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
        connections_.push_back(connection);
    }
    co_await connection->run();
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
