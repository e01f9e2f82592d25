#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "hub/admin/admin.hpp"
#include "hub/serve/service.hpp"
#include "hub/trust/enrol.hpp"
#include "schema/hud/fields.hpp"
#include "sync/net/system_clock.hpp"
#include "sync/session/evidence.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/new_hub.hpp"
#include "tests/support/raw_ws.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::hub {

inline sync::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// The hub of `directory`, serving on loopback until the end of its life.
class RunningHub {
  public:
    explicit RunningHub(std::filesystem::path directory) : directory_(std::move(directory)) {}

    RunningHub(const RunningHub&) = delete;
    RunningHub& operator=(const RunningHub&) = delete;

    ~RunningHub() { stop(); }

    /// `address` and `port` as on the command line.
    [[nodiscard]] Result<void> start(std::string address = "127.0.0.1", std::uint16_t port = 0) {
        STREETLOG_TRY(auto ledger, Ledger::open(directory_, clock_));
        ServeOptions options;
        options.directory = directory_;
        options.address = std::move(address);
        options.port = port;
        STREETLOG_TRY(service_,
                      Service::start(io_, options, std::move(ledger), clock_, random_, log_));
        thread_ = std::thread([this] { io_.run(); });
        return {};
    }

    void stop() {
        if (!thread_.joinable()) return;
        boost::asio::co_spawn(io_, service_->stop(), boost::asio::use_future)
            .wait_for(std::chrono::seconds{20});
        io_.stop();
        thread_.join();
        service_.reset();
    }

    [[nodiscard]] std::uint16_t port() const { return service_->port(); }

    [[nodiscard]] Result<boost::json::object> admin(std::string_view command,
                                                    boost::json::object arguments = {}) {
        return service_->writer().run(
            [&](Ledger& ledger) { return Admin{ledger, admin_random_}.run(command, arguments); });
    }

    /// As a command does that a running hub is asked for.
    [[nodiscard]] Result<boost::json::object> command(std::string_view words,
                                                      boost::json::object arguments = {}) {
        auto out = admin(words, std::move(arguments));
        boost::asio::post(io_, [this] { service_->judge_connections(); });
        return out;
    }

    /// What the hub answers to a question of trust.
    [[nodiscard]] Result<net::TrustAnswer> ask(const net::TrustQuestion& question,
                                               const std::optional<net::Peer>& peer = {}) {
        STREETLOG_TRY(const auto authority, Authority::open(directory_));
        return service_->writer().run([&](Ledger& ledger) {
            return answer_question(
                ledger, authority, admin_random_, net::format_question(question), peer);
        });
    }

    /// As devices that were enrolled with this hub know it.
    [[nodiscard]] net::DeviceCredentials known() {
        net::DeviceCredentials out;
        if (const auto authority = Authority::open(directory_)) {
            out.root = authority->root();
            out.root_fingerprint = authority->root().fingerprint();
            out.hub = authority->hub().name();
        }
        out.now = clock_.now();
        return out;
    }

    [[nodiscard]] test::ManualClock& clock() { return clock_; }

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

    [[nodiscard]] std::uint64_t head() {
        return service_->writer().run([](Ledger& ledger) { return ledger.head().seq.value; });
    }

    /// Waits until the projection holds the whole log; the error that keeps it from that.
    [[nodiscard]] Result<void> follow() {
        std::promise<Result<void>> done;
        auto future = done.get_future();
        service_->follower().post([&](Follower& follower) { done.set_value(follower.catch_up()); });
        return future.get();
    }

  private:
    std::filesystem::path directory_;
    test::ManualClock clock_{net::SystemClock{}.now()};
    test::SeededRandom random_{1};
    test::SeededRandom admin_random_{2};
    NullLogger log_;
    boost::asio::io_context io_{1};
    std::unique_ptr<Service> service_;
    std::thread thread_;
};

/// A WebSocket to the hub that sends whatever it is told to.
class Peer {
  public:
    Peer(std::uint16_t port, const net::DeviceCredentials& credentials)
        : socket_(test::connect_upgraded(port, credentials)) {}

    [[nodiscard]] const test::RawSocket& socket() const { return socket_; }

    bool send(const sync::Message& message) const { return send(sync::encode_message(message)); }

    bool send(const sync::Bytes& bytes) const {
        const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
        return socket_.write(test::client_frame(test::Opcode::kBinary, text));
    }

