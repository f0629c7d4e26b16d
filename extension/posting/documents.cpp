#include "posting/documents.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "facts/books.h"
#include "facts/columns.h"
#include "rules/document.h"
#include "rules/error.h"
#include "rules/words.h"
#include "sqlite/json.h"

namespace saldo {
namespace {

// The columns of `document` but for its number and content, which follow from them.
struct DocumentRow {
  DocumentKind kind = DocumentKind::kAct;
  std::int64_t number = 0;
  Day issued_on{};
  std::int64_t account_id = 0;
  std::optional<std::string> month;  // 'YYYY-MM'
  std::optional<std::int64_t> corrects;
  std::optional<std::int64_t> correction_number;
  std::optional<Day> corrected_on;
  std::optional<std::int64_t> run_id;
  Recorded recorded;

  // The day whose issuer and language it has.
  [[nodiscard]] Day made_on() const { return corrected_on.value_or(issued_on); }
};

struct Totals {
  Amount total = 0;
  std::optional<Amount> tax;
};

// A subscription, as far as prices and invoices ask.
struct PricedSubscription {
  std::string service_id;
  Day started_on{};
  std::optional<Day> ended_on;
  bool by_headcount = false;
  int price_list = Books::kNone;

  [[nodiscard]] bool covers(Day day) const {
    return started_on <= day && (!ended_on || day < *ended_on);
  }
};

void bind_optional_text(Statement& row, int index, const std::optional<std::string>& text) {
  text ? row.bind(index, std::string_view(*text)) : row.bind_null(index);
}

void bind_optional_integer(Statement& row, int index, std::optional<std::int64_t> value) {
  value ? row.bind(index, *value) : row.bind_null(index);
}

std::optional<std::string> optional_text(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::string(row.text(column));
}

Day first_day_of(std::string_view month) {
  const auto day = parse_day(std::string(month) + "-01");
  if (!day) throw invalid("'" + std::string(month) + "' is no month: YYYY-MM");
  return *day;
}

Day last_day_of(Day first_day) {
  const date::year_month_day ymd{first_day};
  return Day{ymd.year() / ymd.month() / date::last};
}

// The lines of a document, and what its columns and content have of them.
class Issue {
 public:
  explicit Issue(Context& context)
      : context_(context), own_write_(context), books_(read_books(context)) {
    read_services();
  }

  [[nodiscard]] const Books& books() const { return *books_; }

  // The next number of the kind in the year of issued_on.
  std::int64_t next_number(DocumentKind kind, Day issued_on) {
    return last_of(kind, issued_on).number + 1;
  }

  void expect_not_before_last(DocumentKind kind, Day issued_on) {
    const Last last = last_of(kind, issued_on);
    if (last.number == 0 || last.issued_on <= issued_on) return;
    throw conflict("the last " + std::string(document_kind_name(kind)) + " of the year, number " +
                   std::to_string(last.number) + ", was issued on " + format_day(last.issued_on) +
                   "; the next one can be issued on that day or later");
  }

  // Numbers rise with their days, so that a day to come would keep all others waiting. Books may be
  // ahead of the clock. Who does not say when it is recorded is not asked, as writes never read the
  // clock.
  void expect_not_to_come(std::string_view column, Day day, const Recorded& recorded) const {
    const auto instant = recorded.at ? parse_instant(*recorded.at) : std::nullopt;
    if (!instant || day <= books_->open_day || day <= books_->days.day_of(*instant)) return;
    throw conflict(std::string(column) + " is " + format_day(day) +
                   ", after the open day and after " + format_day(books_->days.day_of(*instant)) +
                   ", the day of recorded_at");
  }

