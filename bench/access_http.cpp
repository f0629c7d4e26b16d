// `access_state` of one account by HTTP, against an empty handler of the same HTTP library, and
// while a day is closed.
//
//   access_http SALDOD [ACCOUNTS [SECONDS [RUNS [WEEKS]]]]
//
// Makes books of ACCOUNTS accounts (10,000; see books.h), closes WEEKS weeks (15, so that who never
// paid has been restricted for a hundred days), and has `wrk` ask on the Saturday after, with 8
// kept-alive connections for SECONDS (3), in turns: saldod for the access of an account, active, in
// grace or restricted, and a server of cpp-httplib whose handlers answer nothing, or as many bytes
// as the access has. The answers are compared with what the database says. Prints the requests a
// second, their ratios, and the ratios' spread over RUNS (5) runs. Then RUNS days are closed, as
// the shell does it, and the 99th percentile of the access asked for meanwhile is printed beside
// that of as long a time without a closing. SECONDS 0 leaves `wrk` out: the answers are compared,
// and days closed.
#include <httplib.h>

#include <atomic>
#include <thread>

#include "programs.h"

using namespace saldo_bench;

namespace {

constexpr double kBar = 0.6;
constexpr int kConnections = 8;

double requests_per_second(int port, const std::string& path, const std::string& token,
                           int seconds) {
  const std::string report = output_of("wrk -t2 -c" + std::to_string(kConnections) + " -d" +
                                       std::to_string(seconds) + "s -H 'Authorization: Bearer " +
                                       token + "' http://127.0.0.1:" + std::to_string(port) + path);
  if (report.find("Non-2xx") != std::string::npos) fail("not all answers were 200:\n" + report);
  const auto found = report.find("Requests/sec:");
  if (found == std::string::npos) fail("wrk said:\n" + report);
  return std::atof(report.c_str() + found + 13);
}

// A server of the library as it comes, but for connections that stay open: "/" answers nothing,
// "/N" N bytes.
int serve_plainly() {
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.Get("/", [](const httplib::Request& /*request*/, httplib::Response& /*response*/) {});
  server.Get("/([0-9]+)", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(std::string(std::stoul(request.matches[1]), 'x'), "application/json");
  });
  std::printf("http://127.0.0.1:%d\n", server.bind_to_any_port("127.0.0.1"));
  std::fflush(stdout);
  server.listen_after_bind();
  return 0;
}

// Milliseconds that 99 of 100 answers did not exceed, asked for while `going`.
struct Latency {
  double percentile = 0;
  std::size_t answers = 0;
};
Latency latency(int port, const std::string& request, const std::function<bool()>& going) {
  std::vector<double> times;
  Load(port, kConnections)
      .run(
          going, [&](int) { return request; },
          [&](int, int status, const std::string& text, double seconds) {
            if (status != 200) fail("the answer is not 200:\n" + text);
            times.push_back(seconds * 1000);
          });
  std::sort(times.begin(), times.end());
  return {times[times.size() * 99 / 100], times.size()};
}

// Closes RUNS days, each recorded before, and asks meanwhile, then as long without a closing.
void measure_closing(Database& db, int accounts, int runs, int port, const std::string& request) {
  std::printf("99th percentile of access, ms\n%10s %10s %10s %10s %8s\n", "close, s", "answers",
              "closing", "quiet", "ratio");
  std::vector<double> ratios;
  for (int run = 0; run < runs; ++run) {
    record_open_day(db, accounts);
    std::atomic<bool> closing{true};
    double seconds = 0;
    std::thread closer([&] {
      seconds = close_open_day(db);
      closing = false;
    });
    const Latency busy = latency(port, request, [&] { return closing.load(); });
    closer.join();
    check_last_close(db);
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto start = Clock::now();
    const Latency quiet = latency(port, request, [&] { return seconds_since(start) < seconds; });
    ratios.push_back(busy.percentile / quiet.percentile);
    std::printf("%10.3f %10zu %10.3f %10.3f %8.2f\n", seconds, busy.answers, busy.percentile,
                quiet.percentile, ratios.back());
    std::fflush(stdout);
  }
  print_spread("99th percentile, closing / quiet", ratios, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--plain") return serve_plainly();
  if (argc < 2) fail("usage: access_http SALDOD [ACCOUNTS [SECONDS [RUNS [WEEKS]]]]");
  const std::string saldod = argv[1];
  const int accounts = argument(argc, argv, 2, 10'000, 33);
  const int seconds = argument(argc, argv, 3, 3, 0);
  const int runs = argument(argc, argv, 4, 5, 1);
  const int weeks = argument(argc, argv, 5, 15, 1);

  static const Folder folder;  // static: removed by fail(), too
  const std::string path = folder.file("books.db");
  Database db(path);
  db.load_extension(std::filesystem::path(saldod).parent_path() / "saldo.so");
  const std::string at = make_known_states(db, accounts, weeks);
  const std::string token = new_token(saldod, path, "crm");
  const Child server({saldod, "serve", "--database", path, "--listen", "127.0.0.1:0",
                      "--test-clock", "--log-level", "warning"});
  const Child plain({std::filesystem::read_symlink("/proc/self/exe").string(), "--plain"});
  const auto route = [&](int account) {
    return "/v1/accounts/" + std::to_string(account) + "/access?at=" + at;
  };

  std::printf("%d accounts, %d closed days\n%-28s %10s %10s %8s %10s %8s\n", accounts,
              open_day_number(db), "account", "access/s", "empty/s", "ratio", "as long/s", "ratio");
  httplib::Client client("127.0.0.1", server.port());
  for (const auto& known : kKnownStates) {
    const auto answer = client.Get(route(known.account), {{"Authorization", "Bearer " + token}});
    if (!answer || answer->status != 200) fail("the access route did not answer 200");
    const std::string expected = db.value(
        "SELECT json_object('account_id', account_id, 'day', day, 'at', at, 'state', state,"
        " 'employees_allowed', employees_allowed, 'admin_allowed', admin_allowed, 'balance',"
        " balance, 'accrued', accrued, 'arrears_since', arrears_since, 'restricted_from',"
        " restricted_from, 'promised_until', promised_until, 'promise_allowed', promise_allowed,"
        " 'lasts_until', lasts_until) FROM access_state WHERE at = '" +
        at + "' AND account_id = " + std::to_string(known.account));
    if (answer->body.substr(0, answer->body.find_last_of('}') + 1) != expected)
      fail("the answer is not what the database says: " + answer->body);

    if (seconds == 0) continue;
    const std::string as_long = "/" + std::to_string(answer->body.size());
    std::vector<double> ratios;
    std::vector<double> ratios_as_long;
    for (int run = 0; run < runs; ++run) {
      const double access =
          requests_per_second(server.port(), route(known.account), token, seconds);
      const double empty = requests_per_second(plain.port(), "/", token, seconds);
      const double same = requests_per_second(plain.port(), as_long, token, seconds);
      ratios.push_back(access / empty);
      ratios_as_long.push_back(access / same);
      std::printf("%-28s %10.0f %10.0f %8.2f %10.0f %8.2f\n", known.name, access, empty,
                  ratios.back(), same, ratios_as_long.back());
      std::fflush(stdout);
    }
    print_spread("ratio, " + std::string(known.name), ratios, kBar, true);
    print_spread("ratio to an answer as long, " + std::string(known.name), ratios_as_long, 0);
  }
  measure_closing(db, accounts, runs, server.port(),
                  http_request("GET " + route(kKnownStates[0].account), token));
}
