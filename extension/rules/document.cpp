#include "rules/document.h"

#include <algorithm>
#include <tuple>

#include "rules/error.h"
#include "rules/text.h"
#include "rules/words.h"

namespace saldo {
namespace {

constexpr std::int64_t kWholeBasisPoints = 10'000;
constexpr RussianForms kEmployees = {"сотрудник", "сотрудника", "сотрудников"};
constexpr RussianForms kDayForms = {"день", "дня", "дней"};

bool is_russian(std::string_view language) { return language == "ru"; }

date::year_month month_of(Day day) {
  const date::year_month_day ymd{day};
  return ymd.year() / ymd.month();
}

unsigned day_of_month(Day day) { return static_cast<unsigned>(date::year_month_day{day}.day()); }

std::string year_of(Day day) {
  return std::to_string(static_cast<int>(date::year_month_day{day}.year()));
}

std::string month_and_year(Day day, std::string_view language) {
  const auto month = static_cast<unsigned>(date::year_month_day{day}.month());
  return std::string(month_in_date(month, language)) + ' ' + year_of(day);
}

// '№ 77 от 05.11.2026', 'No. 77 of 2026-11-05'; without a day '№ 77'.
std::string number_and_date(std::string_view number, std::optional<Day> day,
                            std::string_view language) {
  const bool russian = is_russian(language);
  std::string text = russian ? "№ " : "No. ";
  text += number;
  if (day) text += russian ? " от " + date::format("%d.%m.%Y", *day) : " of " + format_day(*day);
  return text;
}

struct DocumentWords {
  DocumentKind kind;
  std::string_view russian;
  std::string_view english;
  std::string_view short_russian;
  std::string_view short_english;
};

const DocumentWords& words_of(DocumentKind kind) {
  static constexpr DocumentWords kWords[] = {
      {DocumentKind::kInvoice, "Счёт на оплату", "Invoice", "счёт", "invoice"},
      {DocumentKind::kAct, "Акт", "Act", "акт", "act"},
      {DocumentKind::kUpd, "Универсальный передаточный документ", "Universal transfer document",
       "УПД", "universal transfer document"},
      {DocumentKind::kReconciliation, "Акт сверки взаимных расчётов", "Reconciliation statement",
       "акт сверки", "reconciliation statement"}};
  return *std::find_if(std::begin(kWords), std::end(kWords),
                       [&](const DocumentWords& each) { return each.kind == kind; });
}

// After 'до' and 'от' the genitive follows: от 51 сотрудника, до 52 сотрудников.
std::string_view employees_in_genitive(std::int64_t count) {
  return russian_form(static_cast<std::uint64_t>(count), kEmployees) == kEmployees[0]
             ? " сотрудника"
             : " сотрудников";
}

// ', тариф 6–10 сотрудников', ', тариф до 5 сотрудников'; empty for the only tier there is.
std::string tier_text(const TierRange& tier, std::string_view language) {
  if (tier.low <= 1 && !tier.high) return "";
  const bool russian = is_russian(language);
  const std::string low = format_count(tier.low, language);
  const std::string high = tier.high ? format_count(*tier.high, language) : "";
  const bool is_from_nothing = tier.low == 0 && tier.high.value_or(0) > 0;
  if (russian) {
    std::string text = ", тариф ";
    if (!tier.high || is_from_nothing) {
      text += tier.high ? "до " + high : "от " + low;
      if (tier.employees) text += employees_in_genitive(tier.high.value_or(tier.low));
      return text;
    }
    text += tier.low == *tier.high ? high : low + "–" + high;
    if (tier.employees) {
      text += ' ';
      text += russian_form(static_cast<std::uint64_t>(*tier.high), kEmployees);
    }
    return text;
  }
  std::string text = ", tier of " + (is_from_nothing ? "up to " + high : low);
  if (!tier.high) return text + (tier.employees ? " employees or more" : " or more");
  if (!is_from_nothing && tier.low != *tier.high) text += "–" + high;
  if (tier.employees) text += *tier.high == 1 ? " employee" : " employees";
  return text;
}

std::string count_of_days(std::int64_t count, std::string_view language) {
  std::string text = std::to_string(count) + ' ';
  if (is_russian(language)) {
    text += russian_form(static_cast<std::uint64_t>(count), kDayForms);
  } else {
    text += count == 1 ? "day" : "days";
  }
  return text;
}

// The days that have one price and one tax rate.
struct Group {
  const DocumentService* service = nullptr;
  Amount monthly_fee = 0;
  Amount unit_fee = 0;
  std::optional<TierRange> tier;
  const TaxRate* rate = nullptr;  // nullptr: there is none
  std::vector<Day> days;
  std::int64_t quantity = 0;
  Amount amount = 0;
  std::optional<std::int64_t> reduced_by;  // the last adjustment that did
  std::string reason;                      // of a fee
  bool fee = false;

