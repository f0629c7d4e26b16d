// The answers to what was done under an Idempotency-Key, stored for good in the write's own commit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/database.h"

namespace saldo::server {

struct AnswerKey {
  std::string_view token;  // its name
  std::string_view method;
  std::string_view target;  // path?query
  std::string_view key;
  std::string body_hash;
};

struct StoredAnswer {
  int status;
  std::string content_type;
  std::string body;
};

// nullopt: nothing was done under this key. Throws invalid when it was done with another body.
std::optional<StoredAnswer> find_answer(Database& database, const AnswerKey& key);
void store_answer(Database& database, const AnswerKey& key, const StoredAnswer& answer,
                  const std::string& now);

}  // namespace saldo::server
