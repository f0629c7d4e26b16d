#include "log/etcd_log.h"

#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "codecs/base64.h"
#include "delivery/curl.h"
#include "log/entry.h"

namespace saldo::server {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kConnectPatience{1000};
// An election takes one to two seconds.
constexpr milliseconds kAnswerPatience{2500};
constexpr std::size_t kAnswerBytes = 64 << 20;
// As gRPC numbers them.
constexpr int kInvalidArgument = 3;  // also of a token from before users or roles were changed
constexpr int kOutOfRangeCode = 11;
constexpr int kUnauthenticated = 16;

std::string base64_of(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

// The gateway writes 64-bit integers as texts, and leaves zeros out.
std::int64_t integer(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return 0;
  if (found->is_string()) return static_cast<std::int64_t>(std::stoull(found->get<std::string>()));
  return found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& member(const json& object, const char* name) {
  static const json kNone = json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNone;
}

// That revision is not there: forgotten, or not yet.
struct NoSuchRevision : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::size_t collect(char* data, std::size_t size, std::size_t count, void* into) {
  auto& bytes = *static_cast<std::string*>(into);
  if (bytes.size() + size * count > kAnswerBytes) return 0;
  bytes.append(data, size * count);
  return size * count;
}

// One connection at a time, to the members in turn. For one thread.
class EtcdClient {
 public:
  EtcdClient(const EtcdOptions& options, const std::atomic<bool>& stopping)
      : options_(options), curl_(new_curl(stopping)) {}

  void use_next() {
    ++member_;
    moved_ = true;
  }
  // Another member than when this was asked last.
  void move_on() {
    if (!std::exchange(moved_, false)) ++member_;
  }

  // By the member that is used now. Throws LogUnreachable, and then another one is used from now
  // on; NoSuchRevision.
  json ask(const std::string& path, const json& question) {
    if (token_.empty() && !options_.user.empty()) {
      token_ = text(ask_once("/v3/auth/authenticate",
                             {{"name", options_.user}, {"password", options_.password}}),
                    "token");
    }
    return ask_once(path, question);
  }

  // Sets what is asked; the body must outlive the request.
  void prepare(CURL* curl, const std::string& path, const std::string& body, CurlList& headers) {
    const std::string url = std::string(options_.ca.empty() ? "http://" : "https://") +
                            options_.members[member_ % options_.members.size()] + path;
    append(headers, "Content-Type: application/json");
    append(headers, "Expect:");
    if (!token_.empty()) append(headers, "Authorization: " + token_);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, options_.ca.empty() ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kConnectPatience.count()));
    if (!options_.ca.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // and none of the system's
    }
    if (!options_.cert.empty()) {
      curl_easy_setopt(curl, CURLOPT_SSLCERT, options_.cert.c_str());
      curl_easy_setopt(curl, CURLOPT_SSLKEY, options_.private_key.c_str());
    }
  }

  LogUnreachable unreachable(const std::string& what) {
    const std::string name = options_.members[member_ % options_.members.size()];
    use_next();
    return LogUnreachable(name + ": " + what);
  }

 private:
  json ask_once(const std::string& path, const json& question) {
    const std::string body = question.dump();
    std::string answer;
    std::array<char, CURL_ERROR_SIZE> problem{};
    CurlList headers;
    prepare(curl_.get(), path, body, headers);
    curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(kAnswerPatience.count()));
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl_.get(), CURLOPT_ERRORBUFFER, problem.data());
    const CURLcode code = curl_easy_perform(curl_.get());
    curl_easy_setopt(curl_.get(), CURLOPT_ERRORBUFFER, nullptr);
    if (code != CURLE_OK)
      throw unreachable(problem[0] != '\0' ? problem.data() : curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    auto parsed = json::parse(answer, nullptr, false);
    constexpr long kOk = 200;
    if (status == kOk && parsed.is_object()) return parsed;
    const std::string message = parsed.is_object() ? text(parsed, "error") : std::string();
    const int its_code = parsed.is_object() ? static_cast<int>(integer(parsed, "code")) : 0;
    if (its_code == kOutOfRangeCode) throw NoSuchRevision(message);
    // The next time with another one.
    if (its_code == kInvalidArgument || its_code == kUnauthenticated) token_.clear();
    throw unreachable(std::to_string(status) + " " + detail_of(message));
  }

  const EtcdOptions& options_;
  CurlHandle curl_;
  std::size_t member_ = 0;
  bool moved_ = true;
  std::string token_;
};

struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

