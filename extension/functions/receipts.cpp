// Money in: account_number, account_status, bank_match, and what the triggers of receipts check.
//
//   bank_match(purpose, payer_tax_id, payer_account, day)
//       the account that a bank transfer is for, as {"account_id": 15, "reason": "M1: account 15"};
//       account_id is null in doubt, and reason then says what was found. M1: what the purpose
//       names, all of it, is one account; M2: payer_tax_id is that of one account; the two must not
//       disagree. M3, where both find nothing: payer_account is one from which receipts matched
//       before came for one account. That account is not closed on the day. What comes from an
//       account of which statements came is in doubt.
//   saldo_check_parts(parts, amount)
//       refuses parts that are not a JSON array of 1 to 100 objects with integers account_id and
//       amount, which sum to the receipt's amount. Its name is not part of the interface; triggers
//       have it because SQLite's own functions of JSON are refused there under trusted_schema=OFF,
//       unlike its table json_each.
//   saldo_received_at(text, recorded_at)
//       when the payer paid, by what the sender wrote; recorded_at where that cannot be read or
//       lies after it. Its name is not part of the interface.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/purpose.h"
#include "sqlite/json.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// Digits, with zeros before them.
std::optional<std::int64_t> parse_account_number(std::string_view text) {
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
    if (number > kIdMax) return std::nullopt;
  }
  return number > 0 ? std::optional(number) : std::nullopt;
}

// The number that people type at kiosks, with blanks around it; NULL for all else.
void account_number(Context& /*context*/, sqlite3_context* result, int /*count*/,
                    sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_BLOB) return;
  if (const auto number = parse_account_number(trimmed(value_text(arguments[0]))))
    sqlite3_result_int64(result, *number);
}

// R1: trial, active, paused or closed; nullopt where there is no such account.
std::optional<std::string> status_on(Context& context, std::int64_t account_id,
                                     std::string_view day) {
  auto status = context.statements.prepare(
      "SELECT coalesce((SELECT t.status FROM main.account_terms AS t"
      " WHERE t.account_id = a.account_id AND t.valid_from <= ?2"
      " ORDER BY t.valid_from DESC LIMIT 1), 'trial')"
      " FROM main.account AS a WHERE a.account_id = ?1");
  if (!status.bind(1, account_id).bind(2, day).step()) return std::nullopt;
  return std::string(status.text(0));
}

void account_status(Context& context, sqlite3_context* result, int count,
                    sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto account_id = expect_integer("account_id", arguments[0]);
  const auto day = format_day(expect_day("day", arguments[1]));
  expect_no_attached_books(context);
  if (const auto status = status_on(context, account_id, day)) result_text(result, *status);
}

// NULL where recorded_at is not an instant, so that the audits go on.
void received_at(Context& context, sqlite3_context* result, int /*count*/,
                 sqlite3_value** arguments) {
  const auto recorded_at = parse_instant(value_text(arguments[1]));
  if (!recorded_at) return;
  const auto books = read_books(context);
  const auto received_at = sqlite3_value_type(arguments[0]) == SQLITE_TEXT
                               ? parse_received_at(value_text(arguments[0]), books->days)
                               : std::nullopt;
  result_text(result, format_instant(std::min(received_at.value_or(*recorded_at), *recorded_at)));
}

