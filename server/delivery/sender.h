// The sender: takes deliveries that are due, attempts them, and settles them. An attempt is counted
// in one short write before it is made, and settled in another; in between no transaction is open.
// A server that dies in between makes it again when its lease is over, under the same identity.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "delivery/attempt.h"
#include "delivery/mail_message.h"
#include "delivery/schedule.h"
#include "delivery/smtp.h"
#include "delivery/webhook.h"
#include "log/writes.h"
#include "metrics.h"

namespace saldo::server {

struct MailOptions {
  std::optional<Relay> relay;  // neither this nor `capture`: e-mails wait
  Mailbox from;
  MailHours hours;
  int rate = 60;         // a minute; 0: unlimited
  std::string redirect;  // gets everything; empty: nothing is redirected
  bool capture = false;  // nothing is sent
};

struct SenderOptions {
  MailOptions mail;
  bool webhook_allow_private = false;
  bool test_clock = false;
};

class Sender {
 public:
  // E-mails that are under way at once: one that the relay is slow with holds up no other.
  static constexpr int kMailThreads = 16;
  // As many as there may be webhooks (sql/deliveries.sql), so that each has its own.
  static constexpr int kWebhookThreads = 16;

  Sender(const std::string& database, Writer& writer, Writes& writes, Metrics& metrics,
         SenderOptions options);
  // From now on deliveries are attempted.
  void start();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  Sender(Sender&&) = delete;
  Sender& operator=(Sender&&) = delete;
  ~Sender();
  // After Commits::stop(). Attempts under way are given a few seconds to end.
  void finish();

  // What the relay says against our own configuration, while all e-mail pauses for that.
  [[nodiscard]] std::optional<std::string> mail_problem() const;

  // One message through the relay, now. Throws conflict where there is none.
  Outcome test_mail(const std::string& to);
  // One message to a webhook, now; `status` is that of its answer, 0: there was none. Throws
  // not_found.
  struct WebhookTest {
    Outcome outcome;
    long status;
  };
  WebhookTest test_webhook(const std::string& name);

 private:
  using Clock = std::chrono::steady_clock;

  void send_mail();
  void send_webhooks(int place);
  std::optional<Attempt> next_mail();
  std::optional<Attempt> next_webhook(int place);
  // Whether it is this node that attempts deliveries of the channel.
  [[nodiscard]] bool may_take(const std::string& channel) const;
  std::optional<Attempt> take(const std::string& channel);
  void settle(const Attempt& attempt, const Outcome& outcome);
  bool try_to_settle(const nlohmann::ordered_json& outcome);
  void set_unsettled(const std::string& channel, int change);
  bool is_unsettled(const std::string& channel) const;
  Applied write(const std::string& kind, const nlohmann::ordered_json& data,
                const std::function<bool()>& still = nullptr);

  // Asks the database something; the connection is all the sender's threads'.
  template <typename Ask>
  auto ask(Ask&& question) {
    const std::lock_guard lock(reader_mutex_);
    return question(reader_);
  }
  // When the channel's next delivery is due; '' at once; nullopt: nothing waits.
  std::optional<std::string> due_at(const std::string& channel);
  WebhookMessage webhook_message(const std::string& name, std::string url, std::string id,
                                 std::string body);
  MailMessage mail_message(const std::string& to, MailText text, std::string_view id,
                           Instant date) const;
  // Of a document that was issued its PDF; nullopt: the notice is of something else.
  std::optional<MailAttachment> attachment_of(std::int64_t notice_id);
  // Until when no e-mail may be sent.
  Clock::time_point mail_closed_until() const;
  [[nodiscard]] bool is_mail_limited() const;
  void count_mail();
  void note(const Outcome& outcome, bool unreachable);

  Writes& writes_;
  Commits& commits_;
  Metrics& metrics_;
  SenderOptions options_;
  const date::time_zone* zone_ = nullptr;
  std::mutex reader_mutex_;
  Database reader_;
  std::atomic<bool> abort_{false};  // attempts under way end

  std::mutex mail_turn_;  // one thread at a time looks whether an e-mail is due
  mutable std::mutex mail_mutex_;
  Clock::time_point next_mail_;  // by the rate
  // While the relay refuses our own configuration, or is not reached: how long it is left alone
  // between two attempts.
  seconds pause_{0};
  Clock::time_point paused_until_;
  std::optional<std::string> mail_problem_;

  // How many outcomes by each channel are known, but not yet on disk.
  mutable std::mutex unsettled_mutex_;
  std::map<std::string, int> unsettled_;

  std::vector<std::thread> threads_;
  std::atomic<int> running_{0};
};

}  // namespace saldo::server
