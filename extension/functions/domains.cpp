#include "functions/domains.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "functions/arguments.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/notice_text.h"
#include "rules/role.h"
#include "rules/text.h"
#include "rules/time.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

enum class Kind {
  kText,
  kName,  // a text that is not empty
  kIdentifier,
  kChoice,
  kWeek,
  kCurrency,
  kTimeZone,
  kUrl,
  kPayUrl,
  kWebhookSecret,
  kMonth,
  kDay,
  kInstant,
  kInteger,
};

struct Domain {
  Kind kind;
  std::string_view choices;  // of kChoice, with '|' between them
  std::int64_t low = 0;      // of kInteger
  std::int64_t high = 0;
  bool nullable = false;
};

constexpr Domain integer(std::int64_t low, std::int64_t high) {
  return {Kind::kInteger, {}, low, high};
}
constexpr Domain one_of(std::string_view choices) { return {Kind::kChoice, choices}; }
constexpr Domain nullable(Domain domain) {
  domain.nullable = true;
  return domain;
}

constexpr Domain kText{Kind::kText, {}};
constexpr Domain kName{Kind::kName, {}};
constexpr Domain kIdentifier{Kind::kIdentifier, {}};
constexpr Domain kWeek{Kind::kWeek, {}};
constexpr Domain kCurrency{Kind::kCurrency, {}};
constexpr Domain kTimeZone{Kind::kTimeZone, {}};
constexpr Domain kUrl{Kind::kUrl, {}};
constexpr Domain kPayUrl{Kind::kPayUrl, {}};
constexpr Domain kWebhookSecret{Kind::kWebhookSecret, {}};
constexpr Domain kDay{Kind::kDay, {}};
constexpr Domain kMonth{Kind::kMonth, {}};
constexpr Domain kInstant{Kind::kInstant, {}};
constexpr Domain kId = integer(1, kIdMax);
constexpr Domain kFlag = integer(0, 1);
constexpr Domain kSign = integer(-1, 1);
constexpr Domain kQuantity = integer(0, kQuantityMax);
constexpr Domain kDaysOfPolicy = integer(0, kPolicyDaysMax);
// A reference to a row: whether it is there, a trigger says.
constexpr Domain kReference =
    integer(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
constexpr Domain kReferenceByText = kText;

struct CheckedColumn {
  std::string_view name;
  Domain domain;
};

struct CheckedTable {
  std::string_view name;
  std::vector<CheckedColumn> columns;
};

// Every table of facts ends with when and by whom the row was recorded.
CheckedTable facts(std::string_view name, std::vector<CheckedColumn> columns) {
  columns.push_back({"recorded_at", nullable(kInstant)});
  columns.push_back({"recorded_by", nullable(kText)});
  return {name, std::move(columns)};
}

const std::vector<CheckedTable>& tables() {
  static const std::string kTokenRoles = token_roles("|", "|");
  static const std::vector<CheckedTable> kCheckedTables = {
      facts("policy", {{"valid_from", kDay},
                       {"rules", integer(1, 1)},
                       {"time_zone", kTimeZone},
                       {"currency", kCurrency},
                       {"working_week", kWeek},
                       {"restricted_days_charged", nullable(kDaysOfPolicy)},
                       {"grace_working_days", kDaysOfPolicy},
                       {"promised_payment_max_days", kDaysOfPolicy},
                       {"low_balance_warning_days", kDaysOfPolicy},
                       {"language", one_of("ru|en")},
                       {"reminder_days", nullable(integer(1, kPolicyDaysMax))},
                       {"reminders", integer(0, kRemindersMax)},
                       {"pay_url", nullable(kPayUrl)},
                       {"document_kind", one_of("act|upd")}}),
      facts("calendar_exception", {{"day", kDay}, {"working", kFlag}, {"name", nullable(kText)}}),
      facts("service", {{"service_id", kIdentifier},
                        {"name", kName},
                        {"kind", one_of("recurring|usage")},
                        {"unit", nullable(kText)}}),
      facts("tariff", {{"price_list", kIdentifier},
                       {"service_id", kReferenceByText},
                       {"valid_from", kDay},
                       {"min_quantity", kQuantity},
                       {"monthly_fee", integer(0, kMonthlyFeeMax)},
                       {"unit_fee", integer(0, kUnitFeeMax)}}),
      facts("account", {{"external_id", nullable(kText)},
                        {"name", kName},
                        {"admin_email", nullable(kText)},
                        {"registered_on", kDay},
                        {"trial_ends_on", nullable(kDay)},
                        {"customer_since", nullable(kDay)},
                        {"legal_name", nullable(kText)},
                        {"tax_id", nullable(kText)},
                        {"postal_address", nullable(kText)},
                        {"kpp", nullable(kText)},
                        {"contract", nullable(kText)},
                        {"signatory", nullable(kText)},
                        {"documents", one_of("bank|always|never")},
                        {"document_delivery", one_of("post|email")}}),
      facts("account_terms", {{"account_id", kReference},
                              {"valid_from", kDay},
                              {"status", one_of("active|paused|closed")},
                              {"credit_limit", nullable(integer(0, kBalanceMax))},
                              {"held", kFlag},
                              {"reason", nullable(kText)}}),
      facts("headcount", {{"account_id", kReference}, {"day", kDay}, {"employees", kQuantity}}),
      facts("subscription", {{"account_id", kReference},
                             {"service_id", kReferenceByText},
                             {"started_on", kDay},
                             {"ended_on", nullable(kDay)},
                             {"quantity", nullable(kQuantity)},
                             {"price_list", kIdentifier}}),
      facts("usage_event", {{"usage_id", kName},
                            {"account_id", kReference},
                            {"service_id", kReferenceByText},
                            {"occurred_at", kInstant},
                            {"quantity", integer(1, kQuantityMax)}}),
      facts("payment_method", {{"method", kIdentifier}, {"name", kName}}),
      facts("payment", {{"account_id", kReference},
                        {"amount", integer(1, kAmountMax)},
                        {"method", kReferenceByText},
                        {"external_id", nullable(kName)},
                        {"received_at", nullable(kInstant)},
                        {"credited_at", kInstant},
                        {"payer", nullable(kText)},
                        {"purpose", nullable(kText)}}),
      facts("adjustment_kind",
            {{"kind", kIdentifier}, {"name", kName}, {"sign", kSign}, {"revenue", kFlag}}),
      facts("adjustment", {{"account_id", kReference},
                           {"amount", integer(-kAmountMax, kAmountMax)},
                           {"kind", kReferenceByText},
                           {"effective_at", kInstant},
                           {"external_id", nullable(kName)},
                           {"reason", nullable(kText)},
                           {"payment_id", nullable(kReference)},
                           {"service_id", nullable(kReferenceByText)},
                           {"for_day", nullable(kDay)}}),
      facts("promised_payment",
            {{"account_id", kReference},
             {"granted_at", kInstant},
             {"days", kReference}}),  // its limits are the policy's, which a trigger reads
      facts("channel", {{"channel_id", kIdentifier},
                        {"protocol", kIdentifier},
                        {"method", kReferenceByText},
                        {"min_amount", nullable(integer(1, kAmountMax))},
                        {"max_amount", nullable(integer(1, kAmountMax))},
                        {"disabled", kFlag}}),
      {"receipt",
       {{"source", kReferenceByText},
        {"external_id", kName},
        {"amount", integer(1, kAmountMax)},
        {"account_text", nullable(kText)},
        {"payer", nullable(kText)},
        {"payer_tax_id", nullable(kText)},
        {"payer_account", nullable(kText)},
        {"purpose", nullable(kText)},
        {"raw", nullable(kText)},
        {"status", nullable(one_of("pending|matched|ignored"))},
        {"reason", nullable(kText)},
        {"recorded_at", kInstant},
        {"recorded_by", nullable(kText)}}},
      {"receipt_payment", {{"receipt_id", kReference}, {"payment_id", kReference}}},
      {"receipt_match",
       {{"receipt_id", kReference},
        {"parts", kText},
        {"reason", nullable(kText)},
        {"recorded_at", kInstant},
        {"recorded_by", nullable(kText)}}},
      {"receipt_return",
       {{"source", kReferenceByText},
        {"external_id", kReferenceByText},
        {"return_id", kName},
        {"kind", one_of("refund|chargeback")},
        {"amount", nullable(integer(1, kAmountMax))},
        {"recorded_at", kInstant},
        {"recorded_by", nullable(kText)}}},
      facts("issuer", {{"valid_from", kDay},
                       {"name", kName},
                       {"legal_name", nullable(kName)},
                       {"tax_id", nullable(kName)},
                       {"kpp", nullable(kName)},
                       {"address", nullable(kName)},
                       {"bank_name", nullable(kName)},
                       {"bic", nullable(kName)},
                       {"bank_account", nullable(kName)},
                       {"corr_account", nullable(kName)},
                       {"director", nullable(kName)},
                       {"accountant", nullable(kName)}}),
      facts("tax_rate", {{"service_id", kReferenceByText},
                         {"valid_from", kDay},
                         {"basis_points", nullable(integer(0, kBasisPointsMax))}}),
      facts("document_run", {{"month", kMonth}, {"issued_on", kDay}}),
      facts("invoice", {{"account_id", kReference},
                        {"issued_on", kDay},
                        {"amount", nullable(integer(1, kAmountMax))},
                        {"until", nullable(kDay)},
                        {"employees", nullable(kQuantity)}}),
      facts("reconciliation", {{"account_id", kReference},
                               {"issued_on", kDay},
                               {"period_from", kDay},
                               {"period_to", kDay}}),
      facts("document_correction", {{"corrects", kReference}, {"corrected_on", kDay}}),
      {"superseded", {{"day", kDay}}},
      {"day_close", {{"day", kDay}, {"closed_at", kInstant}}},
      {"token",
       {{"name", kName},
        {"role", one_of(kTokenRoles)},
        {"hash", kName},
        {"created_at", kInstant},
        {"revoked_at", nullable(kInstant)}}},
      {"stored_answer", {{"stored_at", kInstant}}},
      {"notice_kind",
       {{"kind", kIdentifier},
        {"name", kName},
        {"severity", one_of("info|warning|error")},
        {"by_email", kFlag}}},
      {"notice_clock", {{"at", kInstant}}},
      {"notice_template",
       {{"kind", kReferenceByText},
        {"language", one_of("ru|en")},
        {"subject", kName},
        {"body", kName}}},
      {"webhook",
       {{"name", kIdentifier},
        {"url", kUrl},
        {"kinds", nullable(kText)},
        {"created_at", kInstant},
        {"disabled_at", nullable(kInstant)},
        {"failing_since", nullable(kInstant)},
        {"detail", nullable(kText)}}},
      {"webhook_secret",
       {{"webhook", kReferenceByText},
        {"secret", kWebhookSecret},
        {"created_at", kInstant},
        {"expires_at", nullable(kInstant)}}},
      {"mail_suspended", {{"address", kText}, {"since", kInstant}, {"detail", nullable(kText)}}},
      {"delivery",
       {{"account_id", kReference},
        {"channel", kIdentifier},
        {"recipient", kText},
        {"status", one_of("waiting|sent|failed|moot|captured")},
        {"in_turn", kFlag},
        {"attempts", integer(0, kQuantityMax)},
        {"next_at", nullable(kInstant)},
        {"since", nullable(kInstant)},
        {"done_at", nullable(kInstant)},
        {"detail", nullable(kText)},
        {"subject", nullable(kText)},
        {"body", nullable(kText)},
        {"earlier", nullable(kText)}}},
  };
  return kCheckedTables;
}

bool is_identifier(std::string_view text) {
  constexpr std::size_t kBytesMax = 64;
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

bool is_week(std::string_view text) {
  std::array<bool, 8> seen{};
  return std::all_of(text.begin(), text.end(), [&](char c) {
    if (c < '1' || c > '7') return false;
    return !std::exchange(seen[static_cast<std::size_t>(c - '0')], true);
  });
}

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_port(std::string_view text) {
  constexpr int kPortMax = 65535;
  constexpr std::size_t kDigitsMax = 5;
  int port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || text.size() > kDigitsMax) return false;
    port = port * 10 + (c - '0');
  }
  return port > 0 && port <= kPortMax;
}