std::string listed(const std::vector<std::int64_t>& accounts) {
  std::string text = accounts.size() == 1 ? "account " : "accounts ";
  for (std::size_t i = 0; i < accounts.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(accounts[i]);
  return text;
}

std::string described(const Named& named) {
  constexpr std::string_view kKinds[] = {"account ", "contract ", "invoice "};
  std::string text(kKinds[static_cast<std::size_t>(named.kind)]);
  text += named.number;
  return named.date ? text + " of " + format_day(*named.date) : text;
}

// What the transfers that one statement asks about have in common: asked once.
struct Known {
  bool has_contracts = false;
  std::unordered_multimap<std::string, std::pair<std::int64_t, std::optional<Day>>> contracts;
  std::unordered_map<std::string, std::vector<std::int64_t>> payers;  // by payer_account
  bool has_own_accounts = false;
  std::unordered_set<std::string> own_accounts;  // of which statements came
};

// SQLite remembers it as long as the statement runs and the day is the same for all its rows.
std::shared_ptr<Known> known_of(sqlite3_context* result, int argument) {
  if (const auto* known =
          static_cast<std::shared_ptr<Known>*>(sqlite3_get_auxdata(result, argument)))
    return *known;
  auto known = std::make_shared<Known>();
  sqlite3_set_auxdata(result, argument, new std::shared_ptr<Known>(known),
                      [](void* data) { delete static_cast<std::shared_ptr<Known>*>(data); });
  return known;
}

// Finds the account that one bank transfer is for.
class BankMatch {
 public:
  BankMatch(Context& context, Known& known, std::string day)
      : context_(context), known_(known), day_(std::move(day)) {}

  void find(std::string_view purpose, std::string_view tax_id, std::string_view payer_account) {
    if (is_own(payer_account))
      doubt("payer_account " + std::string(payer_account) + " is one of ours");
    const auto named = named_in(purpose);
    for (const Named& each : named) find_named(each);
    const bool is_tax_id = tax_id.find_first_not_of('0') != std::string_view::npos;
    const auto by_tax_id =
        is_tax_id ? accounts("SELECT account_id FROM main.account WHERE tax_id = ?1", tax_id, true)
                  : std::vector<std::int64_t>();
    if (!by_tax_id.empty()) {
      const std::string found = "tax_id " + std::string(tax_id);
      const auto is_one_named = [&](std::int64_t account) {
        return std::count(by_tax_id.begin(), by_tax_id.end(), account) > 0;
      };
      if (by_tax_id.size() == 1 && (!account_ || account_ == by_tax_id.front())) {
        account_ = by_tax_id.front();
        note("M2: " + found);
      } else {
        doubt_ = doubt_ || !account_ || !is_one_named(*account_);
        note("M2: " + found + " is that of " + listed(by_tax_id));
      }
    }
    if (named.empty() && by_tax_id.empty() && !doubt_) find_payer(payer_account);
    if (doubt_) account_.reset();
  }

  [[nodiscard]] std::string json() const {
    std::string text = "{\"account_id\":";
    text += account_ ? std::to_string(*account_) : "null";
    text += ",\"reason\":";
    append_json(text, reason_.empty() ? "no rule finds an account" : reason_);
    return text + '}';
  }

 private:
  void note(const std::string& text) { reason_ += (reason_.empty() ? "" : "; ") + text; }

  void doubt(const std::string& text) {
    doubt_ = true;
    note(text);
  }

  // Whether statements came of this account: what it pays comes from nobody else.
  bool is_own(std::string_view payer_account) {
    if (payer_account.empty()) return false;
    if (!known_.has_own_accounts) {
      auto own = context_.statements.prepare(
          "SELECT DISTINCT CASE WHEN json_valid(raw) THEN raw ->> 'own_account' END"
          " FROM main.receipt WHERE source = 'bank'");
      while (own.step()) known_.own_accounts.emplace(own.text(0));
      known_.has_own_accounts = true;
    }
    return known_.own_accounts.count(std::string(payer_account)) > 0;
  }

  // In their order. `open`: but for those that are closed.
  std::vector<std::int64_t> accounts(const char* sql, std::string_view key, bool open) {
    std::vector<std::int64_t> found;
    auto row = context_.statements.prepare(sql);
    row.bind(1, key);
    while (row.step()) {
      if (!open || status_on(context_, row.integer(0), day_) != "closed")
        found.push_back(row.integer(0));
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // M1, of one of the things named.
  void find_named(const Named& named) {
    const std::string found = "M1: " + described(named);
    if (named.unclear) return doubt(found + " may be read in another way");
    std::vector<std::int64_t> candidates;
    switch (named.kind) {
      case Named::Kind::kAccount:
        if (const auto number = parse_account_number(named.number)) candidates = {*number};
        break;
      case Named::Kind::kContract:
        candidates = with_contract(named);
        break;
      case Named::Kind::kInvoice:
        candidates = with_invoice(named);
        if (candidates.size() > 1) return doubt(found + " is one of several years");
        break;
    }
    if (candidates.size() > 1) return doubt(found + " is that of " + listed(candidates));
    const auto status =
        candidates.empty() ? std::nullopt : status_on(context_, candidates.front(), day_);
    if (!status) return doubt(found + " is not there");
    const std::string account =
        named.kind == Named::Kind::kAccount ? "" : ", " + listed(candidates);
    if (status == "closed") return doubt(found + account + " is closed");
    if (account_ && account_ != candidates.front()) doubt_ = true;
    if (!account_) account_ = candidates.front();
    note(found + account);
  }

  // Of contracts with this number, those whose dates do not differ.
  std::vector<std::int64_t> with_contract(const Named& named) {
    if (!known_.has_contracts) read_contracts();
    std::vector<std::int64_t> found;
    const auto [begin, end] = known_.contracts.equal_range(named.number);
    for (auto each = begin; each != end; ++each) {
      const auto& [account_id, date] = each->second;
      if (!date || !named.date || date == named.date) found.push_back(account_id);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // Of each invoice that ever had this number, the account; the date, where there is one, leaves
  // one of them at most.
  std::vector<std::int64_t> with_invoice(const Named& named) {
    std::vector<std::int64_t> found;
    const auto number = parse_account_number(named.number);
    if (!number) return found;
    auto row = context_.statements.prepare(
        "SELECT account_id FROM main.document"
        " WHERE kind = 'invoice' AND number = ?1 AND (?2 IS NULL OR issued_on = ?2)");
    row.bind(1, *number);
    if (named.date) {
      row.bind(2, format_day(*named.date));
    } else {
      row.bind_null(2);
    }
    while (row.step()) found.push_back(row.integer(0));
    return found;
  }

  void read_contracts() {
    auto row = context_.statements.prepare(
        "SELECT account_id, contract FROM main.account WHERE contract IS NOT NULL");
    while (row.step()) {
      if (auto contract = parse_contract(row.text(1))) {
        known_.contracts.emplace(std::move(contract->number),
                                 std::pair(row.integer(0), contract->date));
      }
    }
    known_.has_contracts = true;
  }

  // M3.
  void find_payer(std::string_view payer_account) {
    if (payer_account.empty() || is_shared(payer_account)) return;
    const auto [payer, is_new] = known_.payers.try_emplace(std::string(payer_account));
    auto& found = payer->second;
    if (is_new) {
      found = accounts(
          "SELECT DISTINCT p.account_id FROM main.receipt AS r"
          " CROSS JOIN main.receipt_payment AS m ON m.receipt_id = r.receipt_id"
          " CROSS JOIN main.payment AS p ON p.payment_id = m.payment_id"
          " WHERE r.payer_account = ?1 AND r.status = 'matched'",
          payer_account, false);
    }
    if (found.empty()) return;
    const std::string from = "M3: payer_account " + std::string(payer_account);
    if (found.size() > 1) return doubt(from + " has paid for " + listed(found));
    if (status_on(context_, found.front(), day_) == "closed")
      return doubt(from + " has paid for " + listed(found) + ", which is closed");
    account_ = found.front();
    note(from);
  }

  // Accounts of banks and of those who collect money for others, by the Bank of Russia's chart of
  // accounts: 30… of banks, 40821 and 409… of collectors, 474… of settlements not yet clear. Many
  // pay from one of these.
  static bool is_shared(std::string_view account) {
    constexpr std::size_t kDigits = 20;
    if (account.size() != kDigits) return false;
    const auto begins = [&](std::string_view digits) {
      return account.substr(0, digits.size()) == digits;
    };
    return begins("30") || begins("40821") || begins("409") || begins("474");
  }

  Context& context_;
  Known& known_;
  std::string day_;
  std::optional<std::int64_t> account_;
  bool doubt_ = false;
  std::string reason_;
};

void bank_match(Context& context, sqlite3_context* result, int /*count*/,
                sqlite3_value** arguments) {
  expect_no_attached_books(context);
  constexpr int kBookedOn = 3;
  const auto known = known_of(result, kBookedOn);
  BankMatch match(context, *known, format_day(expect_day("day", arguments[kBookedOn])));
  match.find(value_text(arguments[0]), trimmed(value_text(arguments[1])),
             trimmed(value_text(arguments[2])));
  result_text(result, match.json());
}

void check_parts(Context& context, sqlite3_context* /*result*/, int /*count*/,
                 sqlite3_value** arguments) {
  constexpr std::int64_t kPartsMax = 100;
  const Amount amount = expect_integer("amount", arguments[1]);
  auto length = context.statements.prepare(
      "SELECT CASE WHEN json_valid(?1) THEN iif(json_type(?1) = 'array', json_array_length(?1), 0)"
      " ELSE 0 END");
  length.bind_value(1, arguments[0]).step();
  if (length.integer(0) < 1 || length.integer(0) > kPartsMax)
    throw invalid("parts is not a JSON array of 1 to 100 objects");
  auto part = context.statements.prepare(
      "SELECT CASE WHEN type = 'object' THEN json_type(value, '$.account_id') IS 'integer'"
      " AND json_type(value, '$.amount') IS 'integer' ELSE 0 END, CASE WHEN type = 'object'"
      " THEN value ->> 'amount' END FROM json_each(?1)");
  part.bind_value(1, arguments[0]);
  std::vector<std::pair<std::int64_t, std::string>> amounts;
  const auto name = [&] { return "parts[" + std::to_string(amounts.size()) + "]"; };
  while (part.step()) {
    if (part.integer(0) == 0)
      throw invalid(name() + " has no account_id and amount that are integers");
    // Beyond 64 bits it is of another type.
    const bool fits = part.type(1) == SQLITE_INTEGER;
    amounts.emplace_back(fits ? part.integer(1) : 0, part.text(1));
  }
  Amount total = 0;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const auto& [value, text] = amounts[i];
    if (value < 1 || value > amount) {
      throw out_of_range("parts[" + std::to_string(i) + "].amount is " + text +
                         "; that of a part is from 1 to the receipt's " + std::to_string(amount));
    }
    total += value;  // of at most a hundred receipts'
  }
  if (total != amount) {
    throw out_of_range("the parts sum to " + std::to_string(total) + "; the receipt is of " +
                       std::to_string(amount));
  }
}

}  // namespace

const std::vector<Function>& receipt_functions() {
  static const std::vector<Function> kFunctions = {
      {"account_number", 1, kPure, account_number},  {"account_status", 2, kReads, account_status},
      {"bank_match", 4, kReads, bank_match},         {"saldo_check_parts", 2, kReads, check_parts},
      {"saldo_received_at", 2, kReads, received_at},
  };
  return kFunctions;
}

}  // namespace saldo
