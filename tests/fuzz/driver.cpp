// Runs a target without libFuzzer: every file of the corpus, then mutations of them, drawn from a
// seed, for some seconds. Blind, but everywhere at hand; the preset `fuzz` is the thorough one.
//
//   TARGET [--seconds N] [--seed N] FILE_OR_FOLDER...
//
// An input that breaks the target is left in ./crash-TARGET.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.hpp"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kInputBytesMax = 16 * 1024;

const Bytes* running = nullptr;  // for the handler below, which may not allocate
char crash_file[256];

void keep_input() {
    if (running == nullptr) return;
    const int fd = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return;
    [[maybe_unused]] const auto written = ::write(fd, running->data(), running->size());
    ::close(fd);
    running = nullptr;
}

void on_signal(int number) {
    keep_input();
    std::signal(number, SIG_DFL);
    ::raise(number);
}

void run(const Bytes& input) {
    running = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    running = nullptr;
}

void read_into(std::vector<Bytes>& corpus, const fs::path& path) {
    if (fs::is_directory(path)) {
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator{path})
            if (entry.is_regular_file()) files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        for (const auto& file : files) read_into(corpus, file);
        return;
    }
    std::ifstream in{path, std::ios::binary};
    corpus.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
}

class Mutator {
  public:
    Mutator(const std::vector<Bytes>& corpus, std::uint64_t seed)
        : corpus_(corpus), random_(seed) {}

    Bytes next() {
        Bytes out = corpus_[below(corpus_.size())];
        for (std::size_t n = 1 + below(8); n > 0; --n) change(out);
        if (out.size() > kInputBytesMax) out.resize(kInputBytesMax);
        return out;
    }

  private:
    std::size_t below(std::size_t n) { return random_() % n; }

    void change(Bytes& out) {
        if (out.empty()) {
            out.resize(1 + below(16), static_cast<std::uint8_t>(random_()));
            return;
        }
        constexpr std::uint8_t kEdges[] = {0, 1, 0x7f, 0x80, 0xff, '"', ',', '\n', '{', '0', '-'};
        const std::size_t at = below(out.size());
        const auto place = out.begin() + static_cast<std::ptrdiff_t>(at);
        const auto some =
            static_cast<std::ptrdiff_t>(1 + below(std::min<std::size_t>(32, out.size() - at)));
        switch (below(8)) {
            case 0:
                out[at] ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 1:
                out[at] = static_cast<std::uint8_t>(random_());
                break;
            case 2:
                out[at] = kEdges[below(std::size(kEdges))];
                break;
            case 3:
                out.erase(place, place + some);
                break;
            case 4: {
                const Bytes part(place, place + some);
                out.insert(place, part.begin(), part.end());
                break;
            }
            case 5: {
                const Bytes& other = corpus_[below(corpus_.size())];
                if (other.empty()) break;
                const auto from = static_cast<std::ptrdiff_t>(below(other.size()));
                out.resize(at);
                out.insert(out.end(), other.begin() + from, other.end());
                break;
            }
            case 6: {
                const std::uint64_t n =
                    below(2) == 0 ? ~std::uint64_t{0} >> below(64) : std::uint64_t{1} << below(64);
                std::memcpy(&out[at], &n, std::min<std::size_t>(sizeof n, out.size() - at));
                break;
            }
            default:
                out.resize(at + 1);
        }
    }

    const std::vector<Bytes>& corpus_;
    std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::string name = fs::path{argv[0]}.filename().string();
    std::snprintf(crash_file, sizeof crash_file, "crash-%s", name.c_str());
    std::chrono::seconds seconds{0};
    std::uint64_t seed = 1;
    std::vector<Bytes> corpus;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word{argv[i]};
        if (word == "--seconds" && i + 1 < argc)
            seconds = std::chrono::seconds{std::atoi(argv[++i])};
        else if (word == "--seed" && i + 1 < argc)
            seed = std::strtoull(argv[++i], nullptr, 10);
        else
            read_into(corpus, word);
    }
    if (corpus.empty()) {
        fmt::print(stderr, "{}: the corpus is empty\n", name);
        return 2;
    }
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
    for (const int number : {SIGABRT, SIGSEGV, SIGILL, SIGBUS, SIGFPE})
        std::signal(number, on_signal);
    for (const auto& input : corpus) run(input);
    run({});
    Mutator mutator{corpus, seed};
    std::uint64_t runs = 0;
    const auto began = SteadyClock::now();
    for (; SteadyClock::now() - began < seconds; ++runs) run(mutator.next());
    fmt::print(
        "{}: {} inputs of the corpus, {} mutations (seed {})\n", name, corpus.size(), runs, seed);
    return 0;
}
