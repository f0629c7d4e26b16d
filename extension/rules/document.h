// What documents say: the lines of a month (D2), the tax in them, and the texts of all kinds. Texts
// are in the language 'ru' or 'en'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

// A row of `tax_rate`. 2200 basis points are 22 %; nullopt: without tax.
struct TaxRate {
  Day valid_from{};
  std::optional<std::int64_t> basis_points;
};

// Tax inside of an amount >= 0 at 0 to 10,000 basis points: A * r / (10000 + r), half up.
Amount tax_included(Amount amount, std::int64_t basis_points);

// 'НДС 22 %' or 'Без НДС'; 'VAT 22%' or 'No VAT'.
std::string tax_label(std::optional<std::int64_t> basis_points, std::string_view language);

struct DocumentService {
  std::string id;
  std::string name;
  std::optional<std::string> unit;
  bool recurring = true;
  std::vector<TaxRate> rates;  // sorted by valid_from

  // nullptr: none begins on `day` or before.
  [[nodiscard]] const TaxRate* rate_on(Day day) const;
  // Likewise, but throws not_found.
  [[nodiscard]] const TaxRate& expect_rate_on(Day day) const;
};

// The quantities that one tier prices.
struct TierRange {
  std::int64_t low = 0;
  std::optional<std::int64_t> high;  // nullopt: and more
  bool employees = false;            // the quantity is the headcount

  bool operator==(const TierRange&) const = default;
};

// A posted charge.
struct ChargedDay {
  Day day{};
  const DocumentService* service = nullptr;
  std::int64_t quantity = 0;
  Amount monthly_fee = 0;
  Amount unit_fee = 0;
  Amount amount = 0;
  std::optional<TierRange> tier;  // nullopt: no tariff of now says so
};

// A fee, or the correction of a charge.
struct RevenueAdjustment {
  std::int64_t adjustment_id = 0;
  bool fee = false;
  Day day{};  // the fee's; that whose charge is corrected
  const DocumentService* service = nullptr;
  Amount amount = 0;  // what it adds to the document: the adjustment's with the other sign
  std::string reason;
};

struct DocumentLine {
  const DocumentService* service = nullptr;
  std::string name;
  std::optional<std::string> unit;
  std::int64_t quantity = 0;
  Amount amount = 0;
  std::optional<std::int64_t> basis_points;
  std::optional<Amount> tax;  // nullopt: without tax
  Day from{};
  Day to{};
};

// D2. Charges come sorted by day, adjustments by number. Lines of services come sorted by service,
// first day and tier, then fees by number; lines of 0 are left out. What corrections take from a
// line beyond its amount is taken from the service's other lines of the same tax rate: those before
// it, from the nearest on, then those after it. Throws not_found where a service of a line has no
// tax rate, conflict where together these lines are below zero, naming the last adjustment.
std::vector<DocumentLine> document_lines(const std::vector<ChargedDay>& charges,
                                         const std::vector<RevenueAdjustment>& adjustments,
                                         std::string_view language);

// '1–9, 20–30 ноября 2026', '1–9, 20–30 November 2026': sorted days of one month.
std::string format_days_of_month(const std::vector<Day>& sorted, std::string_view language);
// '10–30 ноября 2026': two days of one month and those between them.
std::string format_days_between(Day first, Day last, std::string_view language);
// '30 ноября 2026 года', '30 November 2026'.
std::string format_date(Day day, std::string_view language);

enum class DocumentKind { kInvoice, kAct, kUpd, kReconciliation };
// As `document.kind` has them: invoice, act, upd, reconciliation.
std::string_view document_kind_name(DocumentKind kind);
std::optional<DocumentKind> parse_document_kind(std::string_view name);
// 'Акт № 12 от 30 ноября 2026 года', 'Act No. 12 of 30 November 2026'.
std::string document_title(DocumentKind kind, std::int64_t number, Day issued_on,
                           std::string_view language);

// 'акт № 12 от 30.11.2026, исправление № 1', 'act No. 12 of 2026-11-30, correction No. 1'.
std::string document_name(DocumentKind kind, std::int64_t number, Day issued_on,
                          std::optional<std::int64_t> correction_number, std::string_view language);

// 'Пополнение лицевого счёта № 42', 'Top-up of account 42'.
std::string top_up_text(std::int64_t account_id, std::string_view language);
// 'НДС указывается в закрывающих документах' and its like.
std::string_view tax_unknown_text(std::string_view language);
// What a payer writes: it names the invoice and the account (M1), and the tax if it is known.
struct InvoicePurpose {
  std::int64_t number = 0;
  Day issued_on{};
  std::int64_t account_id = 0;
  bool tax_known = false;
  std::optional<std::int64_t> basis_points;
  Amount tax = 0;
};
std::string invoice_purpose(const InvoicePurpose& invoice, std::string_view currency,
                            std::string_view language);

// GOST R 56042-2014: 'ST00012|Name=…|PersonalAcc=…|…|Sum=…|Purpose=…', UTF-8, the sum in kopecks.
// Its table of requisites: a name of at most 160 characters, a bank's of 45, a purpose of 210, what
// is longer is cut; a '|' or a control character within a value becomes a blank. nullopt where a
// name is missing (empty), or the accounts are not of 20 digits and the BIC of 9.
struct PaymentRequisites {
  std::string name;
  std::string bank_account;
  std::string bank_name;
  std::string bic;
  std::string corr_account;
  std::string tax_id;
  std::string kpp;
};
std::optional<std::string> payment_qr(const PaymentRequisites& payee, Amount amount,
                                      std::string_view purpose);

// Of a reconciliation: 'Услуги за ноябрь 2026' for a whole month, 'Услуги за 10–30 ноября 2026' for
// a part of it; the two days are of one month.
std::string services_text(Day from, Day to, std::string_view language);
// Whether these days of one month are all of it.
bool is_whole_month(Day from, Day to);
// Of a payment; empty: it has none.
struct PaymentNumber {
  std::string number;
  bool is_order = false;    // a payment order's, of a bank
  std::optional<Day> date;  // of the order
};
// 'Оплата: Банковский перевод, п/п № 77 от 05.11.2026', 'Оплата: Система быстрых платежей, № 2',
// 'Оплата: Банковский перевод'.
std::string payment_text(std::string_view method, const PaymentNumber& number,
                         std::string_view language);

}  // namespace saldo