    /// The next message; none once the hub has closed.
    std::optional<sync::Message> next() {
        while (auto frame = test::read_frame(socket_)) {
            if (frame->opcode == test::Opcode::kClose) close_code_ = frame->close_code();
            if (frame->opcode == test::Opcode::kClose) return std::nullopt;
            if (frame->opcode != test::Opcode::kBinary) continue;
            auto message = sync::decode_message(bytes_of(frame->payload));
            if (!message) return std::nullopt;
            return *std::move(message);
        }
        return std::nullopt;
    }

    /// The next message of kind `T`; those of other kinds are skipped.
    template <class T>
    std::optional<T> next_as() {
        while (auto message = next())
            if (auto* found = std::get_if<T>(&*message)) return std::move(*found);
        return std::nullopt;
    }

    /// Reads the whole log; how many of its records came hidden, or none when the hub gave up.
    std::optional<std::size_t> pull_all() {
        if (!send(sync::Pull{kScopeAll, {}, 1 << 30})) return std::nullopt;
        std::size_t hidden = 0;
        for (;;) {
            const auto page = next_as<sync::Page>();
            if (!page) return std::nullopt;
            for (const auto& run : page->runs) hidden += run.hidden.size();
            if (page->caught_up) return hidden;
        }
    }

    /// What the hub closed with, after next() has given none.
    [[nodiscard]] int close_code() const { return close_code_; }

    void hang_up() { socket_.close(); }

  private:
    test::RawSocket socket_;
    int close_code_ = 0;
};

/// What hands over `records`, which follow the one whose chain hash is `prev`.
inline sync::Push push_of(std::uint64_t first_seq,
                          const sync::Hash& prev,
                          std::span<const sync::EncodedRecord> records) {
    sync::Push push;
    push.first_seq = first_seq;
    push.count = static_cast<std::uint32_t>(records.size());
    push.prev_hash = push.head_hash = prev;
    std::vector<sync::EncodedView> views;
    for (const auto& record : records) {
        views.push_back(sync::view_of(record));
        push.head_hash = sync::chain_hash(push.head_hash, sync::hash_of(views.back()));
    }
    push.body = sync::encode_batch(views);
    push.raw_bytes = static_cast<std::uint32_t>(push.body.size());
    return push;
}

/// A device that was let in, and the records it has made.
class TestDevice {
  public:
    /// Enrols with what `device add` gave out.
    TestDevice(RunningHub& hub, const boost::json::object& enrolled, std::uint64_t seed)
        : random_(seed), credentials_(hub.known()) {
        replica_ = {parse_id<DeviceId>(enrolled.at("device").as_string()).value(), 1};
        credentials_.key = sync::SigningKey::make(random_);
        net::TrustQuestion question;
        question.kind = net::TrustQuestion::Kind::kEnrol;
        question.device = enrolled.at("device").as_string();
        question.code = enrolled.at("code").as_string();
        question.request = net::make_request(*credentials_.key);
        const auto granted = hub.ask(question);
        EXPECT_TRUE(granted) << granted.error().message;
        if (granted) credentials_.chain = net::read_chain(granted->chain).value();
    }

    [[nodiscard]] const net::DeviceCredentials& credentials() const { return credentials_; }

    [[nodiscard]] net::DeviceCredentials& credentials() { return credentials_; }

    [[nodiscard]] const sync::Replica& replica() const { return replica_; }

    /// Signed together with the challenge, so that it is good for that connection alone.
    [[nodiscard]] sync::Hello hello(const sync::Challenge& challenge = {}) const {
        sync::Hello out;
        out.replica = replica_;
        out.last_seq = seq_;
        out.head_hash = head_;
        out.scopes = {{kScopeAll, {}, {}}};
        out.signature = sync::sign_hello(*credentials_.key, challenge.nonce, out);
        return out;
    }

    [[nodiscard]] sync::Push sign(sync::Push push) const {
        push.signature = sync::sign_batch(
            *credentials_.key, replica_, push.first_seq + push.count - 1, push.head_hash);
        return push;
    }

    /// Makes one more record, a client, and the Push that hands it over.
    [[nodiscard]] sync::Push save() { return push_of({client()}); }

    /// The next record: one more client, changed as `change` likes.
    [[nodiscard]] sync::EncodedRecord client(
        const std::function<void(sync::Record&)>& change = {}) {
        sync::Record record;
        record.header.replica = replica_;
        record.header.seq = ++made_;
        record.header.kind = sync::EventKind::kIntake;
        record.ops = {{.entity = random_.id<EntityId>(),
                       .kind = sync::OpKind::kCreate,
                       .table = hud::tbl::kClient,
                       .group = hud::grp::kClientName,
                       .cells = {{hud::col::client::kFirstName, std::string{"Ann"}}}}};
        if (change) change(record);
        return sync::encode(record);
    }

