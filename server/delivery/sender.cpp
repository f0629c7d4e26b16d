#include "delivery/sender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "codecs/format.h"
#include "codecs/json.h"
#include "delivery/embedded.h"
#include "delivery/statements.h"
#include "documents/functions.h"
#include "documents/pdf.h"

namespace saldo::server {
namespace {

// When what was taken is due again, if nothing is heard of it: later than any attempt takes.
constexpr seconds kMailLease = SmtpClient::kPatience + seconds{30};
constexpr seconds kWebhookLease = WebhookClient::kPatience + seconds{15};

// While the relay refuses our own configuration, an attempt is made so often.
constexpr seconds kPause{300};
// While the relay is not reached at all, likewise.
constexpr seconds kUnreachablePause{5};

// Other programs may post notices, too, and that is not announced.
constexpr std::chrono::milliseconds kLookAgain{1000};
// Under a load of other writes it is not looked after each of them.
constexpr std::chrono::milliseconds kRest{20};

constexpr std::chrono::seconds kPatienceAtEnd{5};
constexpr std::chrono::milliseconds kSettleAgain{500};

const char* status_of_outcome(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kSent:
      return "sent";
    case Outcome::Kind::kAgain:
    case Outcome::Kind::kPaused:
      return "waiting";
    case Outcome::Kind::kFailed:
    case Outcome::Kind::kAddressRefused:
    case Outcome::Kind::kGone:
      return "failed";
  }
  return "waiting";
}

}  // namespace

Sender::Sender(const std::string& database, Writer& writer, Writes& writes, Metrics& metrics,
               SenderOptions options)
    : writes_(writes),
      commits_(writer.commits()),
      metrics_(metrics),
      options_(std::move(options)),
      reader_(database, Database::Mode::kRead) {
  // What does not fit the schema stops the start, rather than the sending.
  for (const auto& sql : kEmbeddedDeliveries) reader_.prepare(sql.text.data());
  auto policy = reader_.prepare("SELECT time_zone FROM policy LIMIT 1");
  policy.step();
  zone_ = find_zone(std::string(policy.text(0)));
}

void Sender::start() {
  const auto start = [&](auto work) {
    ++running_;
    threads_.emplace_back([this, work] {
      work();
      --running_;
    });
  };
  if (options_.mail.relay || options_.mail.capture) {
    for (int i = 0; i < kMailThreads; ++i) start([this] { send_mail(); });
  }
  for (int place = 0; place < kWebhookThreads; ++place)
    start([this, place] { send_webhooks(place); });
}

Sender::~Sender() { finish(); }

