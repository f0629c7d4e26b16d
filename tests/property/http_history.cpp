// Histories by HTTP: a CRM, a cashier, kiosks, a bank and an operator send their requests to a
// server, which is restarted and killed in between. Messages come late and more than once, with a
// key or without, and the clock (Saldo-Now) is set forth and back.
#include <httplib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "history.h"

namespace saldo_histories {
namespace {

using nlohmann::json;
using saldo_reference::day_text;
using saldo_reference::instant_text;
using Tokens = std::map<std::string, std::string>;

// --- The program
// ------------------------------------------------------------------------------------------------

// A child process and what it prints; it does not outlive this one.
class Process {
 public:
  explicit Process(std::vector<std::string> command) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
    if (pid_ < 0) throw std::runtime_error("fork");
  }
  ~Process() {
    if (pid_ > 0) end(SIGKILL);
    close(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Without its end; what came so far, where there is no more.
  std::string line() {
    std::string text;
    for (char c = 0; read(output_, &c, 1) == 1 && c != '\n';) text += c;
    return text;
  }

  // The exit status, or minus the signal.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  int end(int signal) {
    kill(pid_, signal);
    return wait();
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

// What a command prints, a line.
std::string run(const std::vector<std::string>& command) {
  Process process(command);
  std::string line = process.line();
  while (!process.line().empty()) continue;
  if (const int status = process.wait())
    throw std::runtime_error(command[1] + " left with " + std::to_string(status));
  return line;
}

// `saldod serve`, and a connection to it.
class Server {
 public:
  Server(const std::string& saldod, const std::string& database, const std::string& secrets)
      : process_({saldod, "serve", "--database", database, "--listen", "127.0.0.1:0",
                  "--test-clock", "--log-level", "error", "--secrets", secrets}) {
    const std::string line = process_.line();
    const std::size_t colon = line.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error("the server says: " + line);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", std::stoi(line.substr(colon + 1)));
    client_->set_keep_alive(true);
    client_->set_tcp_nodelay(true);
    client_->set_read_timeout(60);
  }

  httplib::Result send(const httplib::Request& request) { return client_->send(request); }
  // The exit status. Clients that leave are not waited for.
  int stop() {
    client_.reset();
    return process_.end(SIGTERM);
  }
  // From another thread, while send() waits.
  void kill() { process_.end(SIGKILL); }

 private:
  Process process_;
  std::unique_ptr<httplib::Client> client_;
};

constexpr const char* kKiosk = "kiosk";
constexpr const char* kKioskUser = "kiosk";
constexpr const char* kKioskPassword = "secret";

// Databases to begin with, one for each opening and country, and the place of the one that lives.
// In memory where that is possible: a process that is killed loses nothing that it wrote, on a disk
// or not.
class Office {
 public:
  explicit Office(std::string saldod) : saldod_(std::move(saldod)) {
    const char* memory = "/dev/shm";
    std::string name = (access(memory, W_OK) == 0 ? std::filesystem::path(memory)
                                                  : std::filesystem::temp_directory_path()) /
                       "saldo-histories-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder " + name);
    folder_ = name;
    std::ofstream(secrets()) << R"({"channels": {"kiosks": {"user": ")" << kKioskUser
                             << R"(", "password": ")" << kKioskPassword << R"("}}})";
    std::filesystem::permissions(secrets(), std::filesystem::perms::owner_read);
  }
  ~Office() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Office(const Office&) = delete;
  Office& operator=(const Office&) = delete;

  const std::string& saldod() const { return saldod_; }
  std::string database() const { return folder_ / "served.db"; }
  std::string secrets() const { return folder_ / "secrets.json"; }

  // Begins with new books; the tokens by role.
  const Tokens& open(Day opening, const std::string& country) {
    const std::string first = folder_ / (day_text(opening) + country + ".db");
    Tokens& tokens = tokens_[first];
    if (tokens.empty()) {
      run({saldod_, "install", "--database", first, "--opening", day_text(opening), "--country",
           country});
      for (const char* role : {"crm", "cashier", "operator", "analyst"}) {
        tokens[role] =
            run({saldod_, "token", "create", "--database", first, "--role", role, "--name", role});
      }
    }
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(database() + suffix);
    std::filesystem::copy_file(first, database(),
                               std::filesystem::copy_options::overwrite_existing);
    return tokens;
  }

 private:
  std::string saldod_;
  std::filesystem::path folder_;
  std::map<std::string, Tokens> tokens_;
};

// --- One history
// ------------------------------------------------------------------------------------------------

struct Answer {
  int status = 0;
  std::string body;
};

struct Request {
  std::string role;  // of the token; kKiosk: a payment system's user and password
  std::string method;
  std::string target;
  json body;  // or none: null
  std::string key;
  Instant now = 0;
  std::string text{};  // plain text instead of a body of JSON
};

// Of a channel, or of a bank's statement.
struct Receipt {
  std::int64_t receipt_id = 0;
  std::string source;
  std::string external_id;
  Amount amount = 0;
  std::string status;
  std::int64_t payments = 0;
};

// A kiosk's payment, and how the server answered.
struct KioskPayment {
  std::string txn_id;
  AccountId account_id = 0;
  Amount amount = 0;
  bool cancelled = false;
  Answer answer;
};

bool operator==(const Answer& a, const Answer& b) {
  return a.status == b.status && a.body == b.body;
}

int status_of(const std::string& code) {
  if (code == "invalid" || code == "out_of_range") return 422;
  return code == "not_found" ? 404 : 409;
}

Value value_of(const json& value) {
  if (value.is_null()) return nullptr;
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::int64_t>();
}

json json_of(const Value& value) {
  return std::visit([](const auto& content) { return json(content); }, value);
}

class HttpHistory : public History {
 public:
  HttpHistory(Office& office, Number number, const std::optional<Steps>& chosen, Coverage& coverage)
      : History(number, chosen, coverage), office_(office) {}

  void print_log() const override {
    std::cout << "-- The history as requests (with role, Saldo-Now and Idempotency-Key):\n"
              << "saldod install --opening " << day_text(opening_) << " --country " << country_
              << "\n";
    for (const std::string& line : log_) std::cout << line << "\n";
  }

 private:
  // --- Requests
  // ---------------------------------------------------------------------------------------------

  void open_books() override {
    tokens_ = office_.open(opening_, country_);
    start();
  }

  void start() {
    server_ = std::make_unique<Server>(office_.saldod(), office_.database(), office_.secrets());
  }

  void stop() {
    log_.push_back("stop");
    if (const int status = server_->stop())
      throw Mismatch("stopped, the server left with " + std::to_string(status));
  }

  void restart() override {
    stop();
    start();
  }

  void end() override { stop(); }