  // D2; false: there is nothing to put on it. A correction is made even so.
  bool issue_month(const DocumentRow& row) {
    const Day first = first_day_of(*row.month);
    const Day last = last_day_of(first);
    adjustment_ids_ = JsonArray();
    const auto charges = read_charges(row.account_id, first, last);
    const auto adjustments = read_adjustments(row.account_id, first, last);
    const std::string language = language_on(row.made_on());
    std::vector<DocumentLine> lines;
    try {
      lines = document_lines(charges, adjustments, language);
    } catch (const Error& error) {
      throw Error(error.code(), sentence_of(error) + " (account " + std::to_string(row.account_id) +
                                    ", " + *row.month + ")");
    }
    if (lines.empty() && !row.corrects) return false;
    Totals totals;
    std::map<std::string_view, Day> rates;
    JsonArray json;
    std::int64_t number = 0;
    for (const auto& line : lines) {
      totals.total = add(totals.total, line.amount);
      if (line.tax) totals.tax = add(totals.tax.value_or(0), *line.tax);
      auto& day = rates.try_emplace(line.service->id, line.to).first->second;
      day = std::max(day, line.to);
      json.add_json(line_json(line, ++number, language));
    }
    JsonObject content = heading(row, language);
    content.add_json("lines", json.text());
    if (row.kind == DocumentKind::kUpd) {
      const bool invoices_tax = totals.tax.has_value() || corrects_tax(row);
      content.add("status", std::int64_t{invoices_tax ? 1 : 2});
    }
    add_totals(content, totals, language);
    content.add_json("adjustment_ids", adjustment_ids_.text());
    content.add_json("tax_rates", days_json(rates));
    insert(row, totals, content.text());
    return true;
  }

  void issue_invoice(const DocumentRow& row, const InvoiceOrder& order, Amount amount) {
    const std::string language = language_on(row.issued_on);
    const auto payee = requisites(row.issued_on);
    if (books_->currency == "RUB") expect_payable(payee, row.issued_on);
    // The one rate of all subscribed services.
    std::map<std::string_view, Day> rates;
    bool known = true;
    const TaxRate* rate = nullptr;
    for (const auto& subscription : read_subscriptions(row.account_id)) {
      if (!subscription.covers(row.issued_on)) continue;
      const DocumentService& service = services_.at(subscription.service_id);
      const TaxRate* const its = service.rate_on(row.issued_on);
      if (its == nullptr || (rate != nullptr && rate->basis_points != its->basis_points)) {
        known = false;
        continue;
      }
      rates[service.id] = row.issued_on;
      rate = its;
    }
    known = known && rate != nullptr;
    InvoicePurpose purpose;
    purpose.number = row.number;
    purpose.issued_on = row.issued_on;
    purpose.account_id = row.account_id;
    purpose.tax_known = known;
    Totals totals;
    totals.total = amount;
    if (known && rate->basis_points) {
      purpose.basis_points = rate->basis_points;
      totals.tax = purpose.tax = tax_included(amount, *rate->basis_points);
    }
    const std::string label =
        known ? tax_label(purpose.basis_points, language) : std::string(tax_unknown_text(language));
    JsonObject line;
    line.add("line", std::int64_t{1}).add_json("service_id", "null");
    line.add("name", std::string_view(top_up_text(row.account_id, language)));
    line.add_json("unit", "null").add("quantity", std::int64_t{1}).add("amount", amount);
    line.add("tax_label", std::string_view(label));
    line.add_optional("basis_points", purpose.basis_points).add_optional("tax", totals.tax);
    line.add_json("period_from", "null").add_json("period_to", "null");
    JsonArray lines;
    lines.add_json(line.text());

    JsonObject content = heading(row, language);
    content.add_json("lines", lines.text());
    add_totals(content, totals, language);
    content.add_optional("tax_note", known ? std::nullopt : std::optional<std::string>(label));
    content.add_optional("until",
                         order.until ? std::optional(format_day(*order.until)) : std::nullopt);
    content.add_optional("employees", order.employees);
    const std::string text = invoice_purpose(purpose, books_->currency, language);
    content.add("purpose", std::string_view(text));
    content.add_optional(
        "qr", books_->currency == "RUB" ? payment_qr(payee, amount, text) : std::nullopt);
    content.add_json("tax_rates", days_json(known ? rates : std::map<std::string_view, Day>()));
    insert(row, totals, content.text());
  }

  void issue_reconciliation(const DocumentRow& row, Day from, Day to) {
    const std::string language = language_on(row.issued_on);
    const Amount opening = balance_before(row.account_id, from);
    Amount balance = opening;
    Amount debit = 0;
    Amount credit = 0;
    JsonArray entries;
    for (const auto& entry : read_entries(row.account_id, from, to, language)) {
      balance = add(balance, entry.amount);
      auto& side = entry.amount < 0 ? debit : credit;
      const Amount magnitude = entry.amount < 0 ? subtract(0, entry.amount) : entry.amount;
      side = add(side, magnitude);
      JsonObject json;
      json.add("day", std::string_view(format_day(entry.day)));
      json.add("kind", std::string_view(entry.kind));
      json.add("text", std::string_view(entry.text));
      json.add("debit", entry.amount < 0 ? magnitude : 0);
      json.add("credit", entry.amount < 0 ? 0 : magnitude);
      json.add_optional("reference", entry.reference);
      entries.add_json(json.text());
    }
    Totals totals;
    totals.total = balance;
    JsonObject content = heading(row, language);
    content.add("period_from", std::string_view(format_day(from)));
    content.add("period_to", std::string_view(format_day(to)));
    content.add("opening_balance", opening).add_json("entries", entries.text());
    content.add("debit", debit).add("credit", credit);
    content.add("closing_balance", balance);
    add_totals(content, totals, language);
    insert(row, totals, content.text());
  }