class EtcdLog : public Log {
 public:
  explicit EtcdLog(EtcdOptions options)
      : options_(std::move(options)),
        key_(base64_of(options_.key)),
        appending_(options_, stopping_),
        following_(options_, stopping_),
        looking_(options_, stopping_) {}
  EtcdLog(const EtcdLog&) = delete;
  EtcdLog& operator=(const EtcdLog&) = delete;
  EtcdLog(EtcdLog&&) = delete;
  EtcdLog& operator=(EtcdLog&&) = delete;
  ~EtcdLog() override { close_watch(); }

  void append(const std::string& value) override {
    appending_.ask("/v3/kv/put", {{"key", key_}, {"value", base64_of(value)}});
  }

  Head follow(const Position& position) override {
    close_watch();
    following_.move_on();
    const json answer = following_.ask("/v3/kv/range", {{"key", key_}});
    Head head = head_of(answer);
    check_cluster(answer, position.cluster_id);
    if (position.number > 0) check_position(position, answer, head);
    {
      const std::lock_guard lock(mutex_);
      cluster_id_ = head.cluster_id;
    }
    // At the end nothing before now is needed, which may be forgotten.
    std::int64_t from = integer(member(answer, "header"), "revision") + 1;
    if (head.number > position.number) {
      // At the beginning: the key's own, whatever was there before it was deleted.
      from = position.number > 0 ? position.revision + 1
                                 : integer(answer["kvs"].front(), "create_revision");
    }
    open_watch(from);
    return head;
  }

