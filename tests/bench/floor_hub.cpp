#include "tests/bench/floor_hub.hpp"

#include <atomic>
#include <deque>
#include <future>
#include <set>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>

#include "tests/bench/floor_table.hpp"
#include "tests/bench/floor_tls.hpp"

namespace streetlog::bench::floor {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;

}  // namespace

/// First byte of a message: P rows pushed, A stored, Q send all, E end of it, L keep me posted, R
/// rows.
struct FloorHub::Impl {
    class Session;

    Impl(const std::filesystem::path& directory, std::uint16_t port)
        : table(directory / "hub.db"),
          acceptor(io, tcp::endpoint{asio::ip::address_v4::loopback(), port}) {
        accept();
        thread = std::thread{[this] { io.run(); }};
    }

    ~Impl() {
        io.stop();
        thread.join();
    }

    void accept();

    asio::io_context io{1};
    asio::ssl::context tls = hub_tls();
    Table table;
    tcp::acceptor acceptor;
    std::set<std::shared_ptr<Session>> sessions;
    std::atomic<std::uint64_t> received = 0;
    std::atomic<std::uint64_t> sent = 0;
    std::thread thread;
};

class FloorHub::Impl::Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, Impl& hub) : ws_(std::move(socket), hub.tls), hub_(hub) {}

    void start() {
        ws_.binary(true);
        ws_.read_message_max(0);
        beast::get_lowest_layer(ws_).set_option(tcp::no_delay(true));
        ws_.next_layer().async_handshake(asio::ssl::stream_base::server,
                                         [self = shared_from_this()](beast::error_code error) {
                                             if (!error) self->accept();
                                         });
    }

    void send(std::shared_ptr<const std::string> message) {
        waiting_.push_back(std::move(message));
        if (waiting_.size() == 1) write();
    }

  private:
    void accept() {
        ws_.async_accept([self = shared_from_this()](beast::error_code error) {
            if (error) return;
            self->hub_.sessions.insert(self);
            self->read();
        });
    }

    void read() {
        ws_.async_read(buffer_,
                       [self = shared_from_this()](beast::error_code error, std::size_t n) {
                           if (error) {
                               self->hub_.sessions.erase(self);
                               return;
                           }
                           self->hub_.received += n;
                           self->take({static_cast<const char*>(self->buffer_.data().data()), n});
                           self->buffer_.consume(self->buffer_.size());
                           self->read();
                       });
    }

    void write() {
        hub_.sent += waiting_.front()->size();
        ws_.async_write(asio::buffer(*waiting_.front()),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                            if (error) return;
                            self->waiting_.pop_front();
                            if (!self->waiting_.empty()) self->write();
                        });
    }

    void send(std::string text) { send(std::make_shared<const std::string>(std::move(text))); }

    void take(std::string_view message) {
        if (message.empty()) return;
        if (message[0] == 'P') {
            hub_.table.insert(unpack(message.substr(1)));
            send(std::string{"A"});
            std::shared_ptr<std::string> news;
            for (const auto& other : hub_.sessions) {
                if (other.get() == this || !other->live_) continue;
                if (!news) {
                    news = std::make_shared<std::string>(message);
                    (*news)[0] = 'R';
                }
                other->send(news);
            }
        } else if (message[0] == 'Q') {
            std::int64_t at = 0;
            for (auto rows = hub_.table.read(at); !rows.empty(); rows = hub_.table.read(at))
                send(pack('R', rows));
            send(std::string{"E"});
        } else if (message[0] == 'L') {
            live_ = true;
            send(std::string{"E"});
        }
    }

    websocket::stream<beast::ssl_stream<tcp::socket>> ws_;
    Impl& hub_;
    beast::flat_buffer buffer_;
    std::deque<std::shared_ptr<const std::string>> waiting_;
    bool live_ = false;
};

void FloorHub::Impl::accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
        if (!error) std::make_shared<Session>(std::move(socket), *this)->start();
        accept();
    });
}

FloorHub::FloorHub(const std::filesystem::path& directory, std::uint16_t port)
    : impl_(std::make_unique<Impl>(directory, port)) {}

FloorHub::~FloorHub() = default;

std::uint16_t FloorHub::port() const { return impl_->acceptor.local_endpoint().port(); }

WireBytes FloorHub::bytes() const { return {impl_->sent, impl_->received}; }

std::uint64_t FloorHub::count() {
    std::promise<std::uint64_t> counted;
    asio::post(impl_->io, [&] { counted.set_value(impl_->table.count()); });
    return counted.get_future().get();
}

}  // namespace streetlog::bench::floor
