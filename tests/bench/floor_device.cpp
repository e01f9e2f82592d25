#include "tests/bench/floor_device.hpp"

#include <future>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>

#include "tests/bench/floor_tls.hpp"

namespace streetlog::bench::floor {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;

constexpr int kWindow = 4;

}  // namespace

struct FloorDevice::Impl {
    using Stream = websocket::stream<beast::ssl_stream<tcp::socket>>;

    Impl(const std::filesystem::path& directory, std::uint16_t hub_port)
        : table(directory / "device.db"), port(hub_port) {}

    void connect() {
        ws.emplace(io, tls);
        auto& socket = beast::get_lowest_layer(*ws);
        socket.connect({asio::ip::address_v4::loopback(), port});
        socket.set_option(tcp::no_delay(true));
        ws->next_layer().handshake(asio::ssl::stream_base::client);
        ws->handshake("127.0.0.1", "/");
        ws->binary(true);
        ws->read_message_max(0);
    }

    /// On the listener's thread: a TLS stream is not for two.
    void read_on() {
        ws->async_read(news, [this](beast::error_code error, std::size_t n) {
            if (error) return;
            const std::string_view message{static_cast<const char*>(news.data().data()), n};
            if (message.starts_with('R')) {
                const auto rows = unpack(message.substr(1));
                table.insert(rows);
                for (const Row& row : rows) seen(row[0]);
            }
            news.consume(news.size());
            read_on();
        });
    }

    std::string_view read(beast::flat_buffer& buffer) {
        buffer.consume(buffer.size());
        const std::size_t n = ws->read(buffer);
        return {static_cast<const char*>(buffer.data().data()), n};
    }

    Table table;
    std::uint16_t port;
    asio::io_context io{1};
    asio::ssl::context tls = device_tls();
    std::optional<Stream> ws;
    beast::flat_buffer news;
    std::function<void(const std::string&)> seen;
    std::thread listener;
};

FloorDevice::FloorDevice(const std::filesystem::path& directory, std::uint16_t port)
    : impl_(std::make_unique<Impl>(directory, port)) {}

FloorDevice::~FloorDevice() {
    if (!impl_->listener.joinable()) return;
    asio::post(impl_->io, [this] {
        beast::error_code ignored;
        beast::get_lowest_layer(*impl_->ws).shutdown(tcp::socket::shutdown_both, ignored);
    });
    impl_->listener.join();
}

Table& FloorDevice::table() { return impl_->table; }

void FloorDevice::push() {
    impl_->connect();
    std::int64_t at = 0;
    int in_flight = 0;
    bool all_sent = false;
    beast::flat_buffer buffer;
    while (!all_sent || in_flight > 0) {
        while (in_flight < kWindow && !all_sent) {
            const auto rows = impl_->table.read(at);
            all_sent = rows.empty();
            if (all_sent) break;
            impl_->ws->write(asio::buffer(pack('P', rows)));
            ++in_flight;
        }
        if (in_flight == 0) break;
        static_cast<void>(impl_->read(buffer));
        --in_flight;
    }
}

void FloorDevice::pull() {
    impl_->connect();
    impl_->ws->write(asio::buffer(std::string{"Q"}));
    beast::flat_buffer buffer;
    for (auto message = impl_->read(buffer); !message.starts_with('E');
         message = impl_->read(buffer))
        impl_->table.insert(unpack(message.substr(1)));
}

void FloorDevice::listen(std::function<void(const std::string&)> seen) {
    impl_->connect();
    impl_->ws->write(asio::buffer(std::string{"L"}));
    beast::flat_buffer answer;
    static_cast<void>(impl_->read(answer));
    impl_->seen = std::move(seen);
    impl_->io.restart();
    impl_->read_on();
    impl_->listener = std::thread{[this] { impl_->io.run(); }};
}

void FloorDevice::write(const Row& row) {
    impl_->table.insert({&row, 1});
    const std::string message = pack('P', {&row, 1});
    std::promise<void> written;
    asio::post(impl_->io, [&] {
        impl_->ws->async_write(asio::buffer(message),
                               [&](beast::error_code, std::size_t) { written.set_value(); });
    });
    written.get_future().wait();
}

}  // namespace streetlog::bench::floor