    /// The next record as a broken device makes it: without a header and without ops.
    [[nodiscard]] sync::EncodedRecord nothing() {
        ++made_;
        return {};
    }

    /// The Push of the records made since the last one.
    [[nodiscard]] sync::Push push_of(const std::vector<sync::EncodedRecord>& records) {
        sync::Push push = sign(hub::push_of(seq_ + 1, head_, records));
        seq_ = made_;
        head_ = push.head_hash;
        return push;
    }

  private:
    test::SeededRandom random_;
    sync::Replica replica_;
    net::DeviceCredentials credentials_;
    std::uint64_t made_ = 0;
    std::uint64_t seq_ = 0;  // last record of the last push
    sync::Hash head_{};      // there
};

/// A hub, and a device that came before the peers that mean it ill.
class ServeTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(test::init_hub(dir_.path(), random_));
        const auto started = hub_.start();
        ASSERT_TRUE(started) << started.error().message;
        honest_ = std::make_unique<TestDevice>(hub_, enrolled("tablet 1"), 1);
        peer_ = std::make_unique<Peer>(hub_.port(), honest_->credentials());
        enter(*peer_, *honest_);
    }

    /// What every test ends with: the device that came first, and one that comes now, are served,
    /// and every record of the log is whole.
    void expect_all_is_well(std::uint64_t more_records = 0) {
        hand_over(*peer_, *honest_);
        TestDevice late = enrol("tablet 99");
        Peer peer{hub_.port(), late.credentials()};
        enter(peer, late);
        hand_over(peer, late);
        const auto verified = hub_.admin("verify");
        ASSERT_TRUE(verified) << verified.error().message;
        EXPECT_EQ(verified->at("records").to_number<std::uint64_t>(),
                  enrolled_ + handed_over_ + more_records);
        const auto followed = hub_.follow();
        EXPECT_TRUE(followed) << followed.error().message;
    }

    /// What `device add` gives out.
    boost::json::object enrolled(const std::string& name) {
        auto added = hub_.admin("device add", {{"name", name}});
        EXPECT_TRUE(added);
        enrolled_ += 2;  // a record when it is added, one when it enrols
        return added.value_or(boost::json::object{});
    }

    TestDevice enrol(const std::string& name) { return {hub_, enrolled(name), enrolled_ + 1}; }

    static void enter(Peer& peer, const TestDevice& device) {
        const auto challenge = peer.next_as<sync::Challenge>();
        ASSERT_TRUE(challenge);
        ASSERT_TRUE(peer.send(device.hello(*challenge)));
        const auto ack = peer.next_as<sync::HelloAck>();
        ASSERT_TRUE(ack);
        ASSERT_EQ(ack->verdict, sync::HelloVerdict::kOk);
    }

    void hand_over(Peer& peer, TestDevice& device) {
        const auto push = device.save();
        ASSERT_TRUE(peer.send(push));
        const auto ack = peer.next_as<sync::PushAck>();
        ASSERT_TRUE(ack);
        EXPECT_EQ(ack->acked_seq, push.first_seq);
        EXPECT_TRUE(ack->exceptions.empty());
        ++handed_over_;
    }

    /// Reads on until the hub closes, which it must do with `code` as its last word.
    static void expect_end(Peer& peer, sync::WireCode code, std::string_view about = "") {
        std::optional<sync::ErrorMessage> last;
        while (auto message = peer.next()) {
            last.reset();
            if (auto* error = std::get_if<sync::ErrorMessage>(&*message)) last = *error;
        }
        ASSERT_TRUE(last);
        EXPECT_EQ(sync::name_of(last->code), sync::name_of(code));
        EXPECT_FALSE(last->detail.empty());
        EXPECT_NE(last->detail.find(about), std::string::npos) << last->detail;
        EXPECT_EQ(peer.close_code(), 1000);
    }

    test::TempDir dir_;
    test::SeededRandom random_{3};
    RunningHub hub_{dir_.path()};
    std::unique_ptr<TestDevice> honest_;
    std::unique_ptr<Peer> peer_;
    std::uint64_t enrolled_ = 0;
    std::uint64_t handed_over_ = 0;
};

}  // namespace streetlog::hub
