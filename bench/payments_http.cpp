// Durable payments and usage by HTTP, against a commit each.
//
//   payments_http SALDOD [ACCOUNTS [SECONDS [RUNS]]]
//
// Makes books of ACCOUNTS accounts (10,000; see books.h) twice. RUNS times (5), in turns, each for
// SECONDS (2): one SQLite connection puts payments into the one file, each with a commit of its own
// (synchronous=FULL); saldod records payments in the other, sent by 1, 8 and 64 kept-alive
// connections. Then the same for usage events: a commit each, one a request, and 1,000 a request.
// Whatever was acknowledged must be in the file, and nothing else. Prints payments and events a
// second, the ratios to a commit each, and, to tell where the time goes, what one commit for all of
// them makes.
#include <map>

#include "programs.h"

using namespace saldo_bench;

namespace {

constexpr double kBar = 10;
constexpr int kEventsPerRequest = 1000;
constexpr const char* kNow = "2026-03-01T12:00:00Z";

struct Bench {
  Database plain;
  Database file;  // the server's, to look into it
  int port = 0;
  std::string token{};
  int accounts = 0;
  double seconds = 0;
  int next = 0;  // every payment and event has a number of its own

  std::function<bool()> for_a_while() const {
    return [this, start = Clock::now()] { return seconds_since(start) < seconds; };
  }
  int account(int number) const { return 1 + number % accounts; }
};

// Checks that the file holds exactly the rows that were acknowledged, by their identifiers.
void check_recorded(Database& db, const std::string& sql,
                    const std::vector<std::string>& expected) {
  std::vector<std::string> sorted = expected;
  std::sort(sorted.begin(), sorted.end());
  std::size_t at = 0;
  db.each_line(sql, [&](const std::string& line) {
    if (at >= sorted.size() || sorted[at] != line)
      fail("acknowledged and recorded are not the same at " + line);
    ++at;
  });
  if (at != sorted.size()) fail("acknowledged, but not in the file: " + sorted[at]);
}

// Numbers of one measurement lie from `first` to before `last`; texts of equal length sort alike.
std::string identifier(int number) {
  const std::string digits = std::to_string(number);
  return "bench-" + std::string(10 - digits.size(), '0') + digits;
}

std::string between(int first, int last) {
  return " BETWEEN '" + identifier(first) + "' AND '" + identifier(last) + "'";
}

// Through one connection of SQLite; with one commit for all only as a measure of what the rest of
// it takes.
double plainly(Bench& bench, const std::string& sql, const std::string& check,
               bool one_commit = false) {
  saldo::Statement insert = bench.plain.compile_once(sql);
  std::vector<std::string> done;
  const int first = bench.next;
  const auto start = Clock::now();
  if (one_commit) bench.plain.execute("BEGIN");
  for (const auto going = bench.for_a_while(); going();) {
    const int number = bench.next++;
    read_rows(insert.bind(1, std::int64_t{bench.account(number)}).bind(2, identifier(number)));
    done.push_back(identifier(number) + "\t" + std::to_string(bench.account(number)));
  }
  if (one_commit) bench.plain.execute("COMMIT");
  const double rate = static_cast<double>(done.size()) / seconds_since(start);
  check_recorded(bench.plain, check + between(first, bench.next) + " ORDER BY 1", done);
  return rate;
}

constexpr const char* kPayment =
    "INSERT INTO payment(account_id, amount, method, external_id, received_at, credited_at,"
    " recorded_at, recorded_by) VALUES (?1, 100000, 'bank_card', ?2, '2026-03-01T12:00:00Z',"
    " '2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z', 'bench')";
constexpr const char* kPaid =
    "SELECT external_id, account_id FROM payment WHERE method = 'bank_card' AND external_id";
constexpr const char* kEvent =
    "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity, recorded_at,"
    " recorded_by) VALUES (?2, ?1, 'sms', '2026-03-01T12:00:00Z', 1, '2026-03-01T12:00:00Z',"
    " 'bench')";
constexpr const char* kUsed = "SELECT usage_id, account_id FROM usage_event WHERE usage_id";

// `together` payments or events go in one request of `make`, which is given their first number.
double by_http(Bench& bench, int connections, int together,
               const std::function<std::string(int)>& make, const std::string& check) {
  Load load(bench.port, connections);
  std::vector<int> under_way(static_cast<std::size_t>(connections));
  std::vector<std::string> acknowledged;
  const int first = bench.next;
  const double requests = load.run(
      bench.for_a_while(),
      [&](int connection) {
        under_way[static_cast<std::size_t>(connection)] = bench.next;
        bench.next += together;
        return make(bench.next - together);
      },
      [&](int connection, int status, const std::string& text, double) {
        if (status != 201) fail("the answer is not 201:\n" + text);
        const int begin = under_way[static_cast<std::size_t>(connection)];
        if (text.find("\"" + identifier(begin) + "\"") == std::string::npos)
          fail("the answer is of another request:\n" + text);
        for (int number = begin; number < begin + together; ++number)
          acknowledged.push_back(identifier(number) + "\t" + std::to_string(bench.account(number)));
      });
  check_recorded(bench.file, check + between(first, bench.next) + " ORDER BY 1", acknowledged);
  return requests * together;
}

double payments(Bench& bench, int connections) {
  return by_http(
      bench, connections, 1,
      [&](int number) {
        return http_request(
            "POST /v1/accounts/" + std::to_string(bench.account(number)) + "/payments", bench.token,
            R"({"amount":100000,"method":"bank_card","external_id":")" + identifier(number) +
                R"(","credited_at":")" + kNow + R"(","received_at":")" + kNow + R"("})");
      },
      kPaid);
}