  std::optional<Answer> try_send(const Request& request) {
    httplib::Request sent;
    sent.method = request.method;
    sent.path = request.target;
    if (request.role == kKiosk) {
      sent.headers.insert(httplib::make_basic_authentication_header(kKioskUser, kKioskPassword));
    } else {
      sent.set_header("Authorization", "Bearer " + tokens_.at(request.role));
    }
    sent.set_header("Saldo-Now", instant_text(request.now));
    if (!request.key.empty()) sent.set_header("Idempotency-Key", request.key);
    if (!request.body.is_null()) {
      sent.set_header("Content-Type", "application/json");
      sent.body = request.body.dump();
    } else if (!request.text.empty()) {
      sent.set_header("Content-Type", "text/plain");
      sent.body = request.text;
    }
    const httplib::Result result = server_->send(sent);
    if (!result) return std::nullopt;
    return Answer{result->status, result->body};
  }

  Answer send(const Request& request) {
    auto answer = try_send(request);
    if (!answer) throw Mismatch("no answer: " + text_of(request));
    return *answer;
  }

  // The server is killed in the midst of it, or about then; started again, it is asked once more.
  Answer send_and_kill(const Request& request) {
    const auto delay = std::chrono::microseconds(chance_.percent(50) ? 0 : chance_.below(300));
    std::thread killer([&] {
      std::this_thread::sleep_for(delay);
      server_->kill();
    });
    const auto first = try_send(request);
    killer.join();
    start();
    const Answer again = send(request);
    ++coverage_[first ? "killed after the answer" : "killed under way"];
    if (first && !(*first == again))
      throw Mismatch("another answer after a kill: " + told(request, again));
    return again;
  }

  static std::string text_of(const Request& request) {
    return request.role + " " + instant_text(request.now) +
           (request.key.empty() ? "" : " " + request.key) + " " + request.method + " " +
           request.target + (request.body.is_null() ? "" : " " + request.body.dump()) +
           (request.text.empty() ? "" : "\n" + request.text);
  }

  static std::string told(const Request& request, const Answer& answer) {
    return text_of(request) + "  -- " + std::to_string(answer.status) + " " + answer.body;
  }

  // What a write must come to.
  struct Expected {
    Refusals refusals;
    std::vector<int> statuses = {201};  // accepted
  };

  static Expected put(Refusals refusals) { return {std::move(refusals), {200, 201}}; }
  static Expected change(Refusals refusals) { return {std::move(refusals), {200}}; }

  void check(const Request& request, const Answer& answer, const Expected& expected) {
    if (expected.refusals.empty()) {
      const auto& statuses = expected.statuses;
      if (std::find(statuses.begin(), statuses.end(), answer.status) == statuses.end())
        throw Mismatch("expected " + std::to_string(statuses.front()) + ": " +
                       told(request, answer));
      ++coverage_["writes accepted"];
      return;
    }
    const json problem = json::parse(answer.body, nullptr, false);
    const std::string code = problem.is_object() ? problem.value("code", "") : "";
    if (expected.refusals.count(code) == 0 || status_of(code) != answer.status) {
      std::string codes;
      for (const std::string& each : expected.refusals)
        codes += (codes.empty() ? "" : " or ") + each;
      throw Mismatch("expected " + codes + ": " + told(request, answer));
    }
    ++coverage_["error " + code];
  }

  // Sends a write, perhaps more than once. The answer, where it was accepted.
  std::optional<json> write(const std::string& role, const std::string& method,
                            const std::string& target, const json& body, const Expected& expected) {
    Request request{role, method, target, body, "", now_};
    if (dry_) {
      request.target +=
          (target.find('?') == std::string::npos ? "?" : "&") + std::string("dry_run=true");
    } else if (chance_.percent(60)) {
      request.key = "key-" + std::to_string(++keys_);
    }
    // A run of notices does the most in one commit.
    const int kill_one_of = target == kNoticeClock ? 40 : 200;
    const bool kill = !request.key.empty() && chance_.below(kill_one_of) == 0;
    log_.push_back((kill ? "killed meanwhile: " : "") + text_of(request));
    const Answer answer = kill ? send_and_kill(request) : send(request);
    log_.back() = (kill ? "killed meanwhile: " : "") + told(request, answer);
    check(request, answer, expected);
    if (!dry_) {
      const bool counts_once = expected.refusals.empty() && has_identifier(body);
      // What was refused has done nothing, and is judged anew when it comes again.
      if (expected.refusals.empty() && (!request.key.empty() || counts_once))
        sent_.push_back({request, answer, counts_once});
      if (chance_.percent(10)) send_again(sent_.size());
    }
    if (!expected.refusals.empty() || answer.body.empty()) return std::nullopt;
    return json::parse(answer.body);
  }

  static bool has_identifier(const json& body) {
    const auto id = body.find("external_id");
    return id != body.end() && id->is_string() && body.contains("amount");
  }

  static constexpr const char* kNoticeClock = "/v1/notice-clock";

  struct Sent {
    Request request;
    Answer answer;
    bool counts_once;
  };

  // One of the last messages comes once more, with its key or, as kiosks do, without.
  void send_again(std::size_t among) {
    if (sent_.empty()) return;
    const int back = chance_.below(static_cast<int>(std::min(among, sent_.size()))) + 1;
    const Sent& sent =
        sent_[sent_.size() - static_cast<std::size_t>(chance_.percent(50) ? 1 : back)];
    Request request = sent.request;
    request.now = std::max(request.now, now_);
    Answer expected = sent.answer;
    if (request.key.empty() || (sent.counts_once && chance_.percent(50))) {
      request.key.clear();
      expected.status = 200;
      ++coverage_["sent again, by its identifier"];
    } else {
      ++coverage_["sent again, by its key"];
    }
    const Answer answer = send(request);
    log_.push_back(told(request, answer));
    if (!(answer == expected))
      throw Mismatch("expected " + std::to_string(expected.status) + " " + expected.body + ": " +
                     told(request, answer));
  }

  void send_another_by_the_same_key() {
    if (sent_.empty() || sent_.back().request.key.empty()) return;
    Request request = sent_.back().request;
    request.body = {{"of another", "content"}};
    const Answer answer = send(request);
    log_.push_back(told(request, answer));
    check(request, answer, {{"invalid"}, {}});
    ++coverage_["another content by the same key"];
  }

  std::string query(const std::string& sql, const std::vector<Value>& values, Rows* rows) override {
    json params = json::array();
    for (const Value& value : values) params.push_back(json_of(value));
    const Answer answer =
        send({"analyst", "POST", "/v1/sql", {{"sql", sql}, {"params", params}}, "", now_});
    if (answer.status != 200) return std::to_string(answer.status) + " " + answer.body;
    const json body = json::parse(answer.body);
    if (body.at("truncated") != false) return "truncated";
    for (const json& columns : body.at("rows")) {
      std::vector<Value> row;
      for (const json& column : columns) row.push_back(value_of(column));
      rows->push_back(row_text(row));
    }
    return "ok";
  }

