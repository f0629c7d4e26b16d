// The server's answer to any bytes: they go over a loopback connection to the server, and by way of
// its routes to a database. What comes back is HTTP with a documented status, the
// body JSON or CSV, and never an internal error.
//
// An input is a few requests, most of them such as a route takes, with all sorts of values; each
// may be cut, framed wrongly or be mere bytes. Before the next input the database is as it was.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "fuzz.h"
#include "http/server.h"
#include "page/service.h"
#include "routes/embedded.h"
#include "store/memory.h"

namespace saldo_fuzz {
namespace {

using namespace saldo::server;
using nlohmann::json;
using saldo::Role;

constexpr const char* kNow = "2026-03-12T12:00:00Z";
constexpr Role kRoles[] = {Role::kAdmin, Role::kOperator, Role::kCrm, Role::kCashier,
                           Role::kAnalyst};
constexpr const char* kSql[] = {
    "SELECT * FROM access_state WHERE at = '2026-03-12T12:00:00Z'",
    "SELECT * FROM daily_charge",
    "SELECT ?",
    "SELECT :a, ?2",
    "SELECT * FROM account",
    "SELECT hash FROM token",
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
    "SELECT zeroblob(1000000)",
    "SELECT x'ff00', 1e999, -0.0, 'я'",
    "DELETE FROM payment",
    "PRAGMA user_version",
    "SELECT money(-5)",
    "SELECT count(*) FROM ledger; SELECT 1",
    "EXPLAIN SELECT 1",
    "SELECT saldo_refuse('conflict', 'x')",
    "SELECT printf('%.*c', 99999, 'x')"};

// What the other side of a connection got.
class Client {
 public:
  explicit Client(int port) : socket_(connected(port)), reader_([this] { read_all(); }) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  // Until the server closes, or has waited long enough for the rest of a request.
  std::string received() {
    if (ended_.get_future().wait_for(std::chrono::milliseconds(300)) == std::future_status::timeout)
      shutdown(socket_, SHUT_WR);
    reader_.join();
    return std::move(received_);
  }

 private:
  static int connected(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      found("the server does not listen");
    return socket;
  }

  void read_all() {
    char piece[1 << 14];
    ssize_t size = 0;
    while ((size = recv(socket_, piece, sizeof(piece), 0)) > 0)
      received_.append(piece, static_cast<std::size_t>(size));
    ended_.set_value();
  }

  int socket_;
  std::string received_;
  std::promise<void> ended_;
  std::thread reader_;
};

class Books {
 public:
  Books()
      : path_(make()), image_(":memory:", Extension::kAbsent), watch_(path_, Extension::kAbsent) {
    copy(watch_, image_);
    version_ = watch_.must("PRAGMA data_version");
    Database database(path_, Database::Mode::kRead);
    register_page_functions(database.handle(), nullptr);
    for (const auto& file : saldo::kEmbeddedRoutes)
      table_.add(RouteOwner::kServer, std::string(file.name), std::string(file.text), database);
    routes_ = table_.all();
    ServiceOptions options;
    options.database = path_;
    options.secrets = secrets();
    options.test_clock = true;
    options.readers = 2;
    options.route_timeout = std::chrono::seconds(2);
    options.sql.time = std::chrono::milliseconds(100);
    options.sql.rows = 50;
    options.sql.memory = 4 << 20;
    service_ = std::make_unique<Service>(options);
    HttpLimits limits;
    limits.body = 64 << 10;
    limits.io_timeout = std::chrono::seconds(1);
    server_ = std::make_unique<HttpServer>(*service_, limits, "", "");
    port_ = server_->bind("127.0.0.1", 0);
    std::thread([this] { server_->serve(); }).detach();
  }

  void run(Bytes& bytes) {
    all_have_bodies_ = true;
    std::string sent;
    for (int left = bytes.ConsumeIntegralInRange(1, 4); left > 0; --left) sent += request(bytes);
    sent += "GET /v1/nothing HTTP/1.1\r\nHost: saldo\r\nConnection: close\r\n\r\n";
    Client client(port_);
    client.send(sent);
    check(client.received(), sent);
    if (const auto version = watch_.must("PRAGMA data_version"); version != version_) {
      copy(image_, watch_);
      version_ = watch_.must("PRAGMA data_version");
    }
  }

