// An attempt of a delivery, as the database is told of it: first that it is made, then what came of
// it. Each is one write, and wherever it is applied it does the same.
#pragma once

#include <string>

#include "log/replica.h"

namespace saldo::server {

inline constexpr std::string_view kEmailChannel = "email";

// A delivery that was taken.
struct Attempt {
  std::string channel;
  std::int64_t delivery_id;
  std::int64_t notice_id;
  std::string status;  // 'waiting', or what it was done with at once
  std::int64_t attempts;
  Instant since;
  std::string recipient;
  std::string subject;
  std::string body;
  std::string language;  // of an e-mail; empty for a webhook
};

// An entry `claim`: channel, lease (seconds), and of e-mails test_clock, capture (flags) and
// redirect (null: none). `reply` is the Attempt; null: nothing of the channel is due.
Applied take_delivery(Database& database, const Entry& entry, Instant now);

// An entry `outcome`: channel, delivery_id, attempts, status, next_at (null where it is done),
// detail, given_back, success, gone, and suspend: the address that the relay refused, or null.
Applied settle_delivery(Database& database, const Entry& entry, Instant now);

}  // namespace saldo::server
