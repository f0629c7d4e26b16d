#include "posting/digest.h"

#include "rules/error.h"
#include "sqlite/json.h"

namespace saldo {
namespace {

struct Lines {
  const char* name;
  const char* sql;
};

// ?1 is the day. ?2 is the day too, but '' on the first one, which covers what came before it. ?3
// and ?4 are the instants at which the day begins ('' on the first one) and ends.
constexpr Lines kLines[] = {
    {"payment", "SELECT * FROM main.payment WHERE day BETWEEN ?2 AND ?1 ORDER BY payment_id"},
    {"adjustment",
     "SELECT * FROM main.adjustment WHERE day BETWEEN ?2 AND ?1 ORDER BY adjustment_id"},
    {"promised_payment",
     "SELECT * FROM main.promised_payment WHERE granted_at >= ?3 AND granted_at < ?4 ORDER BY "
     "promise_id"},
    {"usage_event",
     "SELECT * FROM main.usage_event INDEXED BY usage_event_day WHERE charged_on BETWEEN ?2 AND ?1"
     " ORDER BY charged_on, account_id, service_id, quantity, occurred_at, usage_id"},
    {"account",
     "SELECT account_id, registered_on FROM main.account WHERE registered_on BETWEEN ?2 AND ?1 "
     "ORDER BY account_id"},
    {"account_terms",
     "SELECT * FROM main.account_terms WHERE valid_from BETWEEN ?2 AND ?1 ORDER BY account_id, "
     "valid_from"},
    {"headcount",
     "SELECT * FROM main.headcount WHERE day BETWEEN ?2 AND ?1 ORDER BY account_id, day"},
    // A start and an end take effect on days of their own, and the end may be set after the start
    // is closed.
    {"subscription_start",
     "SELECT account_id, service_id, started_on, quantity, price_list FROM main.subscription"
     " WHERE started_on BETWEEN ?2 AND ?1 ORDER BY account_id, service_id, started_on"},
    {"subscription_end",
     "SELECT account_id, service_id, started_on, ended_on FROM main.subscription"
     " WHERE ended_on BETWEEN ?2 AND ?1 ORDER BY account_id, service_id, started_on"},
    {"tariff",
     "SELECT * FROM main.tariff WHERE valid_from BETWEEN ?2 AND ?1"
     " ORDER BY price_list, service_id, valid_from, min_quantity"},
    {"policy", "SELECT * FROM main.policy WHERE valid_from BETWEEN ?2 AND ?1 ORDER BY valid_from"},
    {"calendar_exception",
     "SELECT * FROM main.calendar_exception WHERE day BETWEEN ?2 AND ?1 ORDER BY day"},
    {"superseded",
     "SELECT * FROM main.superseded WHERE day BETWEEN ?2 AND ?1 ORDER BY superseded_id"},
    {"day_close",
     "SELECT day, ends_at, closed_at, accounts, charges, charged FROM main.day_close WHERE day = "
     "?1"},
};

// In place of a forged value: any fixed text makes the digest differ.
constexpr std::string_view kForged = "false";

constexpr std::size_t kBufferedBytesMax = 1 << 16;

}  // namespace

DayDigest::DayDigest(Context& context, const std::string& day) : context_(context), day_(day) {
  auto close = context.statements.prepare("SELECT ends_at FROM main.day_close WHERE day = ?1");
  if (!close.bind(1, day).step()) throw not_found(day + " is not closed");
  ends_at_ = close.text(0);
  // One row always: NULLs on the first day.
  auto previous = context.statements.prepare(
      "SELECT max(day), digest, ends_at FROM main.day_close WHERE day < ?1");
  previous.bind(1, day).step();
  first_ = previous.is_null(0);
  starts_at_ = previous.text(2);
  buffer_ = "[\"digest\",";
  append_json(buffer_, previous, 1, kForged);
  end_line();
  charge_ = "[\"charge\",";
  append_json(charge_, day);
  charge_ += ',';
}

void DayDigest::add(const ChargeColumns& charge) {
  buffer_ += charge_;
  append_json(buffer_, charge.account_id);
  buffer_ += ',';
  append_json(buffer_, charge.service_id);
  for (const auto number : {charge.quantity, charge.monthly_fee, charge.unit_fee, charge.amount}) {
    buffer_ += ',';
    append_json(buffer_, number);
  }
  end_line();
}

void DayDigest::add(std::string_view name, const Statement& row) {
  buffer_ += '[';
  append_json(buffer_, name);
  for (int i = 0; i < row.columns(); ++i) {
    buffer_ += ',';
    append_json(buffer_, row, i, kForged);
  }
  end_line();
}

void DayDigest::end_line() {
  buffer_ += "]\n";
  if (buffer_.size() >= kBufferedBytesMax) flush();
}

std::string DayDigest::finish() {
  for (const Lines& lines : kLines) {
    auto row = context_.statements.prepare(lines.sql);
    // Not every statement has all four.
    const std::string_view parameters[] = {day_, first_ ? std::string_view() : day_, starts_at_,
                                           ends_at_};
    for (int i = 0; i < row.parameters(); ++i) row.bind(i + 1, parameters[i]);
    while (row.step()) add(lines.name, row);
  }
  flush();
  return hash_.finish();
}

void DayDigest::flush() {
  hash_.add(buffer_);
  buffer_.clear();
}

}  // namespace saldo