  void compare_more() override {
    const Account& account = random_account();
    switch (chance_.below(5)) {
      case 0:
        compare_banner(account);
        return;
      case 1:
        compare_top_up(account);
        return;
      case 2:
        compare_receipts();
        return;
      default:
        compare_login(account);
    }
  }

  // What the CRM asks at a login.
  void compare_login(const Account& account) {
    const Request request{"crm", "GET", path(account.account_id, "/access"), nullptr, "", now_};
    const Answer answer = send(request);
    const auto expected = access(account, now_);
    bool same = answer.status == (expected ? 200 : 404);
    if (same && expected) {
      const json body = json::parse(answer.body);
      std::vector<Value> values;
      for (const std::string& column : kAccessColumns) values.push_back(value_of(body.at(column)));
      same = values == access_values(*expected);
    }
    if (!same)
      throw Mismatch("expected " + (expected ? row_text(access_values(*expected)) : "404") + ": " +
                     told(request, answer));
    ++coverage_["logins"];
  }

  void compare_answer(const Request& request, const std::vector<std::string>& columns,
                      const std::vector<Value>& expected) {
    const Answer answer = send(request);
    std::vector<Value> values;
    if (answer.status == 200) {
      const json body = json::parse(answer.body);
      for (const std::string& column : columns) values.push_back(value_of(body.at(column)));
    }
    if (values != expected)
      throw Mismatch("expected " + row_text(expected) + ": " + told(request, answer));
  }

  // The warning; without one the state, unless all is well.
  void compare_banner(const Account& account) {
    const auto row = access(account, now_);
    std::optional<std::string> kind = ref_.warning(account, now_);
    if (!kind && row && row->state != "active" && row->state != "trial") kind = row->state;
    compare_answer({"crm", "GET", path(account.account_id, "/banner"), nullptr, "", now_},
                   {"account_id", "kind", "top_up", "promise_allowed"},
                   {account.account_id, optional_string(kind),
                    optional_number(ref_.default_top_up(account, now_)),
                    row ? Value(std::int64_t{row->promise_allowed}) : Value(nullptr)});
    ++coverage_[kind ? "banner" : "no banner"];
  }

  void compare_top_up(const Account& account) {
    const Day until = ref_.billing_day(now_) + chance_.below(70);
    std::optional<std::int64_t> employees;
    if (chance_.percent(50)) employees = small_quantity();
    const std::string target =
        "/top-up?until=" + day_text(until) +
        (employees ? "&employees=" + std::to_string(*employees) : std::string());
    compare_answer({"crm", "GET", path(account.account_id, target), nullptr, "", now_},
                   {"account_id", "until", "top_up"},
                   {account.account_id, day_text(until),
                    optional_number(ref_.top_up(account, now_, until, employees))});
  }

  // --- What a request means to the reference
  // ---------------------------------------------------------------------------------------------

  // All of it or nothing; of what is refused, any part may be named.
  Refusals together(const std::vector<std::function<Refusals()>>& parts) {
    const Reference before = ref_;
    Refusals refusals;
    for (const auto& part : parts) refusals.merge(part());
    if (!refusals.empty()) ref_ = before;
    return refusals;
  }

  // Clocks differ by up to 5 minutes: what lies ahead by no more is taken for the request's
  // instant.
  static constexpr Instant kClockToleranceSeconds = 300;
  [[nodiscard]] bool lies_ahead(Instant instant) const {
    return instant > now_ + kClockToleranceSeconds;
  }
  [[nodiscard]] Instant taken_for(Instant instant) const {
    return lies_ahead(instant) ? instant : std::min(instant, now_);
  }

  // What is left out takes the request's day or instant.
  void set_day(json& body, const char* name, Day day) {
    if (day != ref_.billing_day(now_) || chance_.percent(50)) body[name] = day_text(day);
  }
  void set_instant(json& body, const char* name, Instant instant) {
    if (instant != now_ || chance_.percent(50)) body[name] = instant_text(instant);
  }
  template <typename T>
  void set_optional(json& body, const char* name, const std::optional<T>& value) {
    if (value) {
      body[name] = *value;
    } else if (chance_.percent(30)) {
      body[name] = nullptr;
    }
  }
  static std::optional<std::string> text(std::optional<Day> day) {
    return day ? std::optional(day_text(*day)) : std::nullopt;
  }

  static std::string path(AccountId account_id, const std::string& rest = "") {
    return "/v1/accounts/" + std::to_string(account_id) + rest;
  }

  [[nodiscard]] std::optional<Instant> latest() const override { return now_; }

  // --- Writes
  // ---------------------------------------------------------------------------------------------

  void put_policy(const Policy& policy) override {
    const json body = {
        {"valid_from", day_text(policy.valid_from)},
        {"time_zone", policy.time_zone},
        {"working_week", policy.working_week},
        {"restricted_days_charged", json_of(optional_number(policy.restricted_days_charged))},
        {"grace_working_days", policy.grace_working_days},
        {"promised_payment_max_days", policy.promised_payment_max_days},
        {"low_balance_warning_days", policy.low_balance_warning_days},
        {"reminder_days", json_of(optional_number(policy.reminder_days))},
        {"reminders", policy.reminders},
        {"pay_url", json_of(optional_string(policy.pay_url))}};
    write(
        "operator", "PUT", "/v1/policy", body,
        put(policy.valid_from == opening_ ? ref_.update_policy(policy) : ref_.put_policy(policy)));
  }

  void put_calendar_exception(Day day, std::optional<bool> working) override {
    const std::string target = "/v1/calendar/" + day_text(day);
    if (working) {
      write("operator", "PUT", target, {{"working", int{*working}}},
            put(ref_.put_calendar_exception(day, *working)));
    } else if (ref_.calendar_exceptions().count(day) == 0) {
      write("operator", "DELETE", target, nullptr, {{"not_found"}, {}});
    } else {
      write("operator", "DELETE", target, nullptr, {ref_.delete_calendar_exception(day), {204}});
    }
  }

  void add_service(const std::string& service_id, const std::string& kind) override {
    write("operator", "PUT", "/v1/services/" + service_id, {{"name", service_id}, {"kind", kind}},
          {ref_.add_service(service_id, kind)});
  }

