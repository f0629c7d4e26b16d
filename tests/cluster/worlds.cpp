// Random worlds over three nodes in one process, by a log that fails in every way (memory_log.h).
//
//   worlds [--days N] [--seed S] [--folder F]
//
// Three clients, each of which asks any node: they register companies, pay, change headcounts, send
// usage, promise, with an idempotency key each; what is answered 503 is asked again, of another
// node, with the same key. Each day is closed by all of them at once. Nodes are stopped and
// started, and at random steps of SQLite's the transaction that applies is broken off, as a kill
// would. The nodes' clocks differ, as clocks do, and now and then one is a day off: its node writes
// nothing until that is set right. In the end all files hold the same rows, and each write that was
// acknowledged is there once, with the answer that it had.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "log/replica.h"
#include "memory_log.h"
#include "routes/service.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

using Json = nlohmann::json;

constexpr int kNodes = 3;
constexpr const char* kOpening = "2026-01-01";
// Any two clocks differ by less than 2 s (rule 8), with some of that left for what is on its way.
constexpr std::int64_t kClockOffMax = 700;  // milliseconds
constexpr const char* kBegin = "2026-01-01T00:00:00Z";
constexpr std::int64_t kDay = 86'400'000;

unsigned g_seed = 1;

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "worlds --seed " << g_seed << ": " << what << std::endl;
  std::_Exit(1);
}

std::string day_after(const std::string& day, int days) {
  return format_instant(*parse_instant(day + "T00:00:00Z") + date::days{days}).substr(0, 10);
}

// Breaks off what the writer is at, now and then.
std::atomic<int> g_broken_off{0};
std::atomic<bool> g_breaks{true};
int break_off(void* db) {
  thread_local std::minstd_rand random(std::random_device{}());
  if (!g_breaks || random() % 2'000 != 0) return 0;
  // What begins or ends a transaction is done whole, or would not be known to be done; a statement
  // that is done, and asks here once more as it returns, is not busy any more.
  bool is_any_busy = false;
  auto* statement = sqlite3_next_stmt(static_cast<sqlite3*>(db), nullptr);
  for (; statement != nullptr;
       statement = sqlite3_next_stmt(static_cast<sqlite3*>(db), statement)) {
    if (sqlite3_stmt_busy(statement) == 0) continue;
    is_any_busy = true;
    const char* const text = sqlite3_sql(statement);
    const std::string_view sql = text == nullptr ? "" : text;
    for (const auto* word : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}) {
      if (sql.substr(0, sql.find_first_of(" ;")) == word) return 0;
    }
  }
  if (!is_any_busy) return 0;
  ++g_broken_off;
  return 1;
}
int watch_steps(sqlite3* db, char** /*error*/, const sqlite3_api_routines* /*api*/) {
  sqlite3_progress_handler(db, 100, break_off, db);
  return SQLITE_OK;
}

class World {
 public:
  World(const std::filesystem::path& folder, unsigned seed, LogFaults faults)
      : folder_(folder), store_(std::make_shared<LogStore>(faults, seed)) {
    std::minstd_rand random(seed);
    for (auto& off : clocks_off_)
      off = std::uniform_int_distribution<std::int64_t>(-kClockOffMax, kClockOffMax)(random);
    make_files();
    for (int node = 0; node < kNodes; ++node) start(node);
    for (int node = 0; node < kNodes; ++node) wait_until_well(node);
  }

  std::string path(int node) const { return (folder_ / ("n" + std::to_string(node))).string(); }

  void start(int node) {
    ServiceOptions options;
    options.database = path(node);
    options.test_clock = true;
    options.log = std::make_shared<MemoryLog>(store_);
    options.replica.node = "n" + std::to_string(node);
    options.replica.patience = std::chrono::milliseconds{1500};
    options.replica.clock = [this, node] { return clock_milliseconds() + clocks_off_[node]; };
    std::shared_ptr<Service> service;
    // A start may be broken off, too.
    while (!service) {
      try {
        service = std::make_shared<Service>(options);
      } catch (const std::exception& error) {
        if (std::string(error.what()).find("interrupted") == std::string::npos) throw;
      }
    }
    const std::lock_guard lock(mutex_);
    services_[node] = std::move(service);
  }