double events(Bench& bench, int connections, int together) {
  return by_http(
      bench, connections, together,
      [&](int first) {
        std::string list;
        for (int number = first; number < first + together; ++number) {
          list += (number > first ? "," : "") + std::string(R"({"usage_id":")") +
                  identifier(number) + R"(","account_id":)" +
                  std::to_string(bench.account(number)) +
                  R"(,"service_id":"sms","quantity":1,"occurred_at":")" + kNow + R"("})";
        }
        return http_request("POST /v1/usage", bench.token, R"({"events":[)" + list + "]}");
      },
      kUsed);
}

// RUNS rounds of a commit each and of the ways to do it by HTTP, in turns.
struct Way {
  std::string name;
  std::function<double()> measure;
  double bar = 0;
};

void compare(const std::string& what, int runs, const std::function<double()>& each,
             const std::vector<Way>& ways) {
  std::printf("%-12s %12s", (what + "/s").c_str(), "commit each");
  for (const auto& way : ways) std::printf(" %16s", way.name.c_str());
  std::printf("\n");
  std::map<std::string, std::vector<double>> ratios;
  for (int run = 0; run < runs; ++run) {
    const double base = each();
    std::printf("%-12s %12.0f", "", base);
    for (const auto& way : ways) {
      const double rate = way.measure();
      ratios[way.name].push_back(rate / base);
      std::printf(" %16.0f", rate);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  for (const auto& way : ways)
    print_spread(what + ", " + way.name + " / commit each", ratios[way.name], way.bar, true);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: payments_http SALDOD [ACCOUNTS [SECONDS [RUNS]]]");
  const std::string saldod = argv[1];
  const int accounts = argument(argc, argv, 2, 10'000, 1);
  const double seconds = argc > 3 ? std::atof(argv[3]) : 2;
  const int runs = argument(argc, argv, 4, 5, 1);
  const std::string extension = std::filesystem::path(saldod).parent_path() / "saldo.so";

  static const Folder folder;  // static: removed by fail(), too
  const std::string path = folder.file("books.db");
  Bench bench{.plain = Database(folder.file("plain.db")), .file = Database(path)};
  bench.accounts = accounts;
  bench.seconds = seconds;
  for (Database* db : {&bench.plain, &bench.file}) {
    db->load_extension(extension);
    make_books(*db, accounts);
  }
  bench.token = new_token(saldod, path, "operator");
  const Child server({saldod, "serve", "--database", path, "--listen", "127.0.0.1:0",
                      "--test-clock", "--log-level", "warning"});
  bench.port = server.port();

  std::printf("%d accounts\n", accounts);
  compare("payments", runs, [&] { return plainly(bench, kPayment, kPaid); },
          {{"1 connection", [&] { return payments(bench, 1); }},
           {"8 connections", [&] { return payments(bench, 8); }},
           {"64 connections", [&] { return payments(bench, 64); }, kBar},
           {"one commit", [&] { return plainly(bench, kPayment, kPaid, true); }}});
  compare("events", runs, [&] { return plainly(bench, kEvent, kUsed); },
          {{"1 a request", [&] { return events(bench, 1, 1); }},
           {"1,000 a request", [&] { return events(bench, 1, kEventsPerRequest); }},
           {"one commit", [&] { return plainly(bench, kEvent, kUsed, true); }}});
}