  void put_tiers(const std::vector<Tariff>& tiers) override {
    const Tariff& first = tiers.front();
    json body = {{"service_id", first.service_id},
                 {"valid_from", day_text(first.valid_from)},
                 {"tiers", json::array()}};
    if (first.price_list != "standard" || chance_.percent(50))
      body["price_list"] = first.price_list;
    std::vector<std::function<Refusals()>> parts;
    for (const Tariff& row : ref_.tariffs()) {
      const auto is_it = [&](const Tariff& tier) { return tier.min_quantity == row.min_quantity; };
      if (row.price_list == first.price_list && row.service_id == first.service_id &&
          row.valid_from == first.valid_from && std::none_of(tiers.begin(), tiers.end(), is_it)) {
        parts.emplace_back([this, row] { return ref_.delete_tariff(row); });
      }
    }
    for (const Tariff& tier : tiers) {
      json sent = {{"min_quantity", tier.min_quantity}};
      if (tier.monthly_fee != 0) sent["monthly_fee"] = tier.monthly_fee;
      if (tier.unit_fee != 0) sent["unit_fee"] = tier.unit_fee;
      body["tiers"].push_back(sent);
      parts.emplace_back([this, &tier] { return ref_.put_tariff(tier); });
    }
    write("operator", "POST", "/v1/tariffs", body, put(together(parts)));
  }

  bool add_account(const Account& account) override {
    json body = {{"account_id", account.account_id}, {"name", "Company"}};
    set_optional(body, "external_id", account.external_id);
    set_day(body, "registered_on", account.registered_on);
    set_optional(body, "trial_ends_on", text(account.trial_ends_on));
    return write("crm", "POST", "/v1/accounts", body, {ref_.add_account(account)}).has_value();
  }

  void set_trial_ends_on(AccountId account_id, std::optional<Day> trial_ends_on) override {
    const bool same = ref_.find_account(account_id)->trial_ends_on == trial_ends_on;
    write("crm", "PATCH", path(account_id),
          {{"trial_ends_on", json_of(optional_day(trial_ends_on))}},
          change(same ? Refusals() : ref_.set_trial_ends_on(account_id, trial_ends_on)));
  }

  void set_registered_on(AccountId account_id, Day registered_on) override {
    const bool same = ref_.find_account(account_id)->registered_on == registered_on;
    write("crm", "PATCH", path(account_id), {{"registered_on", day_text(registered_on)}},
          change(same ? Refusals() : ref_.set_registered_on(account_id, registered_on)));
  }

  void put_terms(AccountId account_id, const Terms& wanted) override {
    Terms terms = wanted;
    const Terms* const in_force = ref_.terms_on(*ref_.find_account(account_id), terms.valid_from);
    json body = json::object();
    set_day(body, "valid_from", terms.valid_from);
    std::string target;
    std::string role = "crm";
    if (chance_.percent(50)) {  // the CRM's own verbs leave the operator's terms
      terms.credit_limit = in_force != nullptr ? in_force->credit_limit : 0;
      terms.held = in_force != nullptr && in_force->held;
      target = terms.status == "active"   ? "/activate"
               : terms.status == "paused" ? "/pause"
                                          : "/close";
    } else {
      role = "operator";
      target = "/terms";
      body["status"] = terms.status;
      body["credit_limit"] = json_of(optional_number(terms.credit_limit));
      body["held"] = int{terms.held};
    }
    write(role, role == "crm" ? "POST" : "PUT", path(account_id, target), body,
          put(ref_.put_terms(account_id, terms)));
  }

  void put_headcount(AccountId account_id, const Headcount& headcount) override {
    json body = {{"employees", headcount.employees}};
    set_day(body, "day", headcount.day);
    write("crm", "PUT", path(account_id, "/headcount"), body,
          put(ref_.put_headcount(account_id, headcount)));
  }

  // The one that runs ends on started_on; one of the same day is replaced.
  void subscribe(AccountId account_id, const Subscription& subscription) override {
    json body = json::object();
    set_day(body, "started_on", subscription.started_on);
    set_optional(body, "ended_on", text(subscription.ended_on));
    set_optional(body, "quantity", subscription.quantity);
    if (subscription.price_list != "standard" || chance_.percent(50))
      body["price_list"] = subscription.price_list;
    std::vector<std::function<Refusals()>> parts;
    if (const auto* row = running(account_id, subscription.service_id, subscription.started_on);
        row != nullptr && row->started_on < subscription.started_on) {
      parts.emplace_back([this, account_id, row = *row, &subscription] {
        return ref_.end_subscription(account_id, row, subscription.started_on);
      });
    }
    parts.emplace_back(
        [&] { return ref_.add_subscription(account_id, subscription, /*replace=*/true); });
    write("crm", "PUT", path(account_id, "/subscriptions/" + subscription.service_id), body,
          put(together(parts)));
  }

  const Subscription* running(AccountId account_id, const std::string& service_id, Day day) const {
    for (const Subscription& row : ref_.find_account(account_id)->subscriptions) {
      if (row.service_id == service_id && row.started_on <= day &&
          (!row.ended_on || *row.ended_on > day)) {
        return &row;
      }
    }
    return nullptr;
  }

  void end_subscription(AccountId account_id, const Subscription& key,
                        std::optional<Day> ended_on) override {
    if (!ended_on) {  // as it was, but without an end
      Subscription again = key;
      again.ended_on.reset();
      subscribe(account_id, again);
      return;
    }
    const bool is_today = *ended_on == ref_.billing_day(now_) && chance_.percent(50);
    const Subscription* const row = running(account_id, key.service_id, *ended_on);
    write("crm", "DELETE",
          path(account_id, "/subscriptions/" + key.service_id +
                               (is_today ? "" : "?ended_on=" + day_text(*ended_on))),
          nullptr,
          change(row == nullptr ? Refusals{"not_found"}
                                : ref_.end_subscription(account_id, Subscription(*row), ended_on)));
  }

  void add_usage(AccountId account_id, const UsageEvent& event) override {
    add_usage({{account_id, event}});
  }

  using Usage = std::pair<AccountId, UsageEvent>;