 private:
  struct Last {
    std::int64_t number = 0;  // 0: there is none
    Day issued_on{};
  };

  struct Entry {
    Day day{};
    std::string kind;
    std::string text;
    Amount amount = 0;  // as in the balance
    std::optional<std::int64_t> reference;
  };

  static std::string sentence_of(const Error& error) {
    const std::string what = error.what();
    return what.substr(error_code_name(error.code()).size() + 2);
  }

  // With tax a UPD is an invoice of it, too, and stays one when it is corrected to nothing.
  bool corrects_tax(const DocumentRow& row) {
    if (!row.corrects) return false;
    auto before = context_.statements.prepare(
        "SELECT EXISTS (SELECT 1 FROM main.document AS d CROSS JOIN json_each(d.content) AS m"
        " WHERE coalesce(d.corrects, d.document_id) = ?1 AND m.key = 'status' AND m.value = 1"
        " AND d.account_id = ?2 AND d.month = ?3)");
    before.bind(1, *row.corrects).bind(2, row.account_id).bind(3, std::string_view(*row.month));
    before.step();
    return before.integer(0) != 0;
  }

  void read_services() {
    auto service = context_.statements.prepare(
        "SELECT service_id, name, unit, kind = 'recurring' FROM main.service");
    while (service.step()) {
      DocumentService& each = services_[std::string(service.text(0))];
      each.id = service.text(0);
      each.name = service.text(1);
      each.unit = optional_text(service, 2);
      each.recurring = service.integer(3) != 0;
    }
    auto rate = context_.statements.prepare(
        "SELECT service_id, valid_from, basis_points FROM main.tax_rate"
        " ORDER BY service_id, valid_from");
    while (rate.step()) {
      const auto found = services_.find(rate.text(0));
      if (found != services_.end())
        found->second.rates.push_back({day_in(rate, 1), rate.optional_integer(2)});
    }
  }

  const DocumentService& service_of(std::string_view id) {
    const auto found = services_.find(id);
    if (found == services_.end()) throw not_found("there is no service " + std::string(id));
    return found->second;
  }

  [[nodiscard]] std::string language_on(Day day) const {
    return std::string(books_->calendar.policy_on(day).language);
  }

  Last last_of(DocumentKind kind, Day issued_on) {
    auto row = context_.statements.prepare(
        "SELECT number, issued_on FROM main.document"
        " WHERE kind = ?1 AND substr(issued_on, 1, 4) = ?2 AND corrects IS NULL"
        " ORDER BY number DESC LIMIT 1");
    row.bind(1, document_kind_name(kind))
        .bind(2, std::string_view(format_day(issued_on)).substr(0, 4));
    if (!row.step()) return {};
    return {row.integer(0), day_in(row, 1)};
  }

  std::vector<PricedSubscription> read_subscriptions(std::int64_t account_id) {
    std::vector<PricedSubscription> subscriptions;
    auto row = context_.statements.prepare(
        "SELECT service_id, started_on, ended_on, quantity IS NULL, price_list"
        " FROM main.subscription WHERE account_id = ?1");
    for (row.bind(1, account_id); row.step();) {
      subscriptions.push_back({std::string(row.text(0)), day_in(row, 1), optional_day_in(row, 2),
                               row.integer(3) != 0, books_->find_price_list(row.text(4))});
    }
    return subscriptions;
  }

  // By the tariff of now, where it has the fees that were posted.
  std::optional<TierRange> tier_of(const ChargedDay& charge,
                                   const std::vector<PricedSubscription>& subscriptions) {
    const std::string& id = charge.service->id;
    const auto subscription = std::find_if(
        subscriptions.begin(), subscriptions.end(),
        [&](const PricedSubscription& s) { return s.service_id == id && s.covers(charge.day); });
    const bool subscribed = subscription != subscriptions.end();
    const int list = subscribed ? subscription->price_list : books_->find_price_list("standard");
    const PriceHistory* const prices = books_->find_prices(list, books_->find_service(id));
    const auto price = prices != nullptr ? prices->at(charge.day, charge.quantity) : std::nullopt;
    if (!price || price->tier.monthly_fee != charge.monthly_fee ||
        price->tier.unit_fee != charge.unit_fee)
      return std::nullopt;
    TierRange tier;
    tier.low = price->tier.min_quantity;
    if (const auto next = prices->next_tier(charge.day, charge.quantity)) tier.high = *next - 1;
    tier.employees = charge.service->recurring && subscribed && subscription->by_headcount;
    return tier;
  }

