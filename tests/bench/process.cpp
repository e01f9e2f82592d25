#include "tests/bench/process.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/role.hpp"

namespace streetlog::bench {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Pipe {
    int read = -1;
    int write = -1;

    Pipe() {
        std::array<int, 2> ends{};
        STREETLOG_ASSERT(::pipe2(ends.data(), O_CLOEXEC) == 0);
        read = ends[0];
        write = ends[1];
    }
};

Result<pid_t> spawn(const std::vector<std::string>& command, int in, int out, int err) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (err >= 0) ::posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    pid_t pid = -1;
    const int failed = ::posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0)
        return fail(ErrorCode::kUnavailable, fmt::format("cannot start {}", command.front()));
    return pid;
}

std::string read_all(int fd) {
    std::string out;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
        out.append(buffer.data(), static_cast<std::size_t>(n));
    return out;
}

}  // namespace

Result<Process> Process::start(const std::vector<std::string>& command, const fs::path& log) {
    const Pipe in;
    const Pipe out;
    const int err =
        log.empty() ? -1 : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const auto pid = spawn(command, in.read, out.write, err);
    if (err >= 0) ::close(err);
    ::close(in.read);
    ::close(out.write);
    if (!pid) return std::unexpected(pid.error());
    return Process{*pid, in.write, out.read};
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, -1)),
      next_id_(other.next_id_),
      next_answer_(other.next_answer_),
      unread_(std::move(other.unread_)),
      answers_(std::move(other.answers_)),
      news_(std::move(other.news_)) {}

Process::~Process() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (in_ >= 0) ::close(in_);
    if (out_ >= 0) ::close(out_);
}

void Process::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

Result<void> Process::send(std::string_view name, json::value arg) {
    const std::string text =
        json::serialize(json::object{{"id", next_id_++}, {"cmd", name}, {"arg", std::move(arg)}}) +
        "\n";
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = ::write(in_, text.data() + done, text.size() - done);
        if (n <= 0) return fail(ErrorCode::kUnavailable, "a process of the run has ended");
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Result<std::string> Process::line() {
    std::array<char, 16384> buffer{};
    for (;;) {
        if (const auto end = unread_.find('\n'); end != std::string::npos) {
            std::string out = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            return out;
        }
        const ssize_t n = ::read(out_, buffer.data(), buffer.size());
        if (n <= 0) return fail(ErrorCode::kUnavailable, "a process of the run has ended");
        unread_.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

Result<json::value> Process::answer() {
    while (answers_.empty()) {
        STREETLOG_TRY(const auto text, line());
        boost::system::error_code failed;
        auto value = json::parse(text, failed);
        if (failed) return fail(ErrorCode::kMalformed, "a process said: " + text);
        (find(value, "id") != nullptr ? answers_ : news_).push_back(std::move(value));
    }
    const auto value = std::move(answers_.front());
    answers_.pop_front();
    if (const auto* id = find(value, "id"); *id != next_answer_++)
        return fail(ErrorCode::kInternal, "answers came out of order");
    if (const auto* ok = find(value, "ok"); ok != nullptr) return *ok;
    const auto why = text_of(value, "err");
    return fail(ErrorCode::kUnavailable, why ? *why : "an answer without a reason");
}

Result<json::value> Process::ask(std::string_view name, json::value arg) {
    STREETLOG_CHECK(send(name, std::move(arg)));
    return answer();
}

Result<json::value> Process::news() {
    if (news_.empty()) {
        STREETLOG_TRY(const auto text, line());
        boost::system::error_code failed;
        auto value = json::parse(text, failed);
        if (failed || find(value, "id") != nullptr)
            return fail(ErrorCode::kMalformed, "a process said: " + text);
        return value;
    }
    auto value = std::move(news_.front());
    news_.pop_front();
    return value;
}

Usage Process::usage() const {
    Usage out;
    const fs::path proc = fmt::format("/proc/{}", pid_);
    std::error_code ignored;
    for (const auto& task : fs::directory_iterator{proc / "task", ignored}) {
        std::ifstream in{task.path() / "schedstat"};
        double on_cpu_ns = 0;
        if (in >> on_cpu_ns) out.cpu_seconds += on_cpu_ns / 1e9;
    }
    std::ifstream status{proc / "status"};
    for (std::string name; std::getline(status, name);) {
        constexpr std::string_view kPeak = "VmHWM:";
        if (name.starts_with(kPeak))
            out.rss_peak_mib = std::strtod(name.c_str() + kPeak.size(), nullptr) / 1024;
    }
    return out;
}

Result<json::value> run_program(const std::vector<std::string>& command) {
    const Pipe in;
    const Pipe out;
    const auto pid = spawn(command, in.read, out.write, -1);
    ::close(in.read);
    ::close(in.write);
    ::close(out.write);
    if (!pid) {
        ::close(out.read);
        return std::unexpected(pid.error());
    }
    const std::string said = read_all(out.read);
    ::close(out.read);
    int status = 0;
    ::waitpid(*pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(
            WIFEXITED(status) ? static_cast<ErrorCode>(WEXITSTATUS(status)) : ErrorCode::kInternal,
            fmt::format("{} failed", fmt::join(command, " ")));
    boost::system::error_code failed;
    auto value = json::parse(said, failed);
    if (failed) return json::value{json::object{}};
    return value;
}

fs::path own_program() { return fs::read_symlink("/proc/self/exe"); }

}  // namespace streetlog::bench