  // All or nothing; what stands already is repeated.
  void add_usage(const std::vector<Usage>& batch) {
    json events = json::array();
    bool ahead = false;
    std::vector<std::function<Refusals()>> parts;
    std::vector<bool> repeated;
    for (auto [account_id, event] : batch) {
      event.occurred_at = taken_for(event.occurred_at);
      json sent = {{"usage_id", event.usage_id},
                   {"account_id", account_id},
                   {"service_id", event.service_id},
                   {"quantity", event.quantity}};
      set_instant(sent, "occurred_at", event.occurred_at);
      ahead = ahead || (lies_ahead(event.occurred_at) && sent.contains("occurred_at"));
      events.push_back(sent);
      parts.emplace_back([&, account_id = account_id, event = event]() -> Refusals {
        for (const Account& account : ref_.accounts()) {
          for (const UsageEvent& row : account.usage) {
            if (row.usage_id != event.usage_id) continue;
            repeated.push_back(true);
            const bool same =
                account.account_id == account_id && row.service_id == event.service_id &&
                row.quantity == event.quantity && row.occurred_at == event.occurred_at;
            return same ? Refusals() : Refusals{"conflict"};
          }
        }
        repeated.push_back(false);
        return ref_.add_usage(account_id, event);
      });
    }
    const Refusals refusals = ahead ? Refusals{"out_of_range"} : together(parts);
    const bool all_repeated = std::find(repeated.begin(), repeated.end(), false) == repeated.end();
    const auto answer = write("crm", "POST", "/v1/usage", {{"events", events}},
                              {refusals, {all_repeated ? 200 : 201}});
    if (!answer) return;
    for (std::size_t i = 0; i < repeated.size(); ++i) {
      const std::string status = answer->at(i).at("status");
      if (status != (repeated[i] ? "repeated" : "recorded"))
        throw Mismatch("usage is " + status + ": " + log_.back());
      if (repeated[i]) ++coverage_["usage repeated"];
    }
  }

  void use_in_a_batch() {
    std::vector<Usage> batch;
    for (int events = chance_.between(1, 5); events > 0; --events) {
      const Account& account = random_account();
      if (!account.usage.empty() && chance_.percent(30)) {
        batch.emplace_back(account.account_id, chance_.pick(account.usage));
      } else if (!batch.empty() && chance_.percent(15)) {
        batch.push_back(batch.front());
      } else {
        batch.emplace_back(account.account_id, random_usage());
      }
    }
    add_usage(batch);
  }