  std::vector<ChargedDay> read_charges(std::int64_t account_id, Day first, Day last) {
    const auto subscriptions = read_subscriptions(account_id);
    std::vector<ChargedDay> charges;
    auto row = context_.statements.prepare(
        "SELECT c.day, c.service_id, c.quantity, c.monthly_fee, c.unit_fee, c.amount"
        " FROM main.day_close AS d"
        " CROSS JOIN main.charge AS c ON c.day = d.day AND c.account_id = ?1"
        " WHERE d.day BETWEEN ?2 AND ?3 ORDER BY c.day, c.service_id");
    row.bind(1, account_id).bind(2, format_day(first)).bind(3, format_day(last));
    while (row.step()) {
      ChargedDay charge;
      charge.day = day_in(row, 0);
      charge.service = &service_of(row.text(1));
      charge.quantity = row.integer(2);
      charge.monthly_fee = row.integer(3);
      charge.unit_fee = row.integer(4);
      charge.amount = row.integer(5);
      charge.tier = tier_of(charge, subscriptions);
      charges.push_back(charge);
    }
    return charges;
  }

  // Their numbers go to adjustment_ids_.
  std::vector<RevenueAdjustment> read_adjustments(std::int64_t account_id, Day first, Day last) {
    std::vector<RevenueAdjustment> adjustments;
    auto row = context_.statements.prepare(
        "SELECT adjustment_id, kind = 'fee', CASE kind WHEN 'fee' THEN day ELSE for_day END,"
        " service_id, amount, reason FROM main.adjustment"
        " WHERE account_id = ?1 AND service_id IS NOT NULL"
        " AND CASE kind WHEN 'fee' THEN day WHEN 'correction' THEN for_day END"
        "     BETWEEN ?2 AND ?3"
        " ORDER BY adjustment_id");
    row.bind(1, account_id).bind(2, format_day(first)).bind(3, format_day(last));
    while (row.step()) {
      RevenueAdjustment adjustment;
      adjustment.adjustment_id = row.integer(0);
      adjustment.fee = row.integer(1) != 0;
      adjustment.day = day_in(row, 2);
      adjustment.service = &service_of(row.text(3));
      adjustment.amount = subtract(0, row.integer(4));
      adjustment.reason = row.text(5);
      adjustment_ids_.add_json(std::to_string(adjustment.adjustment_id));
      adjustments.push_back(std::move(adjustment));
    }
    return adjustments;
  }

  Amount balance_before(std::int64_t account_id, Day day) {
    auto row = context_.statements.prepare(
        "SELECT (SELECT coalesce(sum(amount), 0) FROM main.payment"
        "        WHERE account_id = ?1 AND day < ?2)"
        " + (SELECT coalesce(sum(amount), 0) FROM main.adjustment"
        "    WHERE account_id = ?1 AND day < ?2)"
        " - (SELECT coalesce(sum(c.amount), 0) FROM main.day_close AS d"
        "    CROSS JOIN main.charge AS c ON c.day = d.day AND c.account_id = ?1 WHERE d.day < ?2)");
    row.bind(1, account_id).bind(2, format_day(day)).step();
    return row.integer(0);
  }

  // ', акт № 12 от 30.11.2026': the month's document as last corrected; empty where there is none.
  std::string document_of_month(std::int64_t account_id, std::string_view month,
                                std::string_view language) {
    auto row = context_.statements.prepare(
        "SELECT kind, number, issued_on, correction_number FROM main.document"
        " WHERE account_id = ?1 AND month = ?2 ORDER BY document_id DESC LIMIT 1");
    if (!row.bind(1, account_id).bind(2, month).step()) return "";
    const auto kind = parse_document_kind(row.text(0)).value_or(DocumentKind::kAct);
    return ", " +
           document_name(kind, row.integer(1), day_in(row, 2), row.optional_integer(3), language);
  }