 private:
  std::string make() {
    count_memory();
    spdlog::set_level(spdlog::level::off);
    std::string path = folder_.file("books.db");
    {
      Connection connection(path, Extension::kLoaded);
      connection.must("PRAGMA journal_mode = WAL");
      make_books(connection);
      connection.must(
          "INSERT INTO channel(channel_id, protocol, method) VALUES ('kiosks', 'osmp', 'qiwi'), "
          "('terminals', 'eps', 'bank_card')");
    }
    Database database(path, Database::Mode::kWrite);
    for (const Role role : kRoles)
      tokens_.push_back(create_token(database, std::string(role_name(role)), role));
    return path;
  }

  // As the server takes them: for nobody else to read.
  std::string secrets() {
    std::string path = folder_.file("secrets.json");
    std::ofstream(path) << R"({"channels": {"kiosks": {"user": "kiosk", "password": "word"},)"
                           R"( "terminals": {"user": "kiosk", "password": "word"}}})";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  static void copy(Connection& from, Connection& to) {
    sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
    sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) != SQLITE_OK) found("the books are not put back");
  }

  static bool rarely(Bytes& bytes) { return bytes.ConsumeIntegralInRange(0, 15) == 0; }

  std::string request(Bytes& bytes) {
    if (rarely(bytes)) {
      all_have_bodies_ = false;  // it may be a HEAD
      return bytes.ConsumeRandomLengthString(300);
    }
    static const char* const kPaths[] = {"/v1/nothing", "*", "/"};
    std::string method;
    std::string path;
    std::string query;
    json body;
    const auto choice = bytes.ConsumeIntegralInRange<std::size_t>(0, routes_.size() + 2);
    if (choice >= routes_.size()) {
      path = kPaths[choice - routes_.size()];
      method = "GET";
    } else if (routes_[choice]->calls == BuiltIn::kSql) {
      path = routes_[choice]->path;
      method = routes_[choice]->method;
      body = sql_body(bytes);
    } else {
      const Route& route = *routes_[choice];
      method = route.method;
      for (const auto& part : route.parts) {
        path += "/";
        if (!part.placeholder.empty()) path += encoded(path_value(bytes, route, part.placeholder));
        path += part.text;
      }
      for (const auto& parameter : route.parameters) {
        if (parameter.in_path || (!parameter.required && bytes.ConsumeBool())) continue;
        if (route.has_fields_in_body()) {
          body[parameter.name] = value(bytes, parameter);
        } else {
          query += (query.empty() ? "?" : "&") + parameter.name + "=" +
                   encoded(text_of(value(bytes, parameter)));
        }
      }
      if (route.writes && !route.is_payment() && bytes.ConsumeIntegralInRange(0, 2) == 0)
        query = "?dry_run=true";
      if (route.is_payment()) return payment(bytes, method, path);
      if (route.paged() && rarely(bytes))
        query += (query.empty() ? "?limit=" : "&limit=") + text_of(any(bytes, 0));
    }
    if (rarely(bytes)) {
      static const char* const kMethods[] = {"HEAD",    "DELETE", "PATCH",
                                             "OPTIONS", "get",    "CONNECT"};
      method = pick(bytes, kMethods);
    }
    all_have_bodies_ = all_have_bodies_ && method != "HEAD";
    if (rarely(bytes)) query += encoded(bytes.ConsumeRandomLengthString(40));
    std::string text =
        body.is_null() ? "" : body.dump(-1, ' ', false, json::error_handler_t::replace);
    if (rarely(bytes)) text += bytes.ConsumeRandomLengthString(60);
    if (rarely(bytes)) text.insert(text.size() / 2, bytes.ConsumeRandomLengthString(20));
    return method + " " + path + query + " HTTP/1.1\r\nHost: saldo\r\n" + headers(bytes) +
           framed(bytes, text);
  }