  // Identifiers are given in their order; a message that came before is answered as it was.
  void add_payment(AccountId account_id, const Payment& wanted) override {
    Payment payment = wanted;
    if (payment.method == "qiwi" && !payment.external_id)  // kiosks number what they take
      payment.external_id = "kiosk-" + std::to_string(next_id_++);
    payment.payment_id = 1;
    payment.credited_at = taken_for(payment.credited_at);
    const Payment* stands = nullptr;
    AccountId payer = account_id;
    for (const Account& account : ref_.accounts()) {
      for (const Payment& row : account.payments) {
        payment.payment_id = std::max(payment.payment_id, row.payment_id + 1);
        if (payment.external_id && row.method == payment.method &&
            row.external_id == payment.external_id) {
          stands = &row;
          payer = account.account_id;
        }
      }
    }
    json body = {{"amount", payment.amount}, {"method", payment.method}};
    set_optional(body, "external_id", payment.external_id);
    set_instant(body, "credited_at", payment.credited_at);
    if (chance_.percent(50))
      body["received_at"] = instant_text(taken_for(payment.credited_at - chance_.below(90'000)));
    Expected expected;
    if (lies_ahead(payment.credited_at) ||
        (body.contains("received_at") &&
         body["received_at"] > instant_text(now_ + kClockToleranceSeconds))) {
      expected.refusals = {"out_of_range"};
    } else if (stands != nullptr) {
      // By chance the same content; what was received when is not the reference's business.
      if (payer == account_id && stands->amount == payment.amount) return;
      expected.refusals = {"conflict"};
    } else {
      expected.refusals = ref_.add_payment(account_id, payment);
    }
    const auto answer = write("cashier", "POST", path(account_id, "/payments"), body, expected);
    if (answer && answer->at("payment_id") != payment.payment_id)
      throw Mismatch("expected payment_id " + std::to_string(payment.payment_id) + ": " +
                     log_.back());
  }

  void add_adjustment(AccountId account_id, const Adjustment& wanted) override {
    Adjustment adjustment = wanted;
    adjustment.adjustment_id = 1;
    adjustment.effective_at = taken_for(adjustment.effective_at);
    bool stands = false;
    for (const Account& account : ref_.accounts()) {
      for (const Adjustment& row : account.adjustments) {
        adjustment.adjustment_id = std::max(adjustment.adjustment_id, row.adjustment_id + 1);
        stands = stands || (adjustment.external_id && row.external_id == adjustment.external_id);
      }
    }
    json body = {{"amount", adjustment.amount}, {"kind", adjustment.kind}, {"reason", "a reason"}};
    if (stands) body["reason"] = "another reason";
    set_optional(body, "external_id", adjustment.external_id);
    set_instant(body, "effective_at", adjustment.effective_at);
    Expected expected;
    if (lies_ahead(adjustment.effective_at)) {
      expected.refusals = {"out_of_range"};
    } else if (stands) {
      expected.refusals = {"conflict"};
    } else {
      expected.refusals = ref_.add_adjustment(account_id, adjustment);
    }
    const auto answer = write("cashier", "POST", path(account_id, "/adjustments"), body, expected);
    if (answer && answer->at("adjustment_id") != adjustment.adjustment_id)
      throw Mismatch("expected adjustment_id " + std::to_string(adjustment.adjustment_id) + ": " +
                     log_.back());
  }

  bool add_promise(AccountId account_id, const Promise& wanted) override {
    Promise promise = wanted;
    promise.granted_at = taken_for(promise.granted_at);
    json body = {{"days", promise.days}};
    set_instant(body, "granted_at", promise.granted_at);
    return write("crm", "POST", path(account_id, "/promised-payments"), body,
                 {lies_ahead(promise.granted_at) ? Refusals{"out_of_range"}
                                                 : ref_.add_promise(account_id, promise)})
        .has_value();
  }

  void close_day(Day day, Instant closed_at, Instant now) override {
    now_ = now;
    json body;
    if (closed_at != now || chance_.percent(50)) body["closed_at"] = instant_text(closed_at);
    write("operator", "POST", "/v1/days/" + day_text(day) + "/close", body,
          {lies_ahead(closed_at) ? Refusals{"out_of_range"}
                                 : ref_.close_day(day, taken_for(closed_at))});
  }

  void close_two_days(Day first, Instant now) override {
    close_day(first, now, now);
    close_day(first + 1, now, now);
  }

  // The answer is what the run posted.
  void move_notice_clock(Instant wanted) override {
    if (wanted > now_ && !chance_.percent(5)) now_ = wanted;
    const Instant at = taken_for(wanted);
    const std::size_t posted = ref_.notices().size();
    json body = json::object();
    set_instant(body, "at", at);
    const auto answer =
        write("operator", "POST", kNoticeClock, body,
              {lies_ahead(at) ? Refusals{"out_of_range"} : ref_.move_notice_clock(at), {200}});
    if (!answer) return;
    Rows expected;
    for (std::size_t i = posted; i < ref_.notices().size(); ++i)
      expected.push_back(row_text(notice_values(ref_.notices()[i])));
    Rows actual;
    for (const json& row : *answer) {
      std::vector<Value> values;
      for (const std::string& column : kNoticeColumns) values.push_back(value_of(row.at(column)));
      actual.push_back(row_text(values));
    }
    if (actual == expected) return;
    std::string what = "the answer of a run differs: " + log_.back();
    for (const std::string& row : expected) what += "\n--   expected " + row;
    throw Mismatch(what);
  }

  // Each request of one operation is answered as if it counted.
  void dry_run() override {
    const Reference before = ref_;
    dry_ = true;
    if (chance_.percent(run_percent_)) {
      move_notice_clock(run_instant());
    } else {
      random_operation();
    }
    dry_ = false;
    ref_ = before;
    ask();
  }

  // --- What comes by HTTP alone
  // ---------------------------------------------------------------------------------------------

  void odd_operation() override {
    const int kind = chance_.below(28);
    if (kind < 5) {
      use_in_a_batch();
    } else if (kind < 9) {
      if (!dry_) send_again(100);
    } else if (kind < 10) {
      send_another_by_the_same_key();
    } else if (kind < 12) {
      bad_close();
    } else if (kind < 15) {
      bad_write();
    } else if (!dry_) {
      take_money(kind);
    }
  }

  // --- Channels and statements
  // ---------------------------------------------------------------------------------------------

  void take_money(int kind) {
    if (!has_channel_) {
      write("operator", "PUT", "/v1/channels/kiosks", {{"protocol", "osmp"}, {"method", "qiwi"}},
            put({}));
      has_channel_ = true;
    }
    if (kind < 19) {
      pay_at_kiosk();
    } else if (kind < 22) {
      repeat_at_kiosk();
    } else if (kind < 25) {
      take_in_statement();
    } else {
      settle_receipt();
    }
  }

  [[nodiscard]] std::int64_t next_payment_id() const {
    std::int64_t next = 1;
    for (const Account& account : ref_.accounts()) {
      for (const Payment& row : account.payments) next = std::max(next, row.payment_id + 1);
    }
    return next;
  }

  Refusals add_received(AccountId account_id, Amount amount, const std::string& method,
                        const std::string& external_id) {
    Payment payment;
    payment.payment_id = next_payment_id();
    payment.amount = amount;
    payment.method = method;
    payment.external_id = external_id;
    payment.credited_at = now_;
    return ref_.add_payment(account_id, payment);
  }

  // Or nothing: there is none.
  [[nodiscard]] std::optional<std::string> status_today(AccountId account_id) const {
    const Account* const account = ref_.find_account(account_id);
    if (account == nullptr) return std::nullopt;
    const Terms* const terms = ref_.terms_on(*account, ref_.billing_day(now_));
    return terms != nullptr ? terms->status : "trial";
  }

  AccountId random_payee() { return chance_.percent(5) ? kNobody : random_account().account_id; }

  static std::string roubles(Amount amount) {
    const Amount kopecks = amount % 100;
    return std::to_string(amount / 100) + (kopecks < 10 ? ".0" : ".") + std::to_string(kopecks);
  }

  std::string kiosk_target(const std::string& command, const KioskPayment& payment) {
    return "/pay/osmp/kiosks?command=" + command + "&txn_id=" + payment.txn_id +
           "&account=" + std::to_string(payment.account_id) + "&sum=" + roubles(payment.amount);
  }

  // By a kiosk, whose answers say with 200 what they refuse. The protocol's code.
  int ask_kiosk(const std::string& command, KioskPayment& payment) {
    const Request request{kKiosk, "GET", kiosk_target(command, payment), nullptr, "", now_};
    const bool kill = command != "check" && chance_.below(60) == 0;
    log_.push_back((kill ? "killed meanwhile: " : "") + text_of(request));
    payment.answer = kill ? send_and_kill(request) : send(request);
    log_.back() = (kill ? "killed meanwhile: " : "") + told(request, payment.answer);
    const std::string tag = "<result>";
    const std::size_t at = payment.answer.body.find(tag);
    if (at == std::string::npos) throw Mismatch("expected <result>: " + log_.back());
    return std::atoi(payment.answer.body.c_str() + at + tag.size());
  }

  void expect_code(int expected, int code) {
    if (code != expected)
      throw Mismatch("expected " + std::to_string(expected) + ": " + log_.back());
    ++coverage_["kiosk: " + std::to_string(code)];
  }

  static constexpr int kDone = 0;
  static constexpr int kComesAgain = 1;
  static constexpr int kNoAccount = 5;
  static constexpr int kClosed = 79;
  static constexpr int kMalformed = 300;

  void pay_at_kiosk() {
    KioskPayment payment;
    payment.txn_id = std::to_string(next_id_++);
    payment.account_id = random_payee();
    payment.amount = 1 + chance_.below(200'000);
    const auto status = status_today(payment.account_id);
    const int judged = !status ? kNoAccount : *status == "closed" ? kClosed : kDone;
    if (chance_.percent(30)) expect_code(judged, ask_kiosk("check", payment));
    const std::string external_id = "kiosks:" + payment.txn_id;
    int expected = judged;
    if (judged == kDone &&
        !add_received(payment.account_id, payment.amount, "qiwi", external_id).empty()) {
      expected = kComesAgain;
    }
    expect_code(expected, ask_kiosk("pay", payment));
    if (expected != kDone) return;
    receipts_.push_back({static_cast<std::int64_t>(receipts_.size()) + 1, "kiosks", payment.txn_id,
                         payment.amount, "matched", 1});
    paid_at_kiosks_.push_back(payment);
  }

  // A payment comes again, as it was or with another sum, or is cancelled.
  void repeat_at_kiosk() {
    if (paid_at_kiosks_.empty()) return;
    const auto which =
        static_cast<std::size_t>(chance_.below(static_cast<int>(paid_at_kiosks_.size())));
    KioskPayment& paid = paid_at_kiosks_[which];
    KioskPayment again = paid;
    if (chance_.percent(20)) {
      ++again.amount;
      expect_code(kMalformed, ask_kiosk("pay", again));
      return;
    }
    if (chance_.percent(50)) {
      expect_code(kDone, ask_kiosk("pay", again));
    } else {
      int expected = kDone;
      if (!paid.cancelled && !add_chargeback(paid).empty()) expected = kComesAgain;
      expect_code(expected, ask_kiosk("cancel", again));
      if (expected == kComesAgain) return;
      paid.cancelled = true;
      ++coverage_["cancelled at a kiosk"];
    }
    if (!(again.answer == paid.answer))
      throw Mismatch("expected " + paid.answer.body + ": " + log_.back());
  }

  Refusals add_chargeback(const KioskPayment& paid) {
    Adjustment adjustment;
    adjustment.adjustment_id = 1;
    for (const Account& account : ref_.accounts()) {
      for (const Adjustment& row : account.adjustments)
        adjustment.adjustment_id = std::max(adjustment.adjustment_id, row.adjustment_id + 1);
    }
    adjustment.amount = -paid.amount;
    adjustment.kind = "chargeback";
    adjustment.effective_at = now_;
    adjustment.external_id = "kiosks:" + paid.txn_id + ":cancel";
    return ref_.add_adjustment(paid.account_id, adjustment);
  }

  // A document of a bank's statement: what its purpose names, and from whose account it comes.
  struct BankDocument {
    std::int64_t number = 0;
    Amount amount = 0;
    std::optional<AccountId> named;
    std::string payer_account;
  };

  // As 1C writes them.
  std::string statement_of(const std::vector<BankDocument>& documents) {
    const std::string day = day_text(ref_.billing_day(now_));
    const std::string booked = day.substr(8, 2) + "." + day.substr(5, 2) + "." + day.substr(0, 4);
    std::string text = "1CClientBankExchange\r\nКодировка=Windows\r\nРасчСчет=";
    text += kOwnAccount + std::string("\r\n");
    for (const BankDocument& document : documents) {
      text += "СекцияДокумент=Платежное поручение\r\nНомер=" + std::to_string(document.number) +
              "\r\nДата=" + booked + "\r\nСумма=" + roubles(document.amount) +
              "\r\nДатаПоступило=" + booked + "\r\nПлательщикСчет=" + document.payer_account +
              "\r\nПлательщик1=ООО «Ромашка»\r\nПолучательСчет=" + kOwnAccount +
              "\r\nНазначениеПлатежа=Оплата услуг" +
              (document.named ? ", ЛС " + std::to_string(*document.named) : "") +
              "\r\nКонецДокумента\r\n";
    }
    return text + "КонецФайла\r\n";
  }

  // M1; where the purpose names nothing M3, of whom alone payments from there were before.
  std::optional<AccountId> matched_by_bank(const BankDocument& document) {
    std::optional<AccountId> account_id = document.named;
    if (!account_id) {
      const std::set<AccountId>& before = paid_from_[document.payer_account];
      if (before.size() != 1) return std::nullopt;
      account_id = *before.begin();
    }
    const auto status = status_today(*account_id);
    return status && *status != "closed" ? account_id : std::nullopt;
  }

  void take_in_statement() {
    if (!statement_.empty() && chance_.percent(25)) {
      const json done = send_statement({});
      if (done.at("recorded") != 0 || done.at("repeated") != statement_documents_)
        throw Mismatch("a statement counts again: " + log_.back());
      ++coverage_["statement again"];
      return;
    }
    std::vector<BankDocument> documents;
    std::vector<std::optional<AccountId>> expected;
    for (int count = chance_.between(1, 4); count > 0; --count) {
      BankDocument document;
      document.number = next_id_++;
      document.amount = 1 + chance_.below(300'000);
      if (chance_.percent(60)) document.named = random_payee();
      std::string payer = std::to_string(chance_.below(8));
      document.payer_account = std::string("4070281090000000000") + payer;
      documents.push_back(document);
      expected.push_back(matched_by_bank(document));
    }
    const std::string before = std::exchange(statement_, statement_of(documents));
    // References are of the statement, whatever they are.
    std::vector<std::function<Refusals()>> parts;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      if (!expected[i]) continue;
      parts.emplace_back([this, id = *expected[i], &document = documents[i]] {
        return add_received(id, document.amount, "bank_transfer",
                            "of document " + std::to_string(document.number));
      });
    }
    const Refusals refusals = together(parts);
    const json done = send_statement(refusals);
    if (!refusals.empty()) {
      statement_ = before;
      return;
    }
    statement_documents_ = static_cast<std::int64_t>(documents.size());
    const json& receipts = done.at("receipts");
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const json& receipt = receipts.at(i);
      const std::string status = expected[i] ? "matched" : "pending";
      const json account_id = expected[i] ? json(*expected[i]) : json();
      if (receipt.at("status") != status || receipt.at("account_id") != account_id ||
          receipt.at("amount") != documents[i].amount) {
        throw Mismatch("expected " + status + " " + account_id.dump() + ": " + receipt.dump());
      }
      if (expected[i]) paid_from_[documents[i].payer_account].insert(*expected[i]);
      receipts_.push_back({static_cast<std::int64_t>(receipts_.size()) + 1, "bank",
                           receipt.at("external_id"), documents[i].amount, status,
                           std::int64_t{expected[i].has_value()}});
      if (!expected[i]) pending_.emplace_back(receipts_.size() - 1, documents[i].payer_account);
      ++coverage_["statement: " + status + (documents[i].named ? "" : ", no account named")];
    }
  }

  json send_statement(const Refusals& refusals) {
    const Request request{"cashier", "POST", "/v1/bank-statements", nullptr, "", now_, statement_};
    log_.push_back(text_of(request));
    const Answer answer = send(request);
    log_.back() = told(request, answer);
    check(request, answer, {refusals, {200}});
    return refusals.empty() ? json::parse(answer.body) : json();
  }

  // The operator credits or ignores a pending receipt, or tries what is settled.
  void settle_receipt() {
    if (pending_.empty()) return;
    const auto which = static_cast<std::size_t>(chance_.below(static_cast<int>(pending_.size())));
    const auto [index, payer_account] = pending_[which];
    Receipt& receipt = receipts_[index];
    const std::string target = "/v1/receipts/" + std::to_string(receipt.receipt_id);
    const bool is_pending = receipt.status == "pending";
    if (chance_.percent(20)) {
      write("cashier", "POST", target + "/ignore", {{"reason", "nobody's"}},
            {is_pending ? Refusals() : Refusals{"conflict"}, {200}});
      if (is_pending) receipt.status = "ignored";
      return;
    }
    std::vector<std::pair<AccountId, Amount>> parts;
    parts.emplace_back(random_account().account_id, receipt.amount);
    if (receipt.amount > 1 && chance_.percent(40)) {
      parts.emplace_back(random_account().account_id, receipt.amount / 2);
      parts.front().second -= receipt.amount / 2;
    }
    json body = {{"parts", json::array()}};
    std::vector<std::function<Refusals()>> counted;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& [account_id, amount] = parts[i];
      body["parts"].push_back({{"account_id", account_id}, {"amount", amount}});
      std::string external_id = "bank:" + receipt.external_id;
      if (parts.size() > 1) external_id += "#" + std::to_string(i + 1);
      counted.emplace_back([this, account_id = account_id, amount = amount, external_id] {
        return add_received(account_id, amount, "bank_transfer", external_id);
      });
    }
    const Refusals refusals = is_pending ? together(counted) : Refusals{"conflict"};
    write("cashier", "POST", target + "/match", body, {refusals, {200}});
    if (!refusals.empty()) return;
    receipt.status = "matched";
    receipt.payments = static_cast<std::int64_t>(parts.size());
    for (const auto& [account_id, amount] : parts) paid_from_[payer_account].insert(account_id);
    ++coverage_[parts.size() > 1 ? "receipt split" : "receipt matched by hand"];
  }

  void compare_receipts() {
    Rows expected;
    for (const Receipt& each : receipts_) {
      expected.push_back(row_text({each.receipt_id, each.source, each.external_id, each.amount,
                                   each.status, each.payments}));
    }
    compare(
        "SELECT receipt_id, source, external_id, amount, status,"
        " (SELECT count(*) FROM receipt_payment AS p WHERE p.receipt_id = r.receipt_id)"
        " FROM receipt AS r ORDER BY receipt_id",
        {}, expected);
  }

  void bad_close() {
    const Day open = ref_.open_day();
    switch (chance_.below(4)) {
      case 0:  // one second too early
        close_day(open, ref_.day_start(open + 1) - 1, ref_.day_start(open + 2));
        return;
      case 1:  // once more
        close_day(open - chance_.between(1, 3), ref_.day_start(open + 2), ref_.day_start(open + 2));
        return;
      case 2:  // one is skipped
        close_day(open + chance_.between(1, 3), ref_.day_start(open + 9), ref_.day_start(open + 9));
        return;
      default:  // at an instant to come
        close_day(open, ref_.day_start(open + 2), ref_.day_start(open + 2) - 1);
        return;
    }
  }

  // Each breaks one rule, whatever the history; {} is an account.
  void bad_write() {
    struct BadWrite {
      const char* code;
      const char* role;
      const char* method;
      const char* target;
      const char* body;
    };
    static const std::vector<BadWrite> kBadWrites = {
        {"not_found", "cashier", "POST", "/v1/accounts/424242/payments",
         R"({"amount": 1, "method": "sbp"})"},
        {"not_found", "cashier", "POST", "{}/payments", R"({"amount": 1, "method": "cash"})"},
        {"not_found", "crm", "PUT", "/v1/accounts/424242/headcount", R"({"employees": 1})"},
        {"not_found", "crm", "POST", "/v1/accounts/424242/activate", nullptr},
        {"not_found", "crm", "POST", "/v1/accounts/424242/promised-payments", R"({"days": 1})"},
        {"not_found", "crm", "PUT", "{}/subscriptions/nosuch", R"({})"},
        {"not_found", "crm", "PATCH", "/v1/accounts/424242", R"({"name": "x"})"},
        {"invalid", "cashier", "POST", "{}/payments", R"({"amount": 1.5, "method": "sbp"})"},
        {"invalid", "cashier", "POST", "{}/payments", R"({"method": "sbp"})"},
        {"invalid", "cashier", "POST", "{}/payments",
         R"({"amount": 1, "method": "sbp", "credited_at": "2026-02-30T00:00:00Z"})"},
        {"invalid", "crm", "PUT", "{}/headcount", R"({"employees": 1, "day": "2026-02-30"})"},
        {"invalid", "crm", "PUT", "{}/headcount", R"({"employees": 1, "dya": "2032-01-01"})"},
        {"invalid", "operator", "PUT", "{}/terms",
         R"({"status": "frozen", "valid_from": "2032-01-01"})"},
        {"invalid", "operator", "POST", "/v1/tariffs",
         R"({"service_id": "crm", "valid_from": "2032-01-01", "tiers": []})"},
        {"out_of_range", "cashier", "POST", "{}/payments", R"({"amount": 0, "method": "sbp"})"},
        {"out_of_range", "cashier", "POST", "{}/adjustments", R"({"amount": 1, "kind": "fee"})"},
        {"out_of_range", "crm", "PUT", "{}/headcount", R"({"employees": -1, "day": "2032-01-01"})"},
        {"out_of_range", "crm", "POST", "/v1/usage",
         R"({"events": [{"usage_id": "zero", "account_id": 1, "service_id": "sms", "quantity": 0}]})"},
        {"conflict", "operator", "PUT", "/v1/services/crm", R"({"name": "crm", "kind": "usage"})"},
    };
    const BadWrite& bad = chance_.pick(kBadWrites);
    std::string target = bad.target;
    if (target.substr(0, 2) == "{}") target = path(random_account().account_id, target.substr(2));
    write(bad.role, bad.method, target, bad.body == nullptr ? json() : json::parse(bad.body),
          {{bad.code}, {}});
  }

  Office& office_;
  Tokens tokens_;
  std::unique_ptr<Server> server_;
  std::vector<std::string> log_;
  std::vector<Sent> sent_;
  int keys_ = 0;
  bool dry_ = false;

  static constexpr AccountId kNobody = 424'242;
  static constexpr const char* kOwnAccount = "40702810100000000001";
  bool has_channel_ = false;
  std::vector<Receipt> receipts_;  // by number
  std::vector<KioskPayment> paid_at_kiosks_;
  std::string statement_;  // the last one
  std::int64_t statement_documents_ = 0;
  std::map<std::string, std::set<AccountId>> paid_from_;  // by the payer's account
  // Of receipts that came in as pending: their places, and whence they came.
  std::vector<std::pair<std::size_t, std::string>> pending_;
};

class HttpChannel : public Channel {
 public:
  explicit HttpChannel(const std::string& saldod) : office_(saldod) {}

  std::unique_ptr<History> begin(Number number, const std::optional<Steps>& chosen,
                                 Coverage& coverage) override {
    return std::make_unique<HttpHistory>(office_, number, chosen, coverage);
  }

  [[nodiscard]] std::vector<std::string> required() const override {
    return {"killed under way",
            "killed after the answer",
            "sent again, by its identifier",
            "sent again, by its key",
            "another content by the same key",
            "usage repeated",
            "logins",
            "banner",
            "no banner",
            "kiosk: 0",
            "kiosk: 1",
            "kiosk: 5",
            "kiosk: 79",
            "kiosk: 300",
            "cancelled at a kiosk",
            "statement again",
            "statement: matched",
            "statement: matched, no account named",
            "statement: pending",
            "statement: pending, no account named",
            "receipt split",
            "receipt matched by hand"};
  }

 private:
  Office office_;
};

}  // namespace

std::unique_ptr<Channel> http_channel(const std::string& saldod) {
  return std::make_unique<HttpChannel>(saldod);
}

}  // namespace saldo_histories