  // What the bank's statement says of the payer's order. The payment's own external_id is a digest
  // that says nothing to anybody.
  PaymentNumber order_of(std::int64_t receipt_id) {
    auto row = context_.statements.prepare(
        "SELECT max(iif(m.key = 'number', CAST(m.value AS TEXT), NULL)),"
        " max(iif(m.key = 'date', CAST(m.value AS TEXT), NULL))"
        " FROM main.receipt AS r CROSS JOIN json_each(saldo_json_or_null(r.raw)) AS m"
        " WHERE r.receipt_id = ?1");
    row.bind(1, receipt_id).step();
    return {std::string(row.text(0)), true, parse_day(row.text(1))};
  }

  // Sorted by day; of one day payments, then adjustments, then the services of the month that ends
  // with it.
  std::vector<Entry> read_entries(std::int64_t account_id, Day from, Day to,
                                  std::string_view language) {
    std::vector<Entry> entries;
    auto row = context_.statements.prepare(
        "SELECT day, kind, name, detail, amount, reference, receipt_id FROM ("
        " SELECT p.day, 'payment' AS kind, m.name, coalesce(p.external_id, p.payment_id) AS detail,"
        " p.amount, p.payment_id AS reference, r.receipt_id"
        " FROM main.payment AS p JOIN main.payment_method AS m USING (method)"
        " LEFT JOIN main.receipt_payment AS f ON f.payment_id = p.payment_id"
        " LEFT JOIN main.receipt AS r ON r.receipt_id = f.receipt_id AND r.source = 'bank'"
        " WHERE p.account_id = ?1 AND p.day BETWEEN ?2 AND ?3"
        " UNION ALL"
        " SELECT j.day, j.kind, k.name, j.reason, j.amount, j.adjustment_id, NULL"
        " FROM main.adjustment AS j JOIN main.adjustment_kind AS k USING (kind)"
        " WHERE j.account_id = ?1 AND j.day BETWEEN ?2 AND ?3"
        " UNION ALL"
        " SELECT max(c.day), 'charges', NULL, min(c.day), -sum(c.amount), NULL, NULL"
        " FROM main.day_close AS d CROSS JOIN main.charge AS c"
        " ON c.day = d.day AND c.account_id = ?1"
        " WHERE d.day BETWEEN ?2 AND ?3 GROUP BY substr(d.day, 1, 7))"
        " ORDER BY day, kind = 'charges', kind <> 'payment', reference");
    row.bind(1, account_id).bind(2, format_day(from)).bind(3, format_day(to));
    while (row.step()) {
      Entry entry;
      entry.day = day_in(row, 0);
      entry.kind = row.text(1);
      entry.amount = row.integer(4);
      entry.reference = row.optional_integer(5);
      if (entry.kind == "payment") {
        const PaymentNumber number =
            row.is_null(6) ? PaymentNumber{std::string(row.text(3)), false, std::nullopt}
                           : order_of(row.integer(6));
        entry.text = payment_text(row.text(2), number, language);
      } else if (entry.kind == "charges") {
        const Day first = std::max(from, first_day_of(row.text(0).substr(0, 7)));
        entry.day = std::min(to, last_day_of(first_day_of(row.text(0).substr(0, 7))));
        entry.text = services_text(first, entry.day, language);
        if (is_whole_month(first, entry.day))
          entry.text += document_of_month(account_id, row.text(0).substr(0, 7), language);
      } else {
        entry.text = row.text(2);
        if (!row.is_null(3)) entry.text += ": " + std::string(row.text(3));
      }
      if (entry.amount != 0) entries.push_back(std::move(entry));
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.day < b.day; });
    return entries;
  }

  Statement issuer_on(Day day) {
    auto row = context_.statements.prepare(
        "SELECT valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account,"
        " corr_account, director, accountant FROM main.issuer WHERE valid_from <= ?1"
        " ORDER BY valid_from DESC LIMIT 1");
    row.bind(1, format_day(day));
    if (row.step()) return row;
    throw not_found("there is no issuer on " + format_day(day) +
                    "; the table issuer says who issues the documents, from a day on");
  }

  PaymentRequisites requisites(Day day) {
    const auto row = issuer_on(day);
    PaymentRequisites payee;
    payee.name = row.text(row.is_null(2) ? 1 : 2);
    payee.tax_id = row.text(3);
    payee.kpp = row.text(4);
    payee.bank_name = row.text(6);
    payee.bic = row.text(7);
    payee.bank_account = row.text(8);
    payee.corr_account = row.text(9);
    return payee;
  }

