// `access_state` of one account by HTTP, against an empty handler of the same HTTP library.
//
//   access_http SALDOD [ACCOUNTS [SECONDS [RUNS]]]
//
// Makes books of ACCOUNTS accounts (10,000; see books.h), closes a day, and has `wrk` ask, with 8
// kept-alive connections for SECONDS (3), in turns: saldod for the access of one account, and a
// server of cpp-httplib whose handler answers nothing. The answer asked for is compared with what
// the database says. Prints the requests a second of both, their ratio, and its spread over RUNS
// (5) runs.
#include <httplib.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <thread>

#include "books.h"

using namespace saldo_bench;

namespace {

// What a command prints.
std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) fail("cannot run " + command);
  std::string output;
  std::array<char, 4096> piece;
  while (const auto size = std::fread(piece.data(), 1, piece.size(), pipe))
    output.append(piece.data(), size);
  if (pclose(pipe) != 0) fail(command + " failed: " + output);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

// A program that listens, and says on its first line where; ended with us.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) fail("cannot make a pipe");
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      std::vector<char*> argv;
      for (auto& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    FILE* out = fdopen(ends[0], "r");
    std::array<char, 256> line{};
    if (std::fgets(line.data(), line.size(), out) == nullptr) fail(arguments[0] + " did not start");
    const std::string text(line.data());
    port_ = std::atoi(text.substr(text.rfind(':') + 1).c_str());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
  }
  int port() const { return port_; }

 private:
  pid_t process_ = -1;
  int port_ = 0;
};

double requests_per_second(int port, const std::string& path, const std::string& token,
                           int seconds) {
  const std::string report =
      output_of("wrk -t2 -c8 -d" + std::to_string(seconds) + "s -H 'Authorization: Bearer " +
                token + "' http://127.0.0.1:" + std::to_string(port) + path);
  if (report.find("Non-2xx") != std::string::npos) fail("not all answers were 200:\n" + report);
  const auto found = report.find("Requests/sec:");
  if (found == std::string::npos) fail("wrk said:\n" + report);
  return std::atof(report.c_str() + found + 13);
}

// A server of the library as it comes, but for connections that stay open.
int serve_nothing() {
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.Get("/", [](const httplib::Request& /*request*/, httplib::Response& /*response*/) {});
  std::printf("http://127.0.0.1:%d\n", server.bind_to_any_port("127.0.0.1"));
  std::fflush(stdout);
  server.listen_after_bind();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--nothing") return serve_nothing();
  if (argc < 2) fail("usage: access_http SALDOD [ACCOUNTS [SECONDS [RUNS]]]");
  const std::string saldod = argv[1];
  const int accounts = argc > 2 ? std::atoi(argv[2]) : 10'000;
  const int seconds = argc > 3 ? std::atoi(argv[3]) : 3;
  const int runs = argc > 4 ? std::atoi(argv[4]) : 5;
  if (accounts < 2 || seconds < 1 || runs < 1)
    fail("ACCOUNTS is 2 or more, SECONDS and RUNS 1 or more");

  const Folder folder;
  const std::string path = folder.file("books.db");
  constexpr const char* kNow = "2026-03-02T12:00:00Z";
  constexpr const char* kAccount = "2";  // its money lasts for about a month
  std::string state;
  {
    Database db(path);
    db.load((std::filesystem::path(saldod).parent_path() / "saldo.so").c_str());
    make_books(db, accounts);
    db.execute(
        "INSERT INTO adjustment(account_id, amount, kind, effective_at)"
        " SELECT account_id, sum(amount) - balance, 'refund', '2026-03-01T10:00:00Z'"
        " FROM account_balance JOIN daily_charge USING (account_id)"
        " WHERE account_id = 2 AND daily_charge.day BETWEEN '2026-03-01' AND '2026-03-31'");
    record_day(db, "2026-03-01", 1, accounts);
    db.execute(
        "INSERT INTO day_close(day, closed_at) VALUES ('2026-03-01', '2026-03-02T00:00:00Z')");
    state = db.value(std::string("SELECT state || ' ' || balance || ' ' || lasts_until FROM "
                                 "access_state WHERE account_id = ") +
                     kAccount + " AND at = '" + kNow + "'");
  }
  const std::string token =
      output_of(saldod + " token create --database " + path + " --role crm --name bench");
  const Child server({saldod, "serve", "--database", path, "--listen", "127.0.0.1:0",
                      "--test-clock", "--log-level", "warning"});
  const Child nothing({std::filesystem::read_symlink("/proc/self/exe").string(), "--nothing"});

  const std::string route = std::string("/v1/accounts/") + kAccount + "/access?at=" + kNow;
  httplib::Client client("127.0.0.1", server.port());
  const auto answer = client.Get(route, {{"Authorization", "Bearer " + token}});
  if (!answer || answer->status != 200) fail("the access route did not answer 200");
  for (const auto& part : {state.substr(0, state.find(' ')), state.substr(state.rfind(' ') + 1)}) {
    if (answer->body.find("\"" + part + "\"") == std::string::npos)
      fail("the answer is not what the database says");
  }

  std::vector<double> ratios;
  std::printf("%d accounts\n%10s %10s %8s\n", accounts, "access/s", "empty/s", "ratio");
  for (int run = 0; run < runs; ++run) {
    const double access = requests_per_second(server.port(), route, token, seconds);
    const double empty = requests_per_second(nothing.port(), "/", token, seconds);
    ratios.push_back(access / empty);
    std::printf("%10.0f %10.0f %8.2f\n", access, empty, ratios.back());
  }
  std::printf("ratio: median %.2f, from %.2f to %.2f; bar 0.80\n", median(ratios),
              *std::min_element(ratios.begin(), ratios.end()),
              *std::max_element(ratios.begin(), ratios.end()));
}