  // A correction of a day without a charge, or a fee.
  [[nodiscard]] bool is_alone() const { return quantity == 0; }
  [[nodiscard]] bool has(Day day) const {
    return std::binary_search(days.begin(), days.end(), day);
  }
  [[nodiscard]] bool has_rate(const TaxRate* other) const {
    if (rate == nullptr || other == nullptr) return rate == other;
    return rate->basis_points == other->basis_points;
  }
};

class Groups {
 public:
  void add(const ChargedDay& charge) {
    const TaxRate* const rate = charge.service->rate_on(charge.day);
    auto found = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) {
      return group.service == charge.service && group.monthly_fee == charge.monthly_fee &&
             group.unit_fee == charge.unit_fee && group.tier == charge.tier && group.has_rate(rate);
    });
    if (found == groups_.end()) {
      Group group;
      group.service = charge.service;
      group.monthly_fee = charge.monthly_fee;
      group.unit_fee = charge.unit_fee;
      group.tier = charge.tier;
      group.rate = rate;
      found = groups_.insert(groups_.end(), std::move(group));
    }
    found->days.push_back(charge.day);
    found->quantity = saldo::add(found->quantity, charge.service->recurring ? 1 : charge.quantity);
    found->amount = saldo::add(found->amount, charge.amount);
  }

  void add(const RevenueAdjustment& adjustment) {
    Group* group = adjustment.fee ? nullptr : find(adjustment);
    if (group == nullptr) group = &add_alone(adjustment);
    group->amount = saldo::add(group->amount, adjustment.amount);
    if (adjustment.amount < 0) group->reduced_by = adjustment.adjustment_id;
  }

  std::vector<Group> finish() {
    std::stable_sort(groups_.begin(), groups_.end(),
                     [](const Group& a, const Group& b) { return key(a) < key(b); });
    for (std::size_t at = 0; at < groups_.size(); ++at) {
      for (std::size_t before = at; before > 0; --before) take(groups_[at], groups_[before - 1]);
      for (std::size_t after = at + 1; after < groups_.size(); ++after)
        take(groups_[at], groups_[after]);
      if (groups_[at].amount < 0) refuse(groups_[at]);
    }
    std::move(fees_.begin(), fees_.end(), std::back_inserter(groups_));
    return std::move(groups_);
  }

 private:
  static std::tuple<std::string_view, Day, std::int64_t> key(const Group& group) {
    return {group.service->id, group.days.front(), group.tier ? group.tier->low : 0};
  }

  static bool are_alike(const Group& a, const Group& b) {
    return a.service == b.service && a.has_rate(b.rate);
  }

  // What corrections have taken from a line beyond its amount is taken from another one.
  static void take(Group& lacking, Group& other) {
    if (lacking.amount >= 0 || other.amount <= 0 || !are_alike(lacking, other)) return;
    const Amount moved = std::min(other.amount, subtract(0, lacking.amount));
    lacking.amount += moved;
    other.amount -= moved;
  }