  // What a payment system sends, to a channel of its protocol or of another.
  static std::string payment(Bytes& bytes, const std::string& method, std::string path) {
    static const char* const kFields[] = {
        "command", "txn_id",  "prv_txn",   "account",   "sum",           "txn_date",
        "ACTION",  "ACCOUNT", "AMOUNT",    "PAY_ID",    "PAY_DATE",      "operation_id",
        "label",   "amount",  "sha1_hash", "InvId",     "OutSum",        "SignatureValue",
        "mdOrder", "status",  "checksum",  "AccountId", "TransactionId", "orderNumber"};
    static const char* const kTexts[] = {
        "check", "pay",        "status",  "cancel", "payment", "1",   "5",   "10", "10.45",
        "7,5",   "0957835959", "1234567", "x",      "",        "%00", "%ff", "%"};
    path = path.substr(0, path.rfind('/') + 1) + (bytes.ConsumeBool() ? "kiosks" : "terminals");
    std::string form;
    for (int left = bytes.ConsumeIntegralInRange(0, 6); left > 0; --left) {
      form += form.empty() ? "" : "&";
      form += pick(bytes, kFields);
      form += "=";
      form += rarely(bytes) ? encoded(bytes.ConsumeRandomLengthString(40)) : pick(bytes, kTexts);
    }
    std::string body;
    if (method == "POST") {
      if (rarely(bytes)) {
        body = bytes.ConsumeRandomLengthString(200);
      } else if (bytes.ConsumeBool()) {
        body = any(bytes, 2).dump(-1, ' ', false, json::error_handler_t::replace);
      } else {
        std::swap(form, body);
      }
    }
    return method + " " + path + "?" + form +
           " HTTP/1.1\r\nHost: saldo\r\nAuthorization: Basic a2lvc2s6d29yZA==\r\nSaldo-Now: " +
           kNow + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  std::string headers(Bytes& bytes) {
    std::string headers = "Authorization: Bearer ";
    headers += rarely(bytes)
                   ? bytes.ConsumeRandomLengthString(70)
                   : tokens_[rarely(bytes) ? bytes.ConsumeIntegralInRange<std::size_t>(0, 4) : 0];
    headers += "\r\nSaldo-Now: " +
               (bytes.ConsumeIntegralInRange(0, 3) == 0 ? instant_of(bytes) : std::string(kNow)) +
               "\r\n";
    if (rarely(bytes))
      headers +=
          "Accept: " + (bytes.ConsumeBool() ? "text/csv" : bytes.ConsumeRandomLengthString(60)) +
          "\r\n";
    if (rarely(bytes)) headers += "Range: bytes=" + bytes.ConsumeRandomLengthString(10) + "\r\n";
    if (rarely(bytes))
      headers += "Idempotency-Key: " + std::to_string(bytes.ConsumeIntegralInRange(0, 3)) + "\r\n";
    if (rarely(bytes)) headers += "Connection: close\r\n";
    if (rarely(bytes)) headers += "Expect: 100-continue\r\n";
    if (rarely(bytes)) headers += bytes.ConsumeRandomLengthString(60) + "\r\n";
    return headers;
  }

  // The end of the head, and the body.
  std::string framed(Bytes& bytes, const std::string& body) {
    switch (bytes.ConsumeIntegralInRange(0, 15)) {
      case 0:
        return "Content-Length: " + bytes.ConsumeRandomLengthString(20) + "\r\n\r\n" + body;
      case 1:
        return "Transfer-Encoding: chunked\r\n\r\n" + bytes.ConsumeRandomLengthString(40) + body;
      case 2:
      case 3: {
        std::string text = "Transfer-Encoding: chunked\r\n\r\n";
        for (std::string_view rest = body; !rest.empty();) {
          const auto piece = rest.substr(0, bytes.ConsumeIntegralInRange<std::size_t>(1, 200));
          char size[17] = {};
          std::to_chars(size, size + 16, piece.size(), 16);
          text.append(size).append("\r\n").append(piece).append("\r\n");
          rest.remove_prefix(piece.size());
        }
        return text + "0\r\n" + (rarely(bytes) ? "Trailer: x\r\n" : "") + "\r\n";
      }
      case 4:
        return body.empty()
                   ? "\r\n"
                   : "Content-Length: " + std::to_string(body.size() + 1) + "\r\n\r\n" + body;
      default:
        return body.empty() ? "\r\n"
                            : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
  }

  static json sql_body(Bytes& bytes) {
    json body;
    body["sql"] = pick(bytes, kSql);
    if (bytes.ConsumeIntegralInRange(0, 3) == 0)
      body["sql"] = "SELECT " + literal(bytes) + ", " + literal(bytes) + " FROM account";
    if (bytes.ConsumeBool()) body["params"] = any(bytes, 2);
    return body;
  }

  static std::string path_value(Bytes& bytes, const Route& route, std::string_view name) {
    return text_of(value(bytes, *route.find_parameter(name)));
  }

  // Mostly such as the parameter takes.
  static json value(Bytes& bytes, const Parameter& parameter) {
    if (rarely(bytes)) return any(bytes, 0);
    switch (parameter.type) {
      case Type::kInteger:
        if (parameter.name == "account_id") return bytes.ConsumeIntegralInRange(1, 13);
        return rarely(bytes) ? json::parse(pick(bytes, kIntegers))
                             : json(bytes.ConsumeIntegralInRange(-1, 30));
      case Type::kDay:
        return day_of(bytes);
      case Type::kMonth:
        return day_of(bytes).substr(0, 7);
      case Type::kInstant:
        return rarely(bytes) ? json(pick(bytes, kOddInstants)) : json(instant_of(bytes));
      case Type::kFlag:
        return bytes.ConsumeBool();
      case Type::kCursor:
        return any(bytes, 1).dump(-1, ' ', false, json::error_handler_t::replace);
      case Type::kList: {
        json list = json::array();
        for (int left = bytes.ConsumeIntegralInRange(0, 3); left > 0; --left) {
          json one;
          for (const auto& field : parameter.fields) {
            if (field.required || bytes.ConsumeBool()) one[field.name] = value(bytes, field);
          }
          list.push_back(one);
        }
        return list;
      }
      default:
        return pick(bytes, kWords);
    }
  }

  static json any(Bytes& bytes, int depth) {
    switch (bytes.ConsumeIntegralInRange(0, depth > 0 ? 9 : 7)) {
      case 0:
        return nullptr;
      case 1:
        return bytes.ConsumeBool();
      case 2:
        return bytes.ConsumeIntegral<std::int64_t>();
      case 3:
        return bytes.ConsumeFloatingPoint<double>();
      case 4:
        return bytes.ConsumeRandomLengthString(40);
      case 5:
        return pick(bytes, kOddDays);
      case 6:
        return pick(bytes, kWords);
      case 7:
        return bytes.ConsumeIntegral<std::uint64_t>();
      default: {
        json list = json::array();
        while (bytes.ConsumeBool() && bytes.remaining_bytes() > 0)
          list.push_back(any(bytes, depth - 1));
        return bytes.ConsumeBool() ? json{{"a", list}} : list;
      }
    }
  }

  static std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  static std::string encoded(const std::string& text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
        result += c;
      } else {
        result += {'%', kDigits[byte / 16U], kDigits[byte % 16U]};
      }
    }
    return result;
  }