  std::optional<LogItem> next(milliseconds patience) override {
    const auto end = Clock::now() + patience;
    for (;;) {
      if (!items_.empty()) {
        LogItem item = std::move(items_.front());
        items_.pop_front();
        return item;
      }
      if (stopping_) throw LogUnreachable("stopping");
      if (!watch_) throw LogUnreachable("nothing is followed");
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      read_lines();
      if (!items_.empty()) continue;
      if (running == 0) {
        close_watch();
        throw following_.unreachable("the watch has ended");
      }
      const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
      if (left <= milliseconds{0}) return std::nullopt;
      constexpr milliseconds kSlice{100};
      curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::min(left, kSlice).count()),
                      nullptr);
    }
  }

  // By any member that answers, each once.
  Head head() override {
    for (std::size_t tried = 1;; ++tried) {
      try {
        const json answer = looking_.ask("/v3/kv/range", {{"key", key_}, {"keys_only", true}});
        check_cluster(answer, followed_cluster());
        return head_of(answer);
      } catch (const LogUnreachable&) {
        if (tried >= options_.members.size() || stopping_) throw;
      }
    }
  }

  void trim(std::int64_t revision) override {
    try {
      looking_.ask("/v3/kv/compaction", {{"revision", std::to_string(revision)}});
    } catch (const NoSuchRevision&) {
      // It is trimmed so far already.
    }
  }

  void stop() override { stopping_ = true; }

 private:
  static Head head_of(const json& answer) {
    Head head;
    head.cluster_id = text(member(answer, "header"), "cluster_id");
    if (const auto kvs = answer.find("kvs"); kvs != answer.end() && !kvs->empty()) {
      head.number = integer(kvs->front(), "version");
      head.revision = integer(kvs->front(), "mod_revision");
    }
    return head;
  }

  std::string followed_cluster() {
    const std::lock_guard lock(mutex_);
    return cluster_id_;
  }

  static void check_cluster(const json& answer, const std::string& cluster_id) {
    const auto its = text(member(answer, "header"), "cluster_id");
    if (cluster_id.empty() || its == cluster_id) return;
    throw LogBroken("this is another etcd: cluster " + its + ", and the file is of cluster " +
                    cluster_id + "; check --log, or take a file of that cluster");
  }

  void check_position(const Position& position, const json& newest, const Head& head) {
    const std::string at = "put " + std::to_string(position.number);
    if (head.number == 0) {
      throw LogBroken("the log's key " + options_.key +
                      " is not in etcd: it was deleted, or etcd was put back");
    }
    if (integer(newest["kvs"].front(), "create_revision") > position.revision) {
      throw LogBroken("the log's key " + options_.key + " was deleted, and begun anew, after " +
                      at);
    }
    if (head.number < position.number || head.revision < position.revision) {
      throw LogBroken("the log ends at " + std::to_string(head.number) + ", and this file is at " +
                      std::to_string(position.number) +
                      ": etcd was put back from a backup, or the file is of another log");
    }
    json there = newest;
    try {
      if (head.number > position.number) {
        there = following_.ask("/v3/kv/range",
                               {{"key", key_}, {"revision", std::to_string(position.revision)}});
      }
    } catch (const NoSuchRevision& error) {
      throw LogBroken("what follows " + at + " is not in the log any more: " + error.what() +
                      "; restore this node from a newer backup (`saldod log join`)");
    }
    const auto kvs = there.find("kvs");
    if (kvs == there.end() || kvs->empty())
      throw LogBroken(at + " is not in the log: the file is of another log");
    const auto put = decode(parse_base64(text(kvs->front(), "value")).value_or(""));
    if (!put) throw following_.unreachable(at + " is damaged there");
    if (integer(kvs->front(), "version") != position.number || put->id != position.last_id) {
      throw LogBroken(at +
                      " of the log is not the one that was applied in this file: one of them "
                      "was put back from a backup and went on");
    }
  }

  void open_watch(std::int64_t revision) {
    watch_body_ = json{{"create_request",
                        {{"key", key_},
                         {"start_revision", std::to_string(revision)},
                         {"progress_notify", true},
                         {"fragment", true}}}}
                      .dump();
    received_.clear();
    items_.clear();
    multi_.reset(curl_multi_init());
    watch_ = new_curl(stopping_);
    if (!multi_) throw std::bad_alloc();
    watch_headers_.reset();
    following_.prepare(watch_.get(), "/v3/watch", watch_body_, watch_headers_);
    curl_easy_setopt(watch_.get(), CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(watch_.get(), CURLOPT_WRITEDATA, &received_);
    curl_easy_setopt(watch_.get(), CURLOPT_TCP_KEEPALIVE, 1L);
    curl_multi_add_handle(multi_.get(), watch_.get());
  }

  void close_watch() {
    if (watch_) curl_multi_remove_handle(multi_.get(), watch_.get());
    watch_.reset();
    multi_.reset();
  }

  // An answer a line.
  void read_lines() {
    std::size_t begin = 0;
    for (auto end = received_.find('\n'); end != std::string::npos;
         end = received_.find('\n', begin)) {
      const auto line =
          json::parse(std::string_view(received_).substr(begin, end - begin), nullptr, false);
      begin = end + 1;
      if (!line.is_object()) throw following_.unreachable("the watch gives no JSON");
      if (line.contains("error")) {
        throw following_.unreachable("the watch was refused: " +
                                     detail_of(text(member(line, "error"), "message")));
      }
      read_answer(member(line, "result"));
    }
    received_.erase(0, begin);
  }

  void read_answer(const json& answer) {
    check_cluster(answer, followed_cluster());
    if (answer.value("canceled", false)) {
      if (integer(answer, "compact_revision") > 0) {
        throw LogBroken("what follows is not in the log any more: it was trimmed before revision " +
                        std::to_string(integer(answer, "compact_revision")) +
                        "; restore this node from a newer backup (`saldod log join`)");
      }
      throw following_.unreachable("the watch was cancelled: " + text(answer, "cancel_reason"));
    }
    const auto events = answer.find("events");
    if (events == answer.end()) return;
    for (const json& event : *events) {
      if (text(event, "type") == "DELETE")
        throw LogBroken("the log's key " + options_.key + " was deleted from etcd");
      const json& kv = member(event, "kv");
      items_.push_back({integer(kv, "version"), integer(kv, "mod_revision"),
                        parse_base64(text(kv, "value")).value_or("")});
    }
  }

  const EtcdOptions options_;
  const std::string key_;
  std::atomic<bool> stopping_{false};
  EtcdClient appending_;
  EtcdClient following_;
  EtcdClient looking_;
  std::mutex mutex_;
  std::string cluster_id_;  // with mutex_
  std::unique_ptr<CURLM, FreeMulti> multi_;
  CurlHandle watch_;
  CurlList watch_headers_;
  std::string watch_body_;
  std::string received_;
  std::deque<LogItem> items_;
};

}  // namespace

std::vector<std::string> parse_etcd_url(const std::string& url) {
  constexpr std::string_view kScheme = "etcd://";
  std::vector<std::string> members;
  if (url.compare(0, kScheme.size(), kScheme) == 0) {
    for (std::size_t begin = kScheme.size(); begin <= url.size();) {
      const auto end = std::min(url.find(',', begin), url.size());
      const auto host = url.substr(begin, end - begin);
      const auto colon = host.rfind(':');
      const bool is_right = colon != std::string::npos && colon > 0 && colon + 1 < host.size() &&
                            host.find_first_not_of("0123456789", colon + 1) == std::string::npos &&
                            host.find_first_of("/@?# ") == std::string::npos;
      if (!is_right) {
        members.clear();
        break;
      }
      members.push_back(host);
      begin = end + 1;
    }
  }
  if (members.empty()) {
    throw std::runtime_error("--log " + url +
                             " is not the members of an etcd, such as "
                             "etcd://h1:2379,h2:2379,h3:2379");
  }
  return members;
}

std::shared_ptr<Log> open_etcd_log(EtcdOptions options) {
  return std::make_shared<EtcdLog>(std::move(options));
}

}  // namespace saldo::server