  // No other line of the service and the rate is above zero then.
  [[noreturn]] void refuse(const Group& lacking) const {
    Amount sum = 0;
    std::int64_t last = 0;
    for (const Group& group : groups_) {
      if (!are_alike(group, lacking)) continue;
      sum = saldo::add(sum, group.amount);
      last = std::max(last, group.reduced_by.value_or(0));
    }
    throw conflict("adjustment " + std::to_string(last) + " takes the lines of " +
                   lacking.service->id + " with one tax rate to " + std::to_string(sum) +
                   ", and a document has no line below zero; another adjustment can mend that");
  }

  // The line of the service that has the corrected day; if none has, one with that day's tax rate:
  // the last that begins before the day, or else the first.
  Group* find(const RevenueAdjustment& correction) {
    const TaxRate* const rate = correction.service->rate_on(correction.day);
    Group* nearest = nullptr;
    for (Group& group : groups_) {
      if (group.service != correction.service) continue;
      if (group.has(correction.day)) return &group;
      if (!group.has_rate(rate)) continue;
      if (nearest == nullptr || group.days.front() <= correction.day) nearest = &group;
    }
    return nearest;
  }

  Group& add_alone(const RevenueAdjustment& adjustment) {
    Group group;
    group.service = adjustment.service;
    group.rate = adjustment.service->rate_on(adjustment.day);
    group.days = {adjustment.day};
    group.fee = adjustment.fee;
    group.reason = adjustment.reason;
    auto& groups = adjustment.fee ? fees_ : groups_;
    return groups.emplace_back(std::move(group));
  }

  std::vector<Group> groups_;
  std::vector<Group> fees_;
};

std::string line_name(const Group& group, std::string_view language) {
  const bool russian = is_russian(language);
  const std::string days = format_days_of_month(group.days, language);
  std::string name = group.service->name;
  if (group.fee) {
    if (!group.reason.empty()) return name + ": " + group.reason + ", " + days;
    return name + (russian ? ", разовое начисление, " : ", one-time fee, ") + days;
  }
  if (group.is_alone())
    return name + (russian ? ", перерасчёт за " : ", recalculation for ") + days;
  if (group.tier) name += tier_text(*group.tier, language);
  if (group.service->recurring)
    return name + ", " + days + ", " + count_of_days(group.quantity, language);
  name += ", " + format_days_between(group.days.front(), group.days.back(), language);
  name += ", " + format_count(group.quantity, language);
  if (group.service->unit) name += ' ' + *group.service->unit;
  return name;
}

DocumentLine line_of(const Group& group, std::string_view language) {
  DocumentLine line;
  line.service = group.service;
  line.name = line_name(group, language);
  line.amount = group.amount;
  line.from = group.days.front();
  line.to = group.days.back();
  if (group.is_alone()) {
    line.quantity = 1;
  } else {
    line.quantity = group.quantity;
    line.unit = group.service->unit;
    if (group.service->recurring) line.unit = is_russian(language) ? "дн." : "days";
  }
  line.basis_points = group.service->expect_rate_on(line.from).basis_points;
  if (line.basis_points) line.tax = tax_included(line.amount, *line.basis_points);
  return line;
}

}  // namespace

Amount tax_included(Amount amount, std::int64_t basis_points) {
  // With d = 10000 + r and A = qd + s, it is qr + sr/d, so that nothing overflows; half up:
  // floor((2sr + d) / 2d).
  const std::int64_t divisor = kWholeBasisPoints + basis_points;
  const Amount rest = amount % divisor;
  return amount / divisor * basis_points + (rest * basis_points * 2 + divisor) / (divisor * 2);
}