  // The last answer may be cut off: by TCP, where the server closes while bytes of a request are
  // unread (RFC 9112, 9.6), and by the library, which writes nothing more once the client has ended
  // its side.
  void check(std::string_view answers, const std::string& sent) const {
    static const std::set<std::string_view> kDocumented = {"100", "200", "201", "204", "303", "400",
                                                           "401", "403", "404", "405", "406", "409",
                                                           "413", "414", "415", "422", "503"};
    const auto wrong = [&](const std::string& what) {
      found(what + ":\n" + std::string(answers) + "\n== sent:\n" + sent);
    };
    while (!answers.empty()) {
      constexpr std::string_view kVersion = "HTTP/1.1 ";
      if (answers.substr(0, kVersion.size()) != kVersion) wrong("no answer");
      const auto status = answers.substr(kVersion.size(), 3);
      if (status.size() < 3) return;
      if (kDocumented.count(status) == 0) wrong("an undocumented status");
      tell("status " + std::string(status));
      const auto end = answers.find("\r\n\r\n");
      if (end == std::string_view::npos) return;
      const auto head = answers.substr(0, end);
      // Pages send on, and only to others of this server.
      const bool is_own = head.find("\r\nLocation: /") != std::string_view::npos &&
                          head.find("\r\nLocation: //") == std::string_view::npos;
      if (status == "303" && !is_own) wrong("one is sent to another site");
      answers.remove_prefix(end + 4);
      // A HEAD has no body, and what ignores a Range comes in chunks.
      if (!all_have_bodies_ || head.find("Transfer-Encoding") != std::string_view::npos) return;
      constexpr std::string_view kLength = "\r\nContent-Length: ";
      const auto at = head.find(kLength);
      std::size_t size = 0;
      if (at != std::string_view::npos)
        std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), size);
      if (size > answers.size()) return;
      const auto body = answers.substr(0, size);
      if (head.find("json") != std::string_view::npos && !json::accept(body))
        wrong("a body that is no JSON");
      answers.remove_prefix(size);
    }
  }

  saldo_test::TemporaryFolder folder_;
  std::vector<std::string> tokens_;
  const std::string path_;
  Connection image_;  // the database as it was
  Connection watch_;
  std::vector<std::string> version_;
  Metrics metrics_;
  RouteTable table_{metrics_};
  std::vector<const Route*> routes_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
  bool all_have_bodies_ = true;
};

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static saldo_fuzz::Books books;
  saldo_fuzz::Bytes bytes(data, size);
  books.run(bytes);
  return 0;
}