// host, host:port, [IPv6] or [IPv6]:port; nobody's name and password.
bool is_authority(std::string_view text) {
  const bool is_ipv6 = text.substr(0, 1) == "[";
  const auto host = is_ipv6 ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  constexpr std::size_t kBrackets = 2;
  if (host <= (is_ipv6 ? kBrackets : 0) || text.find('@') != std::string_view::npos) return false;
  return host == text.size() || (text[host] == ':' && is_port(text.substr(host + 1)));
}

bool is_url(std::string_view text) {
  constexpr std::size_t kBytesMax = 2000;
  const std::size_t begin = text.substr(0, 8) == "https://" ? 8 : 7;
  if (text.size() > kBytesMax || (begin == 7 && text.substr(0, 7) != "http://")) return false;
  const auto end = std::min(text.find_first_of("/?#", begin), text.size());
  return is_authority(text.substr(begin, end - begin)) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

// `whsec_` and the base64 of 24 to 64 bytes, as the Standard Webhooks specification 1.0.0 has it.
bool is_webhook_secret(std::string_view text) {
  constexpr std::string_view kPrefix = "whsec_";
  constexpr std::size_t kBytesMin = 24;
  constexpr std::size_t kBytesMax = 64;
  if (text.substr(0, kPrefix.size()) != kPrefix) return false;
  text.remove_prefix(kPrefix.size());
  const auto digits = text.substr(0, text.find_last_not_of('=') + 1);
  const auto padding = text.size() - digits.size();
  const auto bytes = text.size() / 4 * 3 - std::min<std::size_t>(padding, 2);
  return text.size() % 4 == 0 && padding <= 2 && bytes >= kBytesMin && bytes <= kBytesMax &&
         std::all_of(digits.begin(), digits.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

bool is_one_of(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find('|'), choices.size());
    if (text == choices.substr(0, end)) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

void check_text(std::string_view name, const Domain& domain, sqlite3_value* value) {
  const auto text = expect_text(name, value);
  const auto expect = [&](bool right, const std::string& what) {
    if (!right) throw invalid(std::string(name) + " is " + describe(value) + ", not " + what);
  };
  if (const auto problem = text_problem(text); !problem.empty())
    throw invalid(std::string(name) + " " + std::string(problem));
  switch (domain.kind) {
    case Kind::kName:
      if (text.empty()) throw invalid(std::string(name) + " is empty");
      break;
    case Kind::kIdentifier:
      expect(is_identifier(text),
             "an identifier: 1 to 64 lower-case letters, digits, '_', '-', '.'");
      break;
    case Kind::kChoice: {
      std::string choices(domain.choices);
      std::replace(choices.begin(), choices.end(), '|', ' ');
      expect(is_one_of(text, domain.choices), "one of: " + choices);
      break;
    }
    case Kind::kWeek:
      expect(is_week(text), "distinct ISO weekdays, such as 12345 for Monday to Friday");
      break;
    case Kind::kCurrency:
      expect(is_currency(text), "a currency code of ISO 4217, such as RUB");
      break;
    case Kind::kTimeZone:
      find_zone(std::string(text));
      break;
    case Kind::kMonth:
      expect(parse_day(std::string(text) + "-01").has_value(), "a month: YYYY-MM");
      break;
    case Kind::kPayUrl: {
      const auto unknown = unknown_placeholder(text, kPayUrlPlaceholders);
      if (unknown) {
        throw invalid(std::string(name) + " has the placeholder {" + std::string(*unknown) +
                      "}; it can have {account_id} alone");
      }
      [[fallthrough]];
    }
    case Kind::kUrl:
      // The value is not told: there may be a password in it.
      if (!is_url(text)) {
        throw invalid(std::string(name) +
                      " is not an address such as https://example.org:8443/path, of https or http, "
                      "in ASCII without spaces, user or password");
      }
      break;
    case Kind::kWebhookSecret:
      // The value is not told: it may be all but one character of somebody's secret.
      if (!is_webhook_secret(text))
        throw invalid(std::string(name) + " is not whsec_ and the base64 of 24 to 64 bytes");
      break;
    default:
      break;
  }
}

void check_value(const CheckedColumn& column, sqlite3_value* value) {
  const Domain& domain = column.domain;
  if (domain.nullable && sqlite3_value_type(value) == SQLITE_NULL) return;
  switch (domain.kind) {
    case Kind::kDay:
      expect_day(column.name, value);
      break;
    case Kind::kInstant:
      expect_instant(column.name, value);
      break;
    case Kind::kInteger:
      expect_integer(column.name, value, domain.low, domain.high);
      break;
    default:
      check_text(column.name, domain, value);
  }
}

}  // namespace

void check_row(std::string_view table, int count, sqlite3_value** values) {
  const auto found = std::find_if(tables().begin(), tables().end(),
                                  [&](const CheckedTable& each) { return each.name == table; });
  if (found == tables().end() || found->columns.size() != static_cast<std::size_t>(count)) {
    throw invalid("the columns of " + std::string(table) +
                  " that are checked are others; see audit_schema");
  }
  for (const CheckedColumn& column : found->columns) check_value(column, *values++);
}

void check_id(std::string_view name, sqlite3_value* value) { check_value({name, kId}, value); }

}  // namespace saldo