std::string tax_label(std::optional<std::int64_t> basis_points, std::string_view language) {
  const bool russian = is_russian(language);
  if (!basis_points) return russian ? "Без НДС" : "No VAT";
  constexpr std::int64_t kPerPercent = 100;
  std::string percent = std::to_string(*basis_points / kPerPercent);
  if (const auto rest = *basis_points % kPerPercent; rest != 0) {
    std::string decimals = std::to_string(kPerPercent + rest).substr(1);
    if (decimals.back() == '0') decimals.pop_back();
    percent += (russian ? ',' : '.') + decimals;
  }
  return russian ? "НДС " + percent + " %" : "VAT " + percent + '%';
}

const TaxRate* DocumentService::rate_on(Day day) const {
  const auto after =
      std::upper_bound(rates.begin(), rates.end(), day,
                       [](Day d, const TaxRate& rate) { return d < rate.valid_from; });
  return after == rates.begin() ? nullptr : &*(after - 1);
}

const TaxRate& DocumentService::expect_rate_on(Day day) const {
  const TaxRate* const rate = rate_on(day);
  if (rate != nullptr) return *rate;
  throw not_found("there is no tax rate of the service " + id + " on " + format_day(day) +
                  ", so that it cannot be put on a document; the table tax_rate gives one, null "
                  "for a service without tax");
}

std::vector<DocumentLine> document_lines(const std::vector<ChargedDay>& charges,
                                         const std::vector<RevenueAdjustment>& adjustments,
                                         std::string_view language) {
  Groups groups;
  for (const auto& charge : charges) groups.add(charge);
  for (const auto& adjustment : adjustments) groups.add(adjustment);
  std::vector<DocumentLine> lines;
  for (const Group& group : groups.finish()) {
    if (group.amount != 0) lines.push_back(line_of(group, language));
  }
  return lines;
}

std::string format_days_of_month(const std::vector<Day>& sorted, std::string_view language) {
  std::string text;
  for (auto day = sorted.begin(); day != sorted.end();) {
    const Day first = *day;
    Day last = first;
    while (++day != sorted.end() && *day == last + days{1}) last = *day;
    if (!text.empty()) text += ", ";
    text += std::to_string(day_of_month(first));
    if (last != first) text += "–" + std::to_string(day_of_month(last));
  }
  return text + ' ' + month_and_year(sorted.front(), language);
}

std::string format_days_between(Day first, Day last, std::string_view language) {
  std::string text = std::to_string(day_of_month(first));
  if (last != first) text += "–" + std::to_string(day_of_month(last));
  return text + ' ' + month_and_year(first, language);
}

std::string format_date(Day day, std::string_view language) {
  return std::to_string(day_of_month(day)) + ' ' + month_and_year(day, language) +
         (is_russian(language) ? " года" : "");
}

std::string_view document_kind_name(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kInvoice:
      return "invoice";
    case DocumentKind::kAct:
      return "act";
    case DocumentKind::kUpd:
      return "upd";
    default:
      return "reconciliation";
  }
}

