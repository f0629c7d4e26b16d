#include "jobs/entries.h"

#include "delivery/attempt.h"
#include "delivery/statements.h"
#include "store/tokens.h"

namespace saldo::server {
namespace {

std::string text_of(const Entry& entry, const char* name) {
  const auto found = entry.data.find(name);
  if (found == entry.data.end() || !found->is_string())
    throw invalid("an entry " + entry.kind + " lacks " + name);
  return found->get<std::string>();
}

// Closed already: by another node, or another program.
Applied close_day(Database& database, const Entry& entry, Instant now) {
  const auto day = text_of(entry, "day");
  const auto closed_at = format_instant(now);
  auto closed = database.prepare("SELECT digest FROM day_close WHERE day = ?1");
  if (closed.bind_static(1, day).step())
    return {Applied::kNothingToDo, std::string(closed.text(0)), {}};
  database.prepare("INSERT INTO day_close(day, closed_at) VALUES (?1, ?2)")
      .bind_static(1, day)
      .bind_static(2, closed_at)
      .step();
  closed.reset();
  closed.bind_static(1, day).step();
  return {Applied::kDone, std::string(closed.text(0)), {}};
}

Applied move_clock(Database& database, Instant now) {
  const auto at = format_instant(now);
  delivery_statement(database, "move_clock", {{":now", at}}).step();
  return {Applied::kDone, "", {}};
}

Applied add_token(Database& database, const Entry& entry, Instant now) {
  const auto role = parse_role(text_of(entry, "role"));
  if (!role || *role == Role::kNone) throw invalid("there is no such role");
  insert_token(database, text_of(entry, "name"), *role, text_of(entry, "hash"), now);
  return {Applied::kDone, "", {}};
}

Applied end_token(Database& database, const Entry& entry, Instant now) {
  const auto name = text_of(entry, "name");
  if (!revoke_token(database, name, now)) throw not_found("there is no valid token " + name);
  return {Applied::kDone, "", {}};
}

}  // namespace

Applied apply_job(Database& database, const Entry& entry, Instant now) {
  if (entry.kind == "close") return close_day(database, entry, now);
  if (entry.kind == "notice_clock") return move_clock(database, now);
  if (entry.kind == "token.create") return add_token(database, entry, now);
  if (entry.kind == "token.revoke") return end_token(database, entry, now);
  if (entry.kind == "claim") return take_delivery(database, entry, now);
  if (entry.kind == "outcome") return settle_delivery(database, entry, now);
  throw invalid("there is no kind " + entry.kind + " of entries");
}

}  // namespace saldo::server