  void stop(int node) {
    std::shared_ptr<Service> service;
    {
      const std::lock_guard lock(mutex_);
      service = std::move(services_[node]);
    }
    // Those who ask it now end first, each with an answer.
    while (service.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  // nullopt: the node is not there.
  std::optional<Reply> ask(int node, const std::string& method, const std::string& target,
                           const std::string& body, const std::string& now,
                           const std::string& key = "") {
    std::shared_ptr<Service> service;
    {
      const std::lock_guard lock(mutex_);
      service = services_[node];
    }
    if (!service) return std::nullopt;
    HttpRequest http;
    http.method = method;
    http.target = target;
    http.body = body;
    http.authorization = bearer_;
    http.now = now;
    if (!key.empty()) http.idempotency_key = key;
    http.header = [](const std::string&) { return std::nullopt; };
    return service->handle(http);
  }

  void wait_until_well(int node) {
    for (int i = 0; i < 6000; ++i) {
      const auto reply = ask(node, "GET", "/healthz", "", kBegin);
      if (reply && reply->status == 200) return;
      if (i % 1000 == 999)
        std::cerr << "node " << node << ": " << (reply ? reply->body : "-") << "\n";
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    fail("node " + std::to_string(node) + " does not become well");
  }

  // Moves its clock on or back; it is to write nothing, and say why.
  void put_clock_off(int node, std::int64_t by) {
    clocks_off_[node] += by;
    for (int i = 0; i < 6000; ++i) {
      const auto reply = ask(node, "POST", "/v1/accounts", R"({"name": "Never"})", kBegin);
      if (!reply || reply->status != 503) fail("a node whose clock is off writes");
      if (reply->body.find("this machine's clock is") != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    fail("node " + std::to_string(node) + " does not say that its clock is off");
  }
  void set_clock(int node, std::int64_t by) { clocks_off_[node] -= by; }

  std::int64_t number(int node) {
    const auto reply = ask(node, "GET", "/healthz", "", kBegin);
    return reply ? Json::parse(reply->body)["log"]["number"].get<std::int64_t>() : -1;
  }

  LogStore& store() { return *store_; }

 private:
  void make_files() {
    g_breaks = false;
    {
      Database books(path(0), Database::Mode::kCreate);
      books.compile_once(std::string("SELECT saldo_install('") + kOpening + "', 'none')").step();
    }
    Database books(path(0), Database::Mode::kWrite);
    bearer_ = "Bearer " + create_token(books, "admin", Role::kAdmin);
    const Instant at = parse_instant(std::string(kOpening) + "T00:00:00Z").value();
    Put put{random_id(), "n0", "init", {}, 0, {{random_id(), "fence", at, at, {}}}};
    store_->puts.push_back(encode(put));
    LogState state{{store_->cluster_id, 1, 1, put.id}, std::string(64, '0'), at, "", 0};
    Transaction transaction(books, "BEGIN IMMEDIATE");
    write_log_state(books, state);
    transaction.commit();
    books.prepare("PRAGMA wal_checkpoint(TRUNCATE)").step();
    for (int node = 1; node < kNodes; ++node) std::filesystem::copy_file(path(0), path(node));
    g_breaks = true;
  }

  std::filesystem::path folder_;
  std::shared_ptr<LogStore> store_;
  std::string bearer_;
  std::atomic<std::int64_t> clocks_off_[kNodes];  // milliseconds
  std::mutex mutex_;
  std::shared_ptr<Service> services_[kNodes];
};

struct Write {
  std::string method;
  std::string target;
  std::string body;
  std::string now;
  std::string key;
  Reply reply;
};

// One of those who ask.
class Client {
 public:
  Client(World& world, int number, unsigned seed)
      : world_(world), number_(number), random_(seed + static_cast<unsigned>(number)) {}

  int any(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  // Until it is answered.
  const Write& write(const std::string& method, const std::string& target, const std::string& body,
                     const std::string& now) {
    Write write{method,
                target,
                body,
                now,
                "c" + std::to_string(number_) + "-" + std::to_string(writes_.size()),
                {}};
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const auto reply = world_.ask(any(0, kNodes - 1), method, target, body, now, write.key);
      if (reply && reply->status != 503) {
        if (reply->status == 500) fail(target + ": " + reply->body);
        write.reply = *reply;
        writes_.push_back(std::move(write));
        return writes_.back();
      }
      ++repeated;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    fail(target + " is not answered");
  }

  void day(const std::string& day) {
    const auto now = [&] {
      char clock[16];
      std::snprintf(clock, sizeof(clock), "T%02d:%02d:00Z", any(0, 20), any(0, 59));
      return day + clock;
    };
    for (int count = any(1, 4); count > 0; --count) {
      if (accounts_.empty() || any(0, 19) == 0) {
        const auto& made = write("POST", "/v1/accounts", R"({"name": "Ромашка"})", now());
        if (made.reply.status != 201) fail("registering: " + made.reply.body);
        accounts_.push_back(Json::parse(made.reply.body)["account_id"].get<std::int64_t>());
        const std::string account = "/v1/accounts/" + std::to_string(accounts_.back());
        write("PUT", account + "/headcount", R"({"employees": 5})", now());
        write("PUT", account + "/subscriptions/crm", "{}", now());
        write("POST", account + "/activate", "", now());
        continue;
      }
      const auto id =
          accounts_[static_cast<std::size_t>(any(0, static_cast<int>(accounts_.size()) - 1))];
      const std::string account = "/v1/accounts/" + std::to_string(id);
      switch (any(0, 3)) {
        case 0:
          write("POST", account + "/payments",
                R"({"amount": )" + std::to_string(any(1, 100'000)) + R"(, "method": "bank_card"})",
                now());
          break;
        case 1:
          write("PUT", account + "/headcount",
                R"({"employees": )" + std::to_string(any(1, 9)) + "}", now());
          break;
        case 2:
          write("POST", "/v1/usage",
                R"({"events": [{"usage_id": "u)" + std::to_string(number_) + "-" +
                    std::to_string(writes_.size()) + R"(", "account_id": )" + std::to_string(id) +
                    R"(, "service_id": "sms", "quantity": 3}]})",
                now());
          break;
        default:
          write("POST", account + "/promised-payments", R"({"days": 1})", now());
      }
    }
    write("POST", "/v1/days/" + day + "/close", "", day_after(day, 1) + "T03:00:00Z");
  }

  const std::vector<Write>& writes() const { return writes_; }
  int repeated = 0;

 private:
  World& world_;
  int number_;
  std::mt19937 random_;
  std::vector<std::int64_t> accounts_;
  std::vector<Write> writes_;
};

// All rows of all tables, but of what each node's search has yet to do.
std::string dump(const std::string& path) {
  Connection books(path, SQLITE_OPEN_READONLY);
  std::vector<std::string> names;
  auto tables = books.compile_once(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' "
      "AND name <> 'search_queue' ORDER BY name");
  while (tables.step()) names.emplace_back(tables.text(0));
  std::string text;
  for (const auto& name : names) {
    auto rows = books.compile_once("SELECT * FROM \"" + name + "\"");
    while (rows.step()) {
      text += name;
      for (int i = 0; i < rows.columns(); ++i) text.append("|").append(rows.text(i));
      text += "\n";
    }
  }
  return text;
}

void compare(const std::string& one, const std::string& other) {
  if (one == other) return;
  std::size_t at = 0;
  while (at < one.size() && at < other.size() && one[at] == other[at]) ++at;
  const auto from = one.rfind('\n', at) + 1;
  fail("the files differ:\n" + one.substr(from, 300) + "\n---\n" + other.substr(from, 300));
}

void run(const std::filesystem::path& folder, int days, unsigned seed) {
  World world(folder, seed, {10, 10, 10, 20, 10, 10, 20, 10});
  std::vector<Client> clients;
  for (int i = 0; i < kNodes; ++i) clients.emplace_back(world, i, seed);
  const std::string begin = std::string(kOpening) + "T06:00:00Z";
  clients[0].write("PUT", "/v1/services/crm", R"({"name": "CRM", "kind": "recurring"})", begin);
  clients[0].write("PUT", "/v1/services/sms", R"({"name": "SMS", "kind": "usage"})", begin);
  for (const auto* service : {"crm", "sms"}) {
    clients[0].write(
        "POST", "/v1/tariffs",
        std::string(R"({"service_id": ")") + service + R"(", "valid_from": ")" + kOpening +
            R"(", "tiers": [{"min_quantity": 1, "monthly_fee": 3000, "unit_fee": 100}]})",
        begin);
  }
  int restarts = 0;
  int clocks_off = 0;
  const int astray = clients[0].any(0, kNodes - 1);
  for (int day = 0; day < days; ++day) {
    const std::string name = day_after(kOpening, day);
    const std::int64_t off = day % 10 != 5 ? 0 : clients[0].any(0, 1) == 0 ? kDay : -kDay;
    if (off != 0) {
      world.put_clock_off(astray, off);
      ++clocks_off;
    }
    const int restarted = day % 20 == 15   ? astray
                          : day % 20 == 19 ? clients[0].any(0, kNodes - 1)
                                           : -1;
    std::vector<std::thread> threads;
    for (auto& client : clients) threads.emplace_back([&] { client.day(name); });
    if (restarted >= 0) {
      world.stop(restarted);
      world.start(restarted);
      ++restarts;
    }
    for (auto& thread : threads) thread.join();
    if (off != 0) world.set_clock(astray, off);
  }
  g_breaks = false;
  world.store().heal();
  const auto end = std::max({world.number(0), world.number(1), world.number(2)});
  for (int node = 0; node < kNodes; ++node) {
    for (int i = 0; i < 3000 && world.number(node) < end; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    world.wait_until_well(node);
  }
  // The same key has the same answer, whichever node is asked.
  int writes = 0;
  int repeated = 0;
  for (auto& client : clients) {
    repeated += client.repeated;
    for (const Write& write : client.writes()) {
      ++writes;
      if (write.reply.status >= 300 || writes % 17 != 0) continue;
      for (int node = 0; node < kNodes; ++node) {
        const auto again =
            world.ask(node, write.method, write.target, write.body, write.now, write.key);
        if (!again || again->status != write.reply.status || again->body != write.reply.body)
          fail(write.target + " has another answer now");
      }
    }
  }
  for (int node = 0; node < kNodes; ++node) world.stop(node);
  const auto first = dump(world.path(0));
  for (int node = 1; node < kNodes; ++node) compare(first, dump(world.path(node)));

  // Each acknowledged write is there once.
  Connection books(world.path(0), SQLITE_OPEN_READONLY);
  const auto count = [&](const std::string& sql) {
    auto row = books.compile_once(sql);
    row.step();
    return row.integer(0);
  };
  std::map<std::string, std::int64_t> done;
  for (auto& client : clients) {
    for (const Write& write : client.writes()) {
      if (write.reply.status >= 300) continue;
      ++done["all"];
      for (const auto* kind :
           {"/payments", "/usage", "/close", "/promised-payments", "/v1/accounts"}) {
        const std::string name = kind;
        if (write.method == "POST" && write.target.size() >= name.size() &&
            write.target.substr(write.target.size() - name.size()) == name)
          ++done[name];
      }
    }
  }
  const std::pair<const char*, const char*> tables[] = {
      {"/payments", "payment"},    {"/usage", "usage_event"},
      {"/close", "day_close"},     {"/promised-payments", "promised_payment"},
      {"/v1/accounts", "account"}, {"all", "stored_answer"}};
  for (const auto& [kind, table] : tables) {
    const auto rows = count(std::string("SELECT count(*) FROM ") + table);
    if (rows != done[kind])
      fail(std::string(table) + " has " + std::to_string(rows) + " rows, and " +
           std::to_string(done[kind]) + " were acknowledged");
  }
  if (done["/close"] != days) fail("days were closed: " + std::to_string(done["/close"]));
  // What was sent by a clock that was off told of its node alone.
  int told = 0;
  for (const auto& text : world.store().puts) {
    const auto put = decode(text);
    if (!put || put->clock == Put::kNoClock ||
        std::abs(put->clock - clock_milliseconds()) < kDay / 2)
      continue;
    ++told;
    for (const Entry& entry : put->entries) {
      if (entry.kind != "mark") fail("a node whose clock was off has written: " + encode(entry));
    }
  }
  const auto& counts = world.store().counts;
  std::cout << days << " days, " << writes << " writes, " << done["all"] << " of them done, "
            << repeated << " asked again; puts: " << world.store().puts.size() << ", lost "
            << counts.lost << ", not acknowledged " << counts.unacknowledged << ", late "
            << counts.late << ", twice " << counts.twice << "; read: disconnected "
            << counts.disconnected << ", gaps " << counts.gap << ", repeated " << counts.repeated
            << ", damaged " << counts.damaged << "; broken off " << g_broken_off << ", restarts "
            << restarts << ", clocks off " << clocks_off << ", told by such " << told << "\n";
  if (days >= 100 && (told == 0 || counts.lost == 0 || counts.late == 0 || counts.gap == 0 ||
                      counts.damaged == 0 || g_broken_off == 0))
    fail("the log did not fail as it was to");
}

int main_of(int count, char** arguments) {
  int days = 200;
  unsigned seed = 1;
  std::filesystem::path folder;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string flag = arguments[i];
    if (flag == "--days") days = std::atoi(arguments[i + 1]);
    if (flag == "--seed") seed = static_cast<unsigned>(std::atoi(arguments[i + 1]));
    if (flag == "--folder") folder = arguments[i + 1];
  }
  g_seed = seed;
  count_memory();
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_steps));
  spdlog::set_level(spdlog::level::off);
  const auto in_memory = std::filesystem::path("/dev/shm");
  if (folder.empty())
    folder =
        std::filesystem::exists(in_memory) ? in_memory : std::filesystem::temp_directory_path();
  folder /= "saldo-worlds-" + random_id();
  std::filesystem::create_directories(folder);
  run(folder, days, seed);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace saldo::server

int main(int count, char** arguments) { return saldo::server::main_of(count, arguments); }