  // What a transfer in roubles cannot do without.
  static void expect_payable(const PaymentRequisites& payee, Day day) {
    const std::pair<std::string_view, const std::string&> required[] = {
        {"bank_account", payee.bank_account}, {"bank_name", payee.bank_name}, {"bic", payee.bic}};
    std::string missing;
    for (const auto& [column, value] : required) {
      if (!value.empty()) continue;
      if (!missing.empty()) missing += ", ";
      missing += column;
    }
    if (missing.empty()) return;
    throw conflict("the issuer on " + format_day(day) + " has no " + missing +
                   ", without which an invoice cannot be paid by bank");
  }

  const std::string& issuer_json(Day day) {
    if (issuer_.empty() || issuer_day_ != day) {
      issuer_ = JsonObject().add_row(issuer_on(day)).text();
      issuer_day_ = day;
    }
    return issuer_;
  }

  // The members that all kinds begin with.
  JsonObject heading(const DocumentRow& row, const std::string& language) {
    JsonObject content;
    content.add("kind", document_kind_name(row.kind)).add("number", row.number);
    content.add("issued_on", std::string_view(format_day(row.issued_on)));
    content.add("title",
                std::string_view(document_title(row.kind, row.number, row.issued_on, language)));
    content.add_optional("month", row.month)
        .add_optional("correction_number", row.correction_number);
    content.add_optional("corrected_on", row.corrected_on
                                             ? std::optional(format_day(*row.corrected_on))
                                             : std::nullopt);
    content.add("language", std::string_view(language));
    content.add("currency", std::string_view(books_->currency));
    content.add_json("issuer", issuer_json(row.made_on()));
    auto customer = context_.statements.prepare(
        "SELECT account_id, name, legal_name, tax_id, kpp, postal_address, signatory,"
        " document_delivery FROM main.account WHERE account_id = ?1");
    if (!customer.bind(1, row.account_id).step())
      throw not_found("there is no account " + std::to_string(row.account_id));
    content.add_json("customer", JsonObject().add_row(customer).text());
    auto contract =
        context_.statements.prepare("SELECT contract FROM main.account WHERE account_id = ?1");
    contract.bind(1, row.account_id).step();
    content.add_optional("contract", optional_text(contract, 0));
    return content;
  }

  static std::string line_json(const DocumentLine& line, std::int64_t number,
                               std::string_view language) {
    JsonObject json;
    json.add("line", number).add("service_id", std::string_view(line.service->id));
    json.add("name", std::string_view(line.name)).add_optional("unit", line.unit);
    json.add("quantity", line.quantity).add("amount", line.amount);
    json.add("tax_label", std::string_view(tax_label(line.basis_points, language)));
    json.add_optional("basis_points", line.basis_points).add_optional("tax", line.tax);
    json.add("period_from", std::string_view(format_day(line.from)));
    json.add("period_to", std::string_view(format_day(line.to)));
    return json.text();
  }

  void add_totals(JsonObject& content, const Totals& totals, std::string_view language) const {
    content.add("total", totals.total).add_optional("tax", totals.tax);
    content.add("total_in_words",
                std::string_view(amount_in_words(totals.total, books_->currency, language)));
  }

  // The services whose tax rates it has, each with the last day.
  static std::string days_json(const std::map<std::string_view, Day>& days) {
    JsonObject json;
    for (const auto& [service_id, day] : days)
      json.add(service_id, std::string_view(format_day(day)));
    return json.text();
  }

