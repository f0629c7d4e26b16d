#include "store/answers.h"

namespace saldo::server {
namespace {

Statement& bind(Statement& statement, const AnswerKey& key) {
  return statement.bind_static(1, key.token)
      .bind_static(2, key.method)
      .bind_static(3, key.target)
      .bind_static(4, key.key);
}

}  // namespace

std::optional<StoredAnswer> find_answer(Database& database, const AnswerKey& key) {
  auto row = database.prepare(
      "SELECT request_hash, status, content_type, body FROM stored_answer "
      "WHERE token = ?1 AND method = ?2 AND target = ?3 AND key = ?4");
  bind(row, key);
  if (!row.step()) return std::nullopt;
  if (row.text(0) != key.body_hash)
    throw invalid("this Idempotency-Key was used before, with another body");
  return StoredAnswer{static_cast<int>(row.integer(1)), std::string(row.text(2)),
                      std::string(row.text(3))};
}

void store_answer(Database& database, const AnswerKey& key, const StoredAnswer& answer,
                  const std::string& now) {
  auto row = database.prepare(
      "INSERT INTO stored_answer(token, method, target, key, request_hash, status, content_type, "
      "body, stored_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  bind(row, key)
      .bind_static(5, key.body_hash)
      .bind(6, std::int64_t{answer.status})
      .bind_static(7, answer.content_type)
      .bind_static(8, answer.body)
      .bind_static(9, now)
      .step();
}

}  // namespace saldo::server