void Sender::finish() {
  commits_.stop();
  const auto end = Clock::now() + kPatienceAtEnd;
  constexpr std::chrono::milliseconds kStep{10};
  while (running_ > 0 && Clock::now() < end) std::this_thread::sleep_for(kStep);
  abort_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::optional<std::string> Sender::mail_problem() const {
  const std::lock_guard lock(mail_mutex_);
  return mail_problem_;
}

void Sender::send_mail() {
  std::optional<SmtpClient> client;
  if (options_.mail.relay) client.emplace(*options_.mail.relay, abort_);
  while (auto attempt = next_mail()) {
    Outcome outcome{Outcome::Kind::kFailed, "this is not one address, such as anna@example.org",
                    std::nullopt};
    if (is_mail_address(attempt->recipient)) {
      try {
        auto message =
            mail_message(attempt->recipient, {attempt->subject, attempt->body, attempt->language},
                         "notice-" + std::to_string(attempt->notice_id) + ".email", attempt->since);
        message.attachment = attachment_of(attempt->notice_id);
        outcome = client->send(message, options_.mail.from.address, attempt->recipient);
        note(outcome, client->unreachable());
      } catch (const std::exception& error) {
        outcome = {Outcome::Kind::kAgain, error.what(), std::nullopt};
      }
    }
    settle(*attempt, outcome);
  }
}

void Sender::send_webhooks(int place) {
  WebhookClient client(options_.webhook_allow_private, abort_);
  while (auto attempt = next_webhook(place)) {
    Outcome outcome;
    try {
      outcome = client.send(
          webhook_message(attempt->channel, attempt->recipient,
                          "notice_" + std::to_string(attempt->notice_id), attempt->body),
          clock_now());
    } catch (const std::exception& error) {
      outcome.detail = error.what();
    }
    settle(*attempt, outcome);
  }
}

// Blocks until there is one, and it may be sent; nullopt: the server stops.
std::optional<Attempt> Sender::next_mail() {
  std::unique_lock turn(mail_turn_);
  const std::string channel(kEmailChannel);
  // What ended with the stop is due again at once, for the next server.
  while (commits_.sleep(Clock::now())) {
    const auto seen = commits_.count();
    auto until = Clock::now() + kLookAgain;
    try {
      const auto due = due_at(channel);
      const auto closed_until = mail_closed_until();
      if (due && *due <= format_instant(clock_now()) && may_take(channel)) {
        if (closed_until <= Clock::now() && !is_unsettled(channel)) {
          // Taking waits for a commit, which threads that take at once share.
          if (!is_mail_limited()) turn.unlock();
          if (auto attempt = take(channel); attempt && attempt->status == "waiting") {
            count_mail();
            return attempt;
          }
          if (!turn.owns_lock()) turn.lock();
          continue;
        }
        if (closed_until > Clock::now()) until = std::min(until, closed_until);
      }
    } catch (const std::exception& error) {
      if (!turn.owns_lock()) turn.lock();
      spdlog::error("taking an e-mail failed, and is tried again: {}", error.what());
      if (!commits_.sleep(until)) return std::nullopt;
    }
    if (!commits_.wait(seen, until) || !commits_.sleep(Clock::now() + kRest)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Attempt> Sender::next_webhook(int place) {
  // What ended with the stop is due again at once, for the next server.
  while (commits_.sleep(Clock::now())) {
    const auto seen = commits_.count();
    try {
      const auto name = ask([&](Database& reader) {
        auto row = reader.prepare("SELECT name FROM webhook ORDER BY name LIMIT 1 OFFSET ?1");
        row.bind(1, std::int64_t{place});
        return row.step() ? std::string(row.text(0)) : std::string();
      });
      if (!name.empty()) {
        const auto due = due_at(name);
        if (due && *due <= format_instant(clock_now()) && may_take(name)) {
          if (auto attempt = take(name)) return attempt;
        }
      }
    } catch (const std::exception& error) {
      spdlog::error("taking a delivery failed, and is tried again: {}", error.what());
    }
    if (!commits_.wait(seen, Clock::now() + kLookAgain) || !commits_.sleep(Clock::now() + kRest)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Sender::due_at(const std::string& channel) {
  return ask([&](Database& reader) -> std::optional<std::string> {
    auto row = delivery_statement(reader, "due", {{":channel", channel}});
    if (!row.step()) return std::nullopt;
    return std::string(row.text(0));
  });
}

bool Sender::may_take(const std::string& channel) const {
  auto* replica = writes_.replica();
  return replica == nullptr || replica->may_claim(channel);
}

std::optional<Attempt> Sender::take(const std::string& channel) {
  const bool is_mail = channel == kEmailChannel;
  nlohmann::ordered_json claim = {{"channel", channel},
                                  {"lease", (is_mail ? kMailLease : kWebhookLease).count()}};
  if (is_mail) {
    claim["test_clock"] = options_.test_clock ? 1 : 0;
    claim["capture"] = options_.mail.capture ? 1 : 0;
    claim["redirect"] = options_.mail.redirect.empty()
                            ? nlohmann::ordered_json()
                            : nlohmann::ordered_json(options_.mail.redirect);
  }
  const auto applied = write("claim", claim, [&] { return !is_unsettled(channel); });
  const auto attempt = std::static_pointer_cast<Attempt>(applied.reply);
  if (!attempt) return std::nullopt;
  if (attempt->status != "waiting") metrics_.count_delivery(channel, attempt->status);
  return *attempt;
}

void Sender::settle(const Attempt& attempt, const Outcome& outcome) {
  const bool is_mail = attempt.channel == kEmailChannel;
  const Instant now = clock_now();
  const bool paused = outcome.kind == Outcome::Kind::kPaused;
  std::string status = status_of_outcome(outcome.kind);
  std::string next_at;
  if (paused) {
    next_at = format_instant(now + kPause);
  } else if (abort_ && outcome.kind == Outcome::Kind::kAgain) {
    next_at = format_instant(now);
  } else if (status == "waiting") {
    const auto wait = is_mail ? mail_wait_after(attempt.attempts, now - attempt.since)
                              : webhook_wait_after(attempt.attempts, outcome.retry_after);
    if (wait) next_at = format_instant(now + *wait);
    if (!wait) status = "failed";
  }
  if (outcome.kind != Outcome::Kind::kSent) {
    spdlog::warn("delivery {} by {}, attempt {}: {}", attempt.delivery_id, attempt.channel,
                 attempt.attempts, outcome.detail);
  }
  const nlohmann::ordered_json settled = {
      {"channel", attempt.channel},
      {"delivery_id", attempt.delivery_id},
      {"attempts", attempt.attempts},
      {"status", status},
      {"next_at", next_at.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(next_at)},
      {"detail", replace_invalid_utf8(outcome.detail)},
      {"given_back", paused ? 1 : 0},
      {"success", outcome.kind == Outcome::Kind::kSent ? 1 : 0},
      {"gone", outcome.kind == Outcome::Kind::kGone ? 1 : 0},
      // It was not this account's address that was refused, if all of them go to another one.
      {"suspend", outcome.kind == Outcome::Kind::kAddressRefused && options_.mail.redirect.empty()
                      ? attempt.recipient
                      : std::string()}};
  // What is known is not to be repeated. So it is kept until the disk takes it, or the server
  // stops; meanwhile nothing of the channel is taken, as this delivery might be.
  bool unsettled = false;
  while (!try_to_settle(settled) && !abort_) {
    if (!unsettled) set_unsettled(attempt.channel, 1);
    unsettled = true;
    std::this_thread::sleep_for(kSettleAgain);
  }
  if (unsettled) set_unsettled(attempt.channel, -1);
  metrics_.count_delivery(attempt.channel, paused                ? "paused"
                                           : status == "waiting" ? "again"
                                                                 : status);
}

bool Sender::try_to_settle(const nlohmann::ordered_json& outcome) {
  try {
    write("outcome", outcome);
    return true;
  } catch (const std::exception& error) {
    spdlog::error("settling delivery {} failed, and is tried again: {}",
                  outcome["delivery_id"].get<std::int64_t>(), error.what());
    return false;
  }
}

void Sender::set_unsettled(const std::string& channel, int change) {
  const std::lock_guard lock(unsettled_mutex_);
  unsettled_[channel] += change;
}

bool Sender::is_unsettled(const std::string& channel) const {
  const std::lock_guard lock(unsettled_mutex_);
  const auto found = unsettled_.find(channel);
  return found != unsettled_.end() && found->second > 0;
}

Applied Sender::write(const std::string& kind, const nlohmann::ordered_json& data,
                      const std::function<bool()>& still) {
  try {
    return writes_.write(kind, data, false, still);
  } catch (const SqliteError& error) {
    throw std::runtime_error(sqlite3_errstr(error.code()));
  }
}

Sender::Clock::time_point Sender::mail_closed_until() const {
  if (options_.mail.capture) return {};
  const auto now = Clock::now();
  if (!is_within(options_.mail.hours, clock_now(), zone_)) return now + kLookAgain;
  const std::lock_guard lock(mail_mutex_);
  return std::max(next_mail_, paused_until_);
}

// Whether the next e-mail has to wait for what is known of this one.
bool Sender::is_mail_limited() const {
  const std::lock_guard lock(mail_mutex_);
  return !options_.mail.capture && (options_.mail.rate > 0 || pause_ > seconds{0});
}

// One more is on its way.
void Sender::count_mail() {
  const std::lock_guard lock(mail_mutex_);
  const auto now = Clock::now();
  paused_until_ = now + pause_;
  if (options_.mail.rate > 0) {
    constexpr Clock::duration kMinute = std::chrono::minutes{1};
    next_mail_ = std::max(next_mail_, now) + kMinute / options_.mail.rate;
  }
}

// What an attempt says of the relay, whatever was sent.
void Sender::note(const Outcome& outcome, bool unreachable) {
  const std::lock_guard lock(mail_mutex_);
  mail_problem_.reset();
  pause_ = unreachable ? kUnreachablePause : seconds{0};
  if (outcome.kind == Outcome::Kind::kPaused) {
    mail_problem_ = outcome.detail;
    pause_ = kPause;
  }
  paused_until_ = Clock::now() + pause_;
}

MailMessage Sender::mail_message(const std::string& to, MailText text, std::string_view id,
                                 Instant date) const {
  text.subject = replace_invalid_utf8(text.subject);
  text.body = replace_invalid_utf8(text.body);
  return compose_mail(options_.mail.from, to, text, id, date);
}

std::optional<MailAttachment> Sender::attachment_of(std::int64_t notice_id) {
  const auto content = ask([&](Database& reader) {
    auto row = delivery_statement(reader, "document", {{":notice_id", notice_id}});
    return row.step() ? std::string(row.text(0)) : std::string();
  });
  if (content.empty()) return std::nullopt;
  const auto document = document_of(content);
  return MailAttachment{document_file_name(document) + ".pdf",
                        std::string(names_of(Format::kPdf).media_type), document_pdf(document)};
}

WebhookMessage Sender::webhook_message(const std::string& name, std::string url, std::string id,
                                       std::string body) {
  const std::string now = format_instant(clock_now());
  auto secrets = ask([&](Database& reader) {
    std::vector<std::string> found;
    auto row = delivery_statement(
        reader, "secrets",
        {{":channel", name}, {":now", now}, {":test_clock", std::int64_t{options_.test_clock}}});
    while (row.step()) found.emplace_back(row.text(0));
    return found;
  });
  return {std::move(url), std::move(id), std::move(body), std::move(secrets)};
}

Outcome Sender::test_mail(const std::string& to) {
  if (!options_.mail.relay)
    throw conflict("there is no relay; `saldod serve --smtp URL` names one");
  if (!is_mail_address(to)) throw invalid("to is not one address, such as anna@example.org");
  SmtpClient client(*options_.mail.relay, abort_);
  const Instant now = clock_now();
  const auto id = "test-" + std::to_string(Clock::now().time_since_epoch().count()) + ".email";
  const std::string& recipient = options_.mail.redirect.empty() ? to : options_.mail.redirect;
  auto outcome = client.send(
      mail_message(recipient, {"Saldo: test", "This is a test of the e-mail of Saldo.", "en"}, id,
                   now),
      options_.mail.from.address, recipient);
  note(outcome, client.unreachable());
  return outcome;
}

Sender::WebhookTest Sender::test_webhook(const std::string& name) {
  const auto url = ask([&](Database& reader) {
    auto row = reader.prepare("SELECT url FROM webhook WHERE name = ?1");
    row.bind_static(1, name);
    return row.step() ? std::string(row.text(0)) : std::string();
  });
  if (url.empty()) throw not_found("there is no webhook " + name);
  const Instant now = clock_now();
  const nlohmann::ordered_json body = {
      {"type", "notice.test"}, {"timestamp", format_instant(now)}, {"data", {{"webhook", name}}}};
  WebhookClient client(options_.webhook_allow_private, abort_);
  auto outcome = client.send(
      webhook_message(name, url, "test_" + std::to_string(Clock::now().time_since_epoch().count()),
                      body.dump()),
      now);
  return {std::move(outcome), client.status()};
}

}  // namespace saldo::server