std::optional<DocumentKind> parse_document_kind(std::string_view name) {
  for (const auto kind : {DocumentKind::kInvoice, DocumentKind::kAct, DocumentKind::kUpd,
                          DocumentKind::kReconciliation}) {
    if (document_kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::string document_title(DocumentKind kind, std::int64_t number, Day issued_on,
                           std::string_view language) {
  const DocumentWords& words = words_of(kind);
  const bool russian = is_russian(language);
  return std::string(russian ? words.russian : words.english) + (russian ? " № " : " No. ") +
         std::to_string(number) + (russian ? " от " : " of ") + format_date(issued_on, language);
}

std::string document_name(DocumentKind kind, std::int64_t number, Day issued_on,
                          std::optional<std::int64_t> correction_number,
                          std::string_view language) {
  const DocumentWords& words = words_of(kind);
  const bool russian = is_russian(language);
  std::string text(russian ? words.short_russian : words.short_english);
  text += ' ' + number_and_date(std::to_string(number), issued_on, language);
  if (!correction_number) return text;
  text += russian ? ", исправление " : ", correction ";
  return text + number_and_date(std::to_string(*correction_number), std::nullopt, language);
}

std::string top_up_text(std::int64_t account_id, std::string_view language) {
  return (is_russian(language) ? "Пополнение лицевого счёта № " : "Top-up of account ") +
         std::to_string(account_id);
}

std::string_view tax_unknown_text(std::string_view language) {
  return is_russian(language) ? "НДС указывается в закрывающих документах"
                              : "VAT is stated in the closing documents";
}

std::string invoice_purpose(const InvoicePurpose& invoice, std::string_view currency,
                            std::string_view language) {
  const bool russian = is_russian(language);
  std::string text = russian ? "Оплата по счёту " : "Invoice ";
  text += number_and_date(std::to_string(invoice.number), invoice.issued_on, language);
  text += russian ? ", лицевой счёт № " : ", account ";
  text += std::to_string(invoice.account_id);
  if (!invoice.tax_known) return text;
  const std::string label = tax_label(invoice.basis_points, language);
  if (!invoice.basis_points) return text + ". " + label;
  // Without the signs that banks' systems may not carry.
  const std::string unit(currency == "RUB" && russian ? "руб." : currency);
  return text + (russian ? ". В т. ч. " : ". Including ") + label + ": " +
         format_plain(invoice.tax, currency) + ' ' + unit;
}

namespace {

// Without signs that part values or lines, and cut to so many characters.
std::string qr_value(std::string_view value, std::size_t most_characters) {
  std::string text;
  for (std::size_t count = 0; count < most_characters && !value.empty(); ++count) {
    const char32_t character = take_utf8_character(value);
    const bool parts =
        character == U'|' || (character < 0x80 && is_control(static_cast<char>(character)));
    append_utf8(text, parts ? U' ' : character);
  }
  return text;
}

bool has_digits(std::string_view value, std::size_t count) {
  return value.size() == count &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::string> payment_qr(const PaymentRequisites& payee, Amount amount,
                                      std::string_view purpose) {
  if (payee.name.empty() || payee.bank_name.empty() || !has_digits(payee.bank_account, 20) ||
      !has_digits(payee.bic, 9) || !has_digits(payee.corr_account, 20)) {
    return std::nullopt;
  }
  std::string text = "ST00012|Name=" + qr_value(payee.name, 160);
  text += "|PersonalAcc=" + payee.bank_account;
  text += "|BankName=" + qr_value(payee.bank_name, 45);
  text += "|BIC=" + payee.bic + "|CorrespAcc=" + payee.corr_account;
  text += "|Sum=" + std::to_string(amount);
  text += "|Purpose=" + qr_value(purpose, 210);
  if (!payee.tax_id.empty()) text += "|PayeeINN=" + qr_value(payee.tax_id, 12);
  if (!payee.kpp.empty()) text += "|KPP=" + qr_value(payee.kpp, 9);
  return text;
}

bool is_whole_month(Day from, Day to) {
  return day_of_month(from) == 1 && month_of(to + days{1}) != month_of(to);
}

std::string services_text(Day from, Day to, std::string_view language) {
  std::string text = is_russian(language) ? "Услуги за " : "Services of ";
  if (!is_whole_month(from, to)) return text + format_days_between(from, to, language);
  const auto month = static_cast<unsigned>(date::year_month_day{from}.month());
  text += month_alone(month, language);
  return text + ' ' + year_of(from);
}

std::string payment_text(std::string_view method, const PaymentNumber& number,
                         std::string_view language) {
  const bool russian = is_russian(language);
  std::string text = russian ? "Оплата: " : "Payment: ";
  text += method;
  if (number.number.empty()) return text;
  text += ", ";
  if (number.is_order) text += russian ? "п/п " : "order ";
  text += number_and_date(number.number, number.date, language);
  return text;
}

}  // namespace saldo