  void insert(const DocumentRow& row, const Totals& totals, const std::string& content) {
    auto document = context_.statements.prepare(
        "INSERT INTO main.document(kind, number, issued_on, account_id, month, total, tax, content,"
        " corrects, correction_number, corrected_on, run_id, recorded_at, recorded_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
    document.bind(1, document_kind_name(row.kind)).bind(2, row.number);
    document.bind(3, format_day(row.issued_on)).bind(4, row.account_id);
    bind_optional_text(document, 5, row.month);
    document.bind(6, totals.total);
    bind_optional_integer(document, 7, totals.tax);
    document.bind_static(8, content);
    bind_optional_integer(document, 9, row.corrects);
    bind_optional_integer(document, 10, row.correction_number);
    bind_optional_text(
        document, 11,
        row.corrected_on ? std::optional(format_day(*row.corrected_on)) : std::nullopt);
    bind_optional_integer(document, 12, row.run_id);
    bind_optional_text(document, 13, row.recorded.at);
    bind_optional_text(document, 14, row.recorded.by);
    document.step();
  }

  Context& context_;
  const OwnWrite own_write_;
  const std::shared_ptr<const Books> books_;
  std::map<std::string, DocumentService, std::less<>> services_;
  JsonArray adjustment_ids_;  // of the month's document that is being made
  std::string issuer_;        // the JSON of issuer_day_'s
  Day issuer_day_{};
};

// Those who want a document of the month and have none, by number.
std::vector<std::int64_t> accounts_without(Context& context, const std::string& month,
                                           Day last_day) {
  std::vector<std::int64_t> accounts;
  auto row = context.statements.prepare(
      "SELECT account_id FROM ("
      "  SELECT account_id FROM main.account WHERE documents = 'always'"
      "  UNION"
      "  SELECT p.account_id FROM main.payment AS p INDEXED BY payment_bank_transfer"
      "  CROSS JOIN main.account AS a ON a.account_id = p.account_id AND a.documents = 'bank'"
      "  WHERE p.method = 'bank_transfer' GROUP BY p.account_id HAVING min(p.day) <= ?2) AS wanting"
      " WHERE NOT EXISTS (SELECT 1 FROM main.document AS d"
      "                   WHERE d.account_id = wanting.account_id AND d.month = ?1)"
      " ORDER BY account_id");
  row.bind(1, month).bind(2, format_day(last_day));
  while (row.step()) accounts.push_back(row.integer(0));
  return accounts;
}

std::int64_t last_document(Context& context) {
  auto row = context.statements.prepare("SELECT max(document_id) FROM main.document");
  row.step();
  return row.integer(0);
}

// A trigger of the connection's own may drop rows, or add some while Saldo allows it.
void expect_documents_after(Context& context, std::int64_t document_id, std::int64_t count) {
  auto row =
      context.statements.prepare("SELECT count(*) FROM main.document WHERE document_id > ?1");
  row.bind(1, document_id).step();
  if (row.integer(0) != count)
    throw append_only("a trigger that is not Saldo's meddles with the documents; drop it");
}

}  // namespace

void issue_documents(Context& context, std::int64_t run_id) {
  DocumentRow document;
  auto run = context.statements.prepare(
      "SELECT month, issued_on, recorded_at, recorded_by FROM main.document_run"
      " WHERE run_id = ?1 AND documents IS NULL");
  if (!run.bind(1, run_id).step())
    throw append_only("documents are issued by INSERT INTO document_run(month, issued_on)");
  document.month = std::string(run.text(0));
  document.issued_on = day_in(run, 1);
  document.recorded = {optional_text(run, 2), optional_text(run, 3)};
  document.run_id = run_id;
  run.reset();

  Issue issue(context);
  const Day last_day = last_day_of(first_day_of(*document.month));
  if (last_day >= issue.books().open_day) {
    throw Error(ErrorCode::kDayNotEnded,
                *document.month + " ends on " + format_day(last_day) +
                    ", which is not closed; its documents can be issued once it is");
  }
  if (document.issued_on < last_day) {
    throw conflict("issued_on is " + format_day(document.issued_on) +
                   ", before the month's last day, " + format_day(last_day));
  }
  issue.expect_not_to_come("issued_on", document.issued_on, document.recorded);
  auto policy = context.statements.prepare(
      "SELECT document_kind FROM main.policy WHERE valid_from <= ?1 ORDER BY valid_from DESC LIMIT "
      "1");
  policy.bind(1, format_day(last_day));
  // Before the opening there is nothing to issue.
  const auto kind = policy.step() ? parse_document_kind(policy.text(0)) : DocumentKind::kAct;
  policy.reset();
  if (!kind) throw invalid("the database holds a document_kind that there is not; see audit");
  document.kind = *kind;
  issue.expect_not_before_last(document.kind, document.issued_on);

  const std::int64_t last = last_document(context);
  std::int64_t made = 0;
  document.number = issue.next_number(document.kind, document.issued_on);
  for (const auto account_id : accounts_without(context, *document.month, last_day)) {
    document.account_id = account_id;
    if (!issue.issue_month(document)) continue;
    ++made;
    ++document.number;
  }
  auto over =
      context.statements.prepare("UPDATE main.document_run SET documents = ?2 WHERE run_id = ?1");
  over.bind(1, run_id).bind(2, made).step();
  expect_documents_after(context, last, made);
}

void issue_invoice(Context& context, const InvoiceOrder& order) {
  if (order.amount.has_value() == order.until.has_value())
    throw invalid("an invoice is of an amount, or of what is needed until a day: give one of both");
  if (order.employees && !order.until)
    throw invalid("employees is given without until, with which alone it counts");
  Issue issue(context);
  DocumentRow row;
  row.kind = DocumentKind::kInvoice;
  row.issued_on = order.issued_on;
  row.account_id = order.account_id;
  row.recorded = order.recorded;
  auto amount = order.amount;
  if (order.until) {
    if (!order.recorded.at) {
      throw invalid(
          "recorded_at is missing; it is the instant from which on the money is to last until that "
          "day");
    }
    auto top_up = context.statements.prepare("SELECT top_up(?1, ?2, ?3, ?4)");
    top_up.bind(1, order.account_id).bind(2, std::string_view(*order.recorded.at));
    top_up.bind(3, format_day(*order.until));
    bind_optional_integer(top_up, 4, order.employees);
    top_up.step();
    amount = top_up.optional_integer(0);
    top_up.reset();
    if (!amount || *amount == 0) {
      throw conflict(std::string(amount ? "no payment is needed" : "there is no payment") +
                     " with which account " + std::to_string(order.account_id) +
                     " can work until " + format_day(*order.until) +
                     "; an invoice can be of an amount");
    }
  }
  issue.expect_not_to_come("issued_on", row.issued_on, row.recorded);
  issue.expect_not_before_last(row.kind, row.issued_on);
  row.number = issue.next_number(row.kind, row.issued_on);
  const auto last = last_document(context);
  issue.issue_invoice(row, order, *amount);
  expect_documents_after(context, last, 1);
}

void issue_reconciliation(Context& context, const ReconciliationOrder& order) {
  Issue issue(context);
  if (order.to < order.from) {
    throw invalid("period_to is " + format_day(order.to) + ", before period_from, " +
                  format_day(order.from));
  }
  if (order.to >= issue.books().open_day) {
    throw Error(ErrorCode::kDayNotEnded,
                format_day(order.to) + " is not closed; a reconciliation is of closed days");
  }
  DocumentRow row;
  row.kind = DocumentKind::kReconciliation;
  row.issued_on = order.issued_on;
  row.account_id = order.account_id;
  row.recorded = order.recorded;
  issue.expect_not_to_come("issued_on", row.issued_on, row.recorded);
  issue.expect_not_before_last(row.kind, row.issued_on);
  row.number = issue.next_number(row.kind, row.issued_on);
  const auto last = last_document(context);
  issue.issue_reconciliation(row, order.from, order.to);
  expect_documents_after(context, last, 1);
}

void correct_document(Context& context, std::int64_t document_id, Day corrected_on,
                      const Recorded& recorded) {
  DocumentRow row;
  auto first = context.statements.prepare(
      "SELECT f.document_id, f.kind, f.number, f.issued_on, f.account_id, f.month"
      " FROM main.document AS d"
      " JOIN main.document AS f ON f.document_id = coalesce(d.corrects, d.document_id)"
      " WHERE d.document_id = ?1");
  if (!first.bind(1, document_id).step())
    throw not_found("there is no document " + std::to_string(document_id));
  const std::string kind(first.text(1));
  if (first.is_null(5)) {
    throw conflict("document " + std::to_string(document_id) + " is of the kind " + kind +
                   "; documents of a month are corrected, of other kinds another one is issued");
  }
  row.kind = parse_document_kind(kind).value_or(DocumentKind::kAct);
  row.corrects = first.integer(0);
  row.number = first.integer(2);
  row.issued_on = day_in(first, 3);
  row.account_id = first.integer(4);
  row.month = std::string(first.text(5));
  row.corrected_on = corrected_on;
  row.recorded = recorded;
  first.reset();
  auto before = context.statements.prepare(
      "SELECT max(correction_number), max(corrected_on) FROM main.document WHERE corrects = ?1");
  before.bind(1, *row.corrects).step();
  row.correction_number = before.integer(0) + 1;
  const Day latest = before.is_null(1) ? row.issued_on : day_in(before, 1);
  before.reset();
  if (corrected_on < latest) {
    throw conflict("corrected_on is " + format_day(corrected_on) +
                   ", before what it corrects, which is of " + format_day(latest));
  }
  Issue issue(context);
  issue.expect_not_to_come("corrected_on", corrected_on, recorded);
  const auto last = last_document(context);
  issue.issue_month(row);
  expect_documents_after(context, last, 1);
}

}  // namespace saldo
