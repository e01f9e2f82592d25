#include "tests/bench/preload.hpp"

#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "sync/change/codec.hpp"
#include "sync/change/hlc.hpp"
#include "sync/net/beast_client.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/session/agent_session.hpp"
#include "sync/timeliness/evidence.hpp"
#include "tests/bench/device.hpp"
#include "tests/bench/load.hpp"

namespace streetlog::bench {
namespace {

constexpr std::uint64_t kSeed = 0x10ad;
constexpr std::int64_t kMeanStepMs = 20'000;

/// A log that is made while it is read. It forgets what lies behind the newest run, so a rewind
/// ends the preload with an error.
class FlowingLog final : public sync::AgentLog {
  public:
    FlowingLog(const sync::Replica& self, std::uint64_t records, Instant start, PreloadOf of)
        : self_(self), of_(of), load_(kSeed, self, start), records_(records) {
        // The hash of the whole log stands in Hello; so all is made twice, once to hash it.
        Load once{kSeed, self, start};
        sync::Hlc clock;
        for (std::uint64_t seq = 1; seq <= records; ++seq)
            head_ = sync::chain_hash(head_, hash_of(encode(once, clock, seq)));
    }

    Result<sync::LogHead> head() override {
        sync::LogHead out;
        out.replica = self_;
        out.last_seq = records_;
        out.head_hash = head_;
        return out;
    }

    Result<sync::PushRun> read_run(std::uint64_t first_seq,
                                   std::uint32_t max_records,
                                   std::size_t max_bytes) override {
        if (first_seq != next_) return fail(ErrorCode::kNotFound, "the preload cannot go back");
        sync::PushRun run;
        run.first_seq = next_;
        run.prev_hash = chain_;
        std::size_t bytes = 0;
        while (next_ <= records_ && run.records.size() < max_records) {
            if (!ahead_) ahead_ = encode(load_, clock_, next_);
            bytes += ahead_->header.size();
            for (const auto& op : ahead_->ops) bytes += op.size();
            if (!run.records.empty() && bytes > max_bytes) break;
            chain_ = sync::chain_hash(chain_, hash_of(*ahead_));
            chains_.push_back(chain_);
            run.records.push_back(*std::move(ahead_));
            ahead_.reset();
            ++next_;
        }
        run.head_hash = chain_;
        return run;
    }

    Result<std::optional<sync::Hash>> hash_at(std::uint64_t seq) override {
        if (seq == 0) return sync::Hash{};
        if (seq > chains_.size()) return std::nullopt;
        return chains_[seq - 1];
    }

    Result<std::vector<sync::ScopeCursor>> cursors() override {
        return std::vector<sync::ScopeCursor>{};
    }

    Result<std::vector<sync::PageRun>> hub_runs(const std::vector<sync::OlderReplica>&,
                                                const sync::RecordKey&,
                                                std::size_t) override {
        return std::vector<sync::PageRun>{};
    }

  private:
    static sync::Hash hash_of(const sync::EncodedRecord& record) {
        return sync::hash_of(sync::view_of(record));
    }

    sync::EncodedRecord encode(Load& load, sync::Hlc& clock, std::uint64_t seq) const {
        auto request =
            of_ == PreloadOf::kTown && seq % 2 == 1 ? load.intake_of_one().first : load.next();
        sync::Record record{std::move(request.header), std::move(request.ops)};
        record.header.replica = self_;
        record.header.seq = seq;
        record.header.schema = 1;
        record.header.hlc = clock.tick(record.header.recorded);
        return sync::encode(record);
    }

    sync::Replica self_;
    PreloadOf of_;
    Load load_;
    std::uint64_t records_;
    sync::Hash head_{};
    sync::Hlc clock_;
    std::uint64_t next_ = 1;
    sync::Hash chain_{};
    std::vector<sync::Hash> chains_;  // of every record handed out; receipts are held against it
    std::optional<sync::EncodedRecord> ahead_;
};

net::asio::awaitable<Result<void>> drive(Enrolment enrolment, sync::AgentLog& log) {
    net::ConnectOptions connect;
    connect.host = "127.0.0.1";
    connect.port = enrolment.port;
    connect.credentials = enrolment.credentials;
    auto connected = co_await net::connect(connect);
    if (!connected) co_return std::unexpected(connected.error());
    const auto channel = *std::move(connected);
    net::SystemClock clock;
    sync::ClockWitness witness{std::nullopt};
    sync::AgentSessionConfig config;
    config.bundle = 1;
    config.reads = false;
    config.key = enrolment.credentials.key;
    sync::AgentSession session{log, config};
    while (!session.all_acked()) {
        auto message = co_await channel->receive();
        if (!message) co_return std::unexpected(message.error());
        session.on_message(*message, witness.witness(clock.read()));
        for (auto& action : session.take_actions()) {
            if (auto* send = std::get_if<sync::Send>(&action)) {
                const auto lane = send->lane == sync::SendLane::kControl ? net::Lane::kControl
                                                                         : net::Lane::kRecords;
                if (auto sent = channel->send(std::move(send->bytes), lane); !sent)
                    co_return std::unexpected(sent.error());
            } else if (const auto* fatal = std::get_if<sync::Fatal>(&action)) {
                co_return std::unexpected(fatal->error);
            } else if (const auto* retry = std::get_if<sync::Retry>(&action)) {
                co_return fail(ErrorCode::kUnavailable, retry->reason);
            }
        }
    }
    channel->close(net::CloseReason::kNormal);
    co_return Result<void>{};
}

}  // namespace

Result<void> preload(const std::filesystem::path& file,
                     std::uint16_t port,
                     std::uint64_t records,
                     PreloadOf of) {
    STREETLOG_TRY(auto enrolment, read_enrolment(file));
    enrolment.port = port;
    net::SystemClock clock;
    const Instant start{clock.now().ms - static_cast<std::int64_t>(records) * kMeanStepMs};
    FlowingLog log{{enrolment.device, 1}, records, start, of};
    net::asio::io_context io{1};
    std::optional<Result<void>> outcome;
    net::asio::co_spawn(io,
                        drive(std::move(enrolment), log),
                        [&](const std::exception_ptr& broken, Result<void> end) {
                            outcome = broken ? fail(ErrorCode::kInternal, "the session threw")
                                             : std::move(end);
                        });
    io.run();
    return outcome ? *outcome : fail(ErrorCode::kInternal, "the session did not end");
}

}  // namespace streetlog::bench
