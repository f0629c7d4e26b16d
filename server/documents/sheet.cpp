#include "documents/sheet.h"

#include <qrencode.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "documents/fields.h"
#include "rules/document.h"
#include "rules/error.h"
#include "rules/words.h"

namespace saldo::server {
namespace {

using nlohmann::json;

constexpr double kTitleSize = 13;
constexpr double kNoteSize = 7;
constexpr double kUpdSize = 7;
constexpr double kUpdNoteSize = 5.5;

Cell plain(std::string text, std::size_t columns = 1) {
  return Cell{.text = std::move(text), .columns = columns};
}

Cell bold(std::string text, std::size_t columns = 1) {
  return Cell{.text = std::move(text), .columns = columns, .bold = true};
}

// An amount or a number in a table.
Cell figure(std::string text) {
  return Cell{.text = std::move(text), .align = Align::kRight, .edges = kBox, .figure = true};
}

Cell boxed(std::string text, Align align = Align::kLeft) {
  return Cell{.text = std::move(text), .align = align, .edges = kBox};
}

Cell heading(std::string text, std::size_t columns = 1, std::size_t rows = 1) {
  return Cell{.text = std::move(text),
              .columns = columns,
              .rows = rows,
              .align = Align::kCenter,
              .edges = kBox,
              .bold = true};
}

Cell small(std::string text, Align align = Align::kCenter, std::size_t columns = 1) {
  return Cell{.text = std::move(text), .columns = columns, .align = align, .size = kNoteSize};
}

// Where somebody signs or fills something in.
Cell blank(std::size_t columns = 1) { return Cell{.columns = columns, .edges = kBottomEdge}; }

Cell underlined(std::string text, Align align = Align::kLeft) {
  return Cell{.text = std::move(text), .align = align, .edges = kBottomEdge};
}

// No line is broken within.
std::string unbroken(std::string_view text) {
  std::string joined;
  for (const char c : text) {
    if (c == ' ') {
      joined += "\u00a0";
    } else {
      joined += c;
    }
  }
  return joined;
}

class Builder {
 public:
  explicit Builder(json content)
      : content_(std::move(content)),
        issuer_(content_.at("issuer")),
        customer_(content_.at("customer")),
        language_(text_of(content_, "language") == "ru" ? "ru" : "en"),
        currency_(text_of(content_, "currency")),
        signer_(signer_of(issuer_, language_)),
        russian_(language_ == "ru"),
        total_(integer_of(content_, "total").value_or(0)),
        tax_(integer_of(content_, "tax")) {
    sheet_.language = language_;
    sheet_.title = text_of(content_, "title");
    sheet_.author = legal_name_of(issuer_);
    const bool corrected = !text_of(content_, "corrected_on").empty();
    sheet_.dated = day_of(content_, corrected ? "corrected_on" : "issued_on");
  }

  Sheet invoice() {
    add_bank();
    add_title("");
    Table parties = parties_table(say("Поставщик:", "Supplier:"), say("Покупатель:", "Customer:"));
    add_party_row(parties, say("Назначение платежа:", "Payment reference:"), text("purpose"));
    add(std::move(parties));
    const bool no_tax = !tax_;
    add_items(no_tax);
    add_sum_in_words(say("Всего к оплате: ", "Total due: ") + money(total_));
    add(invoice_signatures());
    return std::move(sheet_);
  }

  Sheet act() {
    const std::string month = month_text();
    add_title(month.empty() ? ""
                            : say("об оказании услуг за ", "of services rendered in ") + month);
    add(parties_table(say("Исполнитель:", "Supplier:"), say("Заказчик:", "Customer:")));
    add_items(!tax_);
    const auto lines = static_cast<std::int64_t>(content_.at("lines").size());
    std::string sum = say("Всего оказано услуг: ", "Services rendered: ") +
                      format_count(lines, language_) + say(", на сумму ", ", total ") +
                      money(total_);
    if (tax_) sum += say(", в том числе НДС ", ", including VAT ") + money(*tax_);
    add_sum_in_words(std::move(sum));
    // A correction to nothing says of no services that they were rendered.
    if (lines > 0) {
      Table statement = one_cell(plain(
          say("Услуги оказаны полностью и в срок. Заказчик претензий по объёму, качеству и срокам "
              "оказания услуг не имеет.",
              "The services were rendered in full and on time. The customer has no claims as to "
              "their extent, quality or time.")));
      statement.space_before = 3;
      statement.with_next = true;
      add(std::move(statement));
    }
    add(two_signatures(say("ИСПОЛНИТЕЛЬ", "SUPPLIER"), say("ЗАКАЗЧИК", "CUSTOMER")));
    return std::move(sheet_);
  }

  Sheet reconciliation() {
    const std::string from = short_day("period_from");
    const std::string to = short_day("period_to");
    add_title(say("за период с ", "for ") + from + say(" по ", " to ") + to);
    add(parties_table(say("Исполнитель:", "Supplier:"), say("Заказчик:", "Customer:")));
    add(reconciliation_table());
    add(closing_statement(to));
    add(two_signatures(say("ОТ ИСПОЛНИТЕЛЯ", "FOR THE SUPPLIER"),
                       say("ОТ ЗАКАЗЧИКА", "FOR THE CUSTOMER")));
    return std::move(sheet_);
  }

  Sheet upd() {
    sheet_.landscape = true;
    sheet_.letter_size = kUpdSize;
    add(upd_head());
    add(upd_lines());
    add(upd_invoice_signatures());
    add(upd_transfer());
    return std::move(sheet_);
  }

 private:
  [[nodiscard]] std::string say(std::string_view russian, std::string_view english) const {
    return std::string(russian_ ? russian : english);
  }

  [[nodiscard]] std::string text(const char* member) const { return text_of(content_, member); }

  [[nodiscard]] std::string amount(Amount value) const {
    return format_amount(value, currency_, language_);
  }

  // Within a sentence.
  [[nodiscard]] std::string money(Amount value) const {
    return unbroken(amount(value) + ' ' + currency_unit(currency_, language_));
  }

  [[nodiscard]] std::string short_day(const char* member) const {
    return format_short_day(day_of(content_, member), language_);
  }

  // 'Цена, руб.'
  [[nodiscard]] std::string in_currency(std::string_view russian, std::string_view english) const {
    return say(russian, english) + ", " + unbroken(currency_unit(currency_, language_));
  }

  [[nodiscard]] std::string month_text() const {
    const auto day = parse_day(text("month") + "-01");
    if (!day) return "";
    const date::year_month_day ymd{*day};
    return std::string(month_alone(static_cast<unsigned>(ymd.month()), language_)) + "\u00a0" +
           std::to_string(static_cast<int>(ymd.year())) + say("\u00a0г.", "");
  }

  // 'Исправление № 1 от 8 декабря 2026 года'; empty: it is none.
  [[nodiscard]] std::string correction_text() const {
    const auto number = integer_of(content_, "correction_number");
    if (!number) return "";
    return say("Исправление № ", "Correction No. ") + std::to_string(*number) +
           say(" от ", " of ") + format_date(day_of(content_, "corrected_on"), language_);
  }

  // ', ИНН 7700000000, КПП 770001001'
  [[nodiscard]] std::string requisites(const json& party) const {
    std::string requisites;
    if (const std::string tax_id = text_of(party, "tax_id"); !tax_id.empty())
      requisites += say(", ИНН\u00a0", ", INN\u00a0") + tax_id;
    if (const std::string kpp = text_of(party, "kpp"); !kpp.empty())
      requisites += say(", КПП\u00a0", ", KPP\u00a0") + kpp;
    return requisites;
  }

  [[nodiscard]] std::string party_text(const json& party, const char* address) const {
    std::string text = legal_name_of(party) + requisites(party);
    if (const std::string where = text_of(party, address); !where.empty()) text += ", " + where;
    return text;
  }

  void add(Table table) { sheet_.tables.push_back(std::move(table)); }

  static Table one_cell(Cell cell) {
    Table table;
    table.widths = {0};
    table.rows.push_back({.cells = {std::move(cell)}});
    return table;
  }

  void add_title(std::string subtitle) {
    Table title;
    title.widths = {0};
    title.space_before = 4;
    title.with_next = true;
    title.rows.push_back(
        {.cells = {{.text = sheet_.title, .size = kTitleSize, .bold = true, .title = true}}});
    if (const std::string correction = correction_text(); !correction.empty())
      title.rows.push_back({.cells = {bold(correction)}});
    if (!subtitle.empty()) title.rows.push_back({.cells = {plain(std::move(subtitle))}});
    title.rows.back().cells.back().edges = kBottomEdge;
    add(std::move(title));
  }

  static void add_party_row(Table& parties, std::string label, std::string value) {
    if (value.empty()) return;
    parties.rows.push_back({.cells = {plain(std::move(label)), bold(std::move(value))}});
  }

  [[nodiscard]] Table parties_table(std::string issuer, std::string customer) const {
    Table parties;
    parties.widths = {34, 0};
    parties.space_before = 2;
    add_party_row(parties, std::move(issuer), party_text(issuer_, "address"));
    add_party_row(parties, std::move(customer), party_text(customer_, "postal_address"));
    add_party_row(parties, say("Основание (договор):", "Contract:"), text("contract"));
    return parties;
  }

  // Where to pay, and beside it the QR code.
  void add_bank() {
    const std::string account = text_of(issuer_, "bank_account");
    if (account.empty()) return;
    const std::string qr = text("qr");
    const bool coded = !qr.empty() && !qr_modules(qr).empty();
    constexpr unsigned kSides = kLeftEdge | kRightEdge;
    Table bank;
    bank.together = true;
    bank.widths = {42, 0, 14, 48};
    const auto number = [](std::string value, unsigned edges) {
      return Cell{.text = std::move(value), .edges = edges, .figure = true};
    };
    const auto label = [](std::string value, unsigned edges) {
      return Cell{.text = std::move(value), .edges = edges};
    };
    bank.rows.push_back({.cells = {{.text = text_of(issuer_, "bank_name"),
                                    .columns = 2,
                                    .edges = kSides | kTopEdge},
                                   label(say("БИК", "BIC"), kSides | kTopEdge),
                                   number(text_of(issuer_, "bic"), kSides | kTopEdge)},
                         .height = 8});
    bank.rows.push_back(
        {.cells = {{.text = say("Банк получателя", "Beneficiary's bank"),
                    .columns = 2,
                    .edges = kSides | kBottomEdge,
                    .size = kNoteSize},
                   label(say("Корр.\u00a0сч.", "Corr. acc."), kSides | kBottomEdge),
                   number(text_of(issuer_, "corr_account"), kSides | kBottomEdge)}});
    Row codes;
    codes.cells.push_back(boxed(say("ИНН\u00a0", "INN\u00a0") + text_of(issuer_, "tax_id")));
    if (const std::string kpp = text_of(issuer_, "kpp"); !kpp.empty()) {
      codes.cells.push_back(boxed(say("КПП\u00a0", "KPP\u00a0") + kpp));
    } else {
      codes.cells.back().columns = 2;
    }
    codes.cells.push_back(label(say("Сч.\u00a0№", "Acc."), kSides | kTopEdge));
    codes.cells.push_back(number(account, kSides | kTopEdge));
    bank.rows.push_back(std::move(codes));
    bank.rows.push_back({.cells = {{.text = legal_name_of(issuer_), .columns = 2, .edges = kSides},
                                   label("", kSides),
                                   label("", kSides)},
                         .height = 10});
    bank.rows.push_back({.cells = {{.text = say("Получатель", "Beneficiary"),
                                    .columns = 2,
                                    .edges = kSides | kBottomEdge,
                                    .size = kNoteSize},
                                   label("", kSides | kBottomEdge),
                                   label("", kSides | kBottomEdge)}});
    if (coded) {
      bank.widths.insert(bank.widths.end(), {3, kQrSide + 2 * kPaddingAcross});
      bank.rows.front().cells.push_back({.rows = bank.rows.size()});
      bank.rows.front().cells.push_back({.rows = bank.rows.size(), .qr = qr});
    }
    add(std::move(bank));
  }

  // The tax of each rate, in the order of the lines.
  struct TaxOfRate {
    std::optional<std::int64_t> basis_points = {};
    std::string label = {};
    Amount amount = 0;
    Amount tax = 0;
  };
  [[nodiscard]] std::vector<TaxOfRate> taxes() const {
    std::vector<TaxOfRate> taxes;
    for (const json& line : content_.at("lines")) {
      const auto rate = integer_of(line, "basis_points");
      auto found = std::find_if(taxes.begin(), taxes.end(),
                                [&](const TaxOfRate& tax) { return tax.basis_points == rate; });
      if (found == taxes.end())
        found = taxes.insert(found, {.basis_points = rate, .label = text_of(line, "tax_label")});
      found->amount = saldo::add(found->amount, integer_of(line, "amount").value_or(0));
      found->tax = saldo::add(found->tax, integer_of(line, "tax").value_or(0));
    }
    return taxes;
  }

  void add_items(bool no_tax) {
    Table items;
    items.space_before = 3;
    items.head = 1;
    items.with_next = true;
    items.widths = {8, 0, 13, 12, 20};
    Row head;
    head.cells = {heading("№"), heading(say("Наименование услуг", "Services")),
                  heading(say("Кол-во", "Qty")), heading(say("Ед.", "Unit"))};
    if (no_tax) {
      items.widths.push_back(25);
      head.cells.push_back(heading(in_currency("Цена", "Price")));
      head.cells.push_back(heading(in_currency("Сумма", "Amount")));
    } else {
      items.widths.insert(items.widths.end(), {14, 19, 23});
      head.cells.push_back(heading(in_currency("Цена с\u00a0НДС", "Price with VAT")));
      head.cells.push_back(heading(say("Ставка НДС", "VAT rate")));
      head.cells.push_back(heading(in_currency("Сумма НДС", "VAT")));
      head.cells.push_back(heading(in_currency("Сумма с\u00a0НДС", "Amount with VAT")));
    }
    const std::size_t columns = items.widths.size();
    items.rows.push_back(std::move(head));
    for (const json& line : content_.at("lines")) items.rows.push_back(item(line, no_tax));
    const auto sum = [&](std::string label, std::string value) {
      Cell name{
          .text = std::move(label), .columns = columns - 1, .align = Align::kRight, .bold = true};
      Cell cell = figure(std::move(value));
      cell.bold = true;
      items.rows.push_back({.cells = {std::move(name), std::move(cell)}});
    };
    sum(say("Итого:", "Total:"), amount(total_));
    if (no_tax) {
      std::string note = text("tax_note");
      if (note.empty()) note = tax_label(std::nullopt, language_);
      items.rows.push_back({.cells = {{.text = std::move(note),
                                       .columns = columns,
                                       .align = Align::kRight,
                                       .bold = true}}});
    } else {
      for (const TaxOfRate& tax : taxes()) {
        if (tax.basis_points) {
          sum(say("В том числе ", "Including ") + tax.label + ':', amount(tax.tax));
        } else {
          sum(say("Услуги без НДС:", "Services without VAT:"), amount(tax.amount));
        }
      }
    }
    items.tail = items.rows.size() - items.head - content_.at("lines").size();
    add(std::move(items));
  }

  [[nodiscard]] Row item(const json& line, bool no_tax) const {
    const Amount its = integer_of(line, "amount").value_or(0);
    const std::int64_t quantity = integer_of(line, "quantity").value_or(0);
    const auto rate = integer_of(line, "basis_points");
    Row row;
    row.cells = {boxed(text_of(line, "line"), Align::kCenter), boxed(text_of(line, "name")),
                 figure(format_count(quantity, language_)),
                 boxed(or_dash(text_of(line, "unit")), Align::kCenter),
                 figure(group_digits(unit_price(its, quantity, currency_), language_))};
    if (!no_tax) {
      row.cells.push_back(boxed(unbroken(format_rate(rate, language_)), Align::kCenter));
      row.cells.push_back(figure(rate ? amount(integer_of(line, "tax").value_or(0)) : "—"));
    }
    row.cells.push_back(figure(amount(its)));
    return row;
  }

  void add_sum_in_words(std::string sum) {
    Table words = one_cell(plain(std::move(sum)));
    words.rows.push_back({.cells = {bold(text("total_in_words"))}});
    words.space_before = 2;
    words.together = words.with_next = true;
    add(std::move(words));
  }

  [[nodiscard]] Table invoice_signatures() const {
    Table signatures;
    signatures.widths = {33, 26, 0, 22, 26, 34};
    signatures.space_before = 8;
    signatures.together = true;
    signatures.rows.push_back({.cells = {bold(signer_.position), blank(), plain(signer_.name),
                                         bold(say("Бухгалтер", "Accountant")), blank(),
                                         plain(text_of(issuer_, "accountant"))},
                               .height = 8});
    const std::string signature = say("(подпись)", "(signature)");
    signatures.rows.push_back({.cells = {plain(""), small(signature), plain(""), plain(""),
                                         small(signature), plain("")}});
    return signatures;
  }

  // The issuer's on the left, the customer's on the right.
  [[nodiscard]] Table two_signatures(std::string issuer, std::string customer) const {
    constexpr std::size_t kHalf = 5;  // position, signature and name, and what keeps them apart
    Table signatures;
    signatures.widths = {29, 2, 22, 2, 31, 0, 29, 2, 22, 2, 31};
    signatures.space_before = 6;
    signatures.together = true;
    signatures.rows.push_back(
        {.cells = {bold(std::move(issuer), kHalf), plain(""), bold(std::move(customer), kHalf)}});
    signatures.rows.push_back({.cells = {plain(legal_name_of(issuer_), kHalf), plain(""),
                                         plain(legal_name_of(customer_), kHalf)}});
    signatures.rows.push_back(
        {.cells = {underlined(signer_.position), plain(""), blank(), plain(""),
                   underlined(signer_.name, Align::kCenter), plain(""), blank(), plain(""), blank(),
                   plain(""), underlined(text_of(customer_, "signatory"), Align::kCenter)},
         .height = 10});
    const auto note = [&](std::string_view russian, std::string_view english) {
      return small(say(russian, english));
    };
    signatures.rows.push_back(
        {.cells = {note("(должность)", "(position)"), plain(""), note("(подпись)", "(signature)"),
                   plain(""), note("(фамилия, инициалы)", "(name)"), plain(""),
                   note("(должность)", "(position)"), plain(""), note("(подпись)", "(signature)"),
                   plain(""), note("(фамилия, инициалы)", "(name)")}});
    const std::string stamp = say("М. П.", "Stamp");
    signatures.rows.push_back(
        {.cells = {small(stamp, Align::kLeft, kHalf), plain(""), small(stamp, Align::kLeft, kHalf)},
         .height = 6});
    return signatures;
  }

  // Reconciliation -----------------------------------------------------------------------------

  [[nodiscard]] Table reconciliation_table() const {
    Table table;
    table.widths = {18, 0, 20, 20, 18, 24, 20, 20};
    table.head = 2;
    table.space_before = 3;
    table.with_next = true;
    const std::string according = say("По данным ", "According to ");
    const std::string unit = ", " + unbroken(currency_unit(currency_, language_));
    table.rows.push_back({.cells = {heading(according + legal_name_of(issuer_) + unit, 4),
                                    heading(according + legal_name_of(customer_) + unit, 4)}});
    Row head;
    for (int side = 0; side < 2; ++side) {
      for (const auto& [russian, english] :
           {std::pair("Дата", "Date"), std::pair("Документ", "Document"),
            std::pair("Дебет", "Debit"), std::pair("Кредит", "Credit")})
        head.cells.push_back(heading(say(russian, english)));
    }
    table.rows.push_back(std::move(head));
    const auto add_sum = [&](const std::string& label, const std::string& debit,
                             const std::string& credit) {
      Row row;
      for (int side = 0; side < 2; ++side) {
        Cell name = heading(label, 2);
        name.align = Align::kLeft;
        row.cells.push_back(std::move(name));
        for (const std::string& value : {debit, credit}) {
          Cell cell = figure(side == 0 ? value : "");
          cell.bold = true;
          row.cells.push_back(std::move(cell));
        }
      }
      table.rows.push_back(std::move(row));
    };
    // Money of the customer's that is not used up is owed to him: the issuer's credit.
    const auto add_balance = [&](const char* member, const std::string& label) {
      const Amount balance = integer_of(content_, member).value_or(0);
      add_sum(label, balance < 0 ? amount(-balance) : "", balance < 0 ? "" : amount(balance));
    };
    add_balance("opening_balance", say("Сальдо начальное", "Opening balance"));
    for (const json& entry : content_.at("entries")) {
      const auto value = [&](const char* member) {
        const Amount its = integer_of(entry, member).value_or(0);
        return figure(its == 0 ? "" : amount(its));
      };
      table.rows.push_back(
          {.cells = {boxed(format_short_day(day_of(entry, "day"), language_), Align::kCenter),
                     boxed(text_of(entry, "text")), value("debit"), value("credit"), boxed(""),
                     boxed(""), boxed(""), boxed("")}});
    }
    add_sum(say("Обороты за период", "Turnover"), amount(integer_of(content_, "debit").value_or(0)),
            amount(integer_of(content_, "credit").value_or(0)));
    table.tail = 2;
    add_balance("closing_balance", say("Сальдо конечное", "Closing balance"));
    return table;
  }

  // Who owes whom.
  [[nodiscard]] Table closing_statement(const std::string& day) const {
    const Amount balance = integer_of(content_, "closing_balance").value_or(0);
    const std::string issuer = legal_name_of(issuer_);
    std::string said = say("По данным исполнителя (", "According to the supplier (") + issuer +
                       say(") на ", "), on ") + day;
    if (balance == 0) {
      said += say(" задолженность отсутствует.", " neither side owes anything.");
    } else {
      const Amount owed = balance < 0 ? -balance : balance;
      const std::string whose = balance < 0 ? say(" задолженность в пользу исполнителя составляет ",
                                                  " the customer owes the supplier ")
                                            : say(" задолженность в пользу заказчика составляет ",
                                                  " the supplier owes the customer ");
      said += whose + money(owed) + " (" + amount_in_words(owed, currency_, language_) + ").";
    }
    Table statement = one_cell(bold(std::move(said)));
    statement.space_before = 3;
    statement.with_next = true;
    return statement;
  }

  // UPD: the form of the tax service, by appendix 1 to the government's resolution 1137 with the
  // transfer's lines [8] to [19] beneath. -------------------------------------------------------

  [[nodiscard]] Cell upd_note(std::string_view russian, std::string_view english,
                              std::size_t columns = 1) const {
    return {.text = say(russian, english),
            .columns = columns,
            .align = Align::kCenter,
            .size = kUpdNoteSize};
  }

  [[nodiscard]] std::string tax_id_and_kpp(const json& party) const {
    const std::string tax_id = text_of(party, "tax_id");
    const std::string kpp = text_of(party, "kpp");
    if (tax_id.empty()) return "—";
    return kpp.empty() ? tax_id : tax_id + '/' + kpp;
  }

  [[nodiscard]] static std::string or_dash(std::string text) {
    return text.empty() ? "—" : std::move(text);
  }

  [[nodiscard]] Table upd_head() const {
    Table head;
    head.together = true;
    head.widths = {24, 42, 90, 8, 44, 0, 8};
    const auto number = integer_of(content_, "correction_number");
    const std::string dated = format_date(day_of(content_, "issued_on"), language_);
    const std::string corrected =
        number ? format_date(day_of(content_, "corrected_on"), language_) : "—";
    Row first;
    first.cells = {
        {.text =
             say("Универсальный передаточный документ\n\nСтатус: ",
                 "Universal transfer document\n\nStatus: ") +
             text("status") +
             say("\n\n1 – счет-фактура и передаточный документ (акт)\n2 – передаточный документ "
                 "(акт)",
                 "\n\n1 – invoice and transfer document (act)\n2 – transfer document (act)"),
         .edges = kRightEdge},
        {.text =
             say("Счет-фактура № ", "Invoice No. ") + text("number") + say(" от ", " of ") + dated,
         .columns = 2,
         .size = 10,
         .bold = true,
         .title = true},
        plain("(1)"),
        {.text = say("Приложение № 1 к постановлению Правительства Российской Федерации от "
                     "26 декабря 2011 г. № 1137",
                     "Appendix 1 to the resolution No. 1137 of the Government of the Russian "
                     "Federation of 26 December 2011"),
         .columns = 3,
         .rows = 2,
         .align = Align::kRight,
         .size = kUpdNoteSize}};
    head.rows.push_back(std::move(first));
    head.rows.push_back({.cells = {{.text = say("Исправление № ", "Correction No. ") +
                                            (number ? std::to_string(*number) : "—") +
                                            say(" от ", " of ") + corrected,
                                    .columns = 2,
                                    .size = 10},
                                   plain("(1а)")}});
    const auto add_fields = [&](std::string left, std::string left_value, std::string left_code,
                                std::string right = "", std::string right_value = "",
                                std::string right_code = "") {
      Row row;
      row.cells = {plain(std::move(left)), underlined(std::move(left_value)),
                   plain(std::move(left_code))};
      if (!right_code.empty()) {
        row.cells.push_back(plain(std::move(right)));
        row.cells.push_back(underlined(std::move(right_value)));
        row.cells.push_back(plain(std::move(right_code)));
      }
      head.rows.push_back(std::move(row));
    };
    const CurrencyName* const currency = find_currency_name(currency_);
    add_fields(say("Продавец:", "Seller:"), legal_name_of(issuer_), "(2)",
               say("Покупатель:", "Buyer:"), legal_name_of(customer_), "(6)");
    add_fields(say("Адрес:", "Address:"), or_dash(text_of(issuer_, "address")), "(2а)",
               say("Адрес:", "Address:"), or_dash(text_of(customer_, "postal_address")), "(6а)");
    add_fields(say("ИНН/КПП продавца:", "Seller's INN/KPP:"), tax_id_and_kpp(issuer_), "(2б)",
               say("ИНН/КПП покупателя:", "Buyer's INN/KPP:"), tax_id_and_kpp(customer_), "(6б)");
    add_fields(say("Грузоотправитель и его адрес:", "Consignor and address:"), "—", "(3)",
               say("Валюта: наименование, код:", "Currency, code:"),
               currency == nullptr || !russian_
                   ? currency_ + (currency == nullptr ? "" : ", " + std::string(currency->number))
                   : std::string(currency->name) + ", " + std::string(currency->number),
               "(7)");
    add_fields(say("Грузополучатель и его адрес:", "Consignee and address:"), "—", "(4)",
               say("Идентификатор государственного контракта, договора (соглашения) (при наличии):",
                   "Identifier of the state contract, if any:"),
               "—", "(8)");
    // Beside the next lines, which have nothing on the right.
    constexpr std::size_t kContractRows = 3;
    auto& contract = head.rows.back().cells;
    for (auto cell = contract.begin() + 3; cell != contract.end(); ++cell)
      cell->rows = kContractRows;
    add_fields(say("К платежно-расчетному документу:", "Payment document:"), "—", "(5)");
    add_fields(say("Документ об отгрузке:", "Shipping document:"), shipping_document(), "(5а)");
    constexpr Day kAdvancesSince{date::year{2026} / 4 / 1};
    if (day_of(content_, "issued_on") >= kAdvancesSince) {
      add_fields(say("Счет-фактура на аванс (оплату):", "Advance invoice:"), "—", "(5б)", "", "",
                 "");
      head.rows.back().cells.push_back(plain("", 3));
    }
    head.rows.front().cells.front().rows = head.rows.size();
    return head;
  }

  // Field (5а): the document itself, and all of its lines.
  [[nodiscard]] std::string shipping_document() const {
    const std::size_t lines = content_.at("lines").size();
    std::string text = say("Универсальный передаточный документ", "Universal transfer document");
    if (lines > 0) {
      text += say(", № п/п ", ", lines ") + std::string("1");
      if (lines > 1) text += "–" + std::to_string(lines);
    }
    return text + say(", № ", ", No. ") + text_of(content_, "number") + say(" от ", " of ") +
           short_day("issued_on");
  }

  [[nodiscard]] Table upd_lines() const {
    Table table;
    table.head = 3;
    table.space_before = 2;
    table.with_next = true;
    table.widths = {24, 8, 0, 9, 8, 16, 13, 17, 20, 14, 13, 17, 20, 11, 15, 19};
    const auto head = [&](std::string_view russian, std::string_view english,
                          std::size_t columns = 1, std::size_t rows = 2) {
      Cell cell = heading(say(russian, english), columns, rows);
      cell.bold = false;
      cell.size = kUpdNoteSize;
      return cell;
    };
    table.rows.push_back(
        {.cells = {head("Код товара/ работ, услуг", "Code of goods or services"),
                   head("№ п/п", "No."),
                   head("Наименование товара (описание выполненных работ, оказанных услуг), "
                        "имущественного права",
                        "Name of goods, description of work or services"),
                   head("Код вида товара", "Kind of goods"),
                   head("Единица измерения", "Unit", 2, 1), head("Количество (объем)", "Quantity"),
                   head("Цена (тариф) за единицу измерения", "Price per unit"),
                   head("Стоимость товаров (работ, услуг), имущественных прав без налога – всего",
                        "Cost without tax, total"),
                   head("В том числе сумма акциза", "Excise"), head("Налоговая ставка", "Tax rate"),
                   head("Сумма налога, предъявляемая покупателю", "Tax"),
                   head("Стоимость товаров (работ, услуг), имущественных прав с налогом – всего",
                        "Cost with tax, total"),
                   head("Страна происхождения товара", "Country of origin", 2, 1),
                   head("Регистрационный номер декларации на товары или регистрационный номер "
                        "партии товара, подлежащего прослеживаемости",
                        "Customs declaration or consignment traced")}});
    table.rows.push_back({.cells = {head("код", "code", 1, 1),
                                    head("условное обозначение (национальное)", "sign", 1, 1),
                                    head("цифровой код", "code", 1, 1),
                                    head("краткое наименование", "name", 1, 1)}});
    Row letters;
    for (const char* letter :
         {"А", "1", "1а", "1б", "2", "2а", "3", "4", "5", "6", "7", "8", "9", "10", "10а", "11"})
      letters.cells.push_back(head(letter, letter, 1, 1));
    table.rows.push_back(std::move(letters));
    for (const json& line : content_.at("lines")) table.rows.push_back(upd_line(line));

    Cell total{.text = say("Всего к оплате (9)", "Total due (9)"),
               .columns = 7,
               .edges = kBox,
               .bold = true};
    const auto sum = [](std::string value) {
      Cell cell = figure(std::move(value));
      cell.bold = true;
      return cell;
    };
    Row totals;
    totals.cells = {Cell{.edges = kRightEdge},
                    std::move(total),
                    sum(amount(subtract(total_, tax_.value_or(0)))),
                    {.text = "Х", .columns = 2, .align = Align::kCenter, .edges = kBox},
                    sum(tax_ ? amount(*tax_) : format_rate(std::nullopt, language_)),
                    sum(amount(total_)),
                    {.columns = 3}};
    table.rows.push_back(std::move(totals));
    table.tail = 1;
    return table;
  }

  [[nodiscard]] Row upd_line(const json& line) const {
    const Amount its = integer_of(line, "amount").value_or(0);
    const auto tax = integer_of(line, "tax");
    const Amount untaxed = subtract(its, tax.value_or(0));
    const std::int64_t quantity = integer_of(line, "quantity").value_or(0);
    const std::string unit = text_of(line, "unit");
    const std::string rate = format_rate(integer_of(line, "basis_points"), language_);
    const auto dash = [] { return boxed("—", Align::kCenter); };
    // What is measured in no unit has neither quantity nor price.
    const auto measured = [&](std::string text) {
      return unit.empty() || text.empty() ? dash() : figure(std::move(text));
    };
    Row row;
    row.cells = {boxed(text_of(line, "service_id")),
                 boxed(text_of(line, "line"), Align::kCenter),
                 boxed(text_of(line, "name")),
                 dash(),
                 boxed(or_dash(std::string(unit_number(unit))), Align::kCenter),
                 boxed(or_dash(unit), Align::kCenter),
                 measured(format_count(quantity, language_)),
                 measured(group_digits(unit_price(untaxed, quantity, currency_), language_)),
                 figure(amount(untaxed)),
                 boxed(say("без акциза", "none"), Align::kCenter),
                 boxed(unbroken(rate), Align::kCenter),
                 figure(tax ? amount(*tax) : rate),
                 figure(amount(its)),
                 dash(),
                 dash(),
                 dash()};
    return row;
  }

  [[nodiscard]] Table upd_invoice_signatures() const {
    // Of an invoice alone: of a transfer document only its lower half is signed.
    const bool invoice = text("status") == "1";
    const bool person = is_person(issuer_);
    const auto name = [&](const char* member) {
      return invoice && !person ? text_of(issuer_, member) : "";
    };
    Table table;
    table.together = true;
    table.with_next = true;
    table.widths = {24, 48, 32, 3, 40, 0, 48, 32, 3, 40};
    const auto strip = [](std::string text) {
      return Cell{.text = std::move(text), .edges = kRightEdge};
    };
    table.rows.push_back(
        {.cells = {strip(""),
                   plain(say("Руководитель организации или иное уполномоченное лицо",
                             "Director or another authorised person")),
                   blank(), plain(""), underlined(name("director"), Align::kCenter), plain(""),
                   plain(say("Главный бухгалтер или иное уполномоченное лицо",
                             "Chief accountant or another authorised person")),
                   blank(), plain(""), underlined(name("accountant"), Align::kCenter)},
         .height = 6});
    table.rows.push_back({.cells = {strip(""), plain(""), upd_note("(подпись)", "(signature)"),
                                    plain(""), upd_note("(ф. и. о.)", "(name)"), plain(""),
                                    plain(""), upd_note("(подпись)", "(signature)"), plain(""),
                                    upd_note("(ф. и. о.)", "(name)")}});
    table.rows.push_back(
        {.cells = {strip(""),
                   plain(say("Индивидуальный предприниматель или иное уполномоченное лицо",
                             "Sole proprietor or another authorised person")),
                   blank(), plain(""),
                   underlined(invoice && person ? signer_.name : "", Align::kCenter), plain(""),
                   blank(4)},
         .height = 6});
    table.rows.push_back(
        {.cells = {strip(""), plain(""), upd_note("(подпись)", "(signature)"), plain(""),
                   upd_note("(ф. и. о.)", "(name)"), plain(""),
                   upd_note("(реквизиты свидетельства о государственной регистрации "
                            "индивидуального предпринимателя)",
                            "(registration of the sole proprietor)", 4)}});
    return table;
  }

  // Two halves: who handed over on the left, who takes over on the right.
  [[nodiscard]] Table upd_transfer() const {
    Table table;
    table.together = true;
    table.widths = {36, 3, 36, 3, 48, 8, 0, 36, 3, 36, 3, 44, 8};
    const auto wide = [&](std::string label, std::string value, std::string code) {
      Cell name = plain(std::move(label), 5);
      name.edges = kTopEdge;
      Cell cell{.text = std::move(value), .columns = 7, .edges = kTopEdge | kBottomEdge};
      table.rows.push_back({.cells = {std::move(name), std::move(cell),
                                      Cell{.text = std::move(code), .edges = kTopEdge}}});
    };
    wide(say("Основание передачи (сдачи) / получения (приемки)", "Basis of the transfer"),
         or_dash(contract_text()), "[8]");
    table.rows.back().height = 5;
    Cell note =
        upd_note("(договор; доверенность и др.)", "(contract, power of attorney and so on)", 7);
    table.rows.push_back({.cells = {plain("", 5), std::move(note), plain("")}});
    table.rows.push_back(
        {.cells = {plain(say("Данные о транспортировке и грузе", "Transport and cargo"), 5),
                   Cell{.text = "—", .columns = 7, .edges = kBottomEdge}, plain("[9]")}});

    const auto halves = [&](Row left, Row right) {
      Row row = std::move(left);
      row.cells.push_back({.edges = kRightEdge});
      std::move(right.cells.begin(), right.cells.end(), std::back_inserter(row.cells));
      row.height = std::max(row.height, right.height);
      table.rows.push_back(std::move(row));
    };
    const auto label = [&](std::string text, std::string code) {
      return Row{.cells = {plain(std::move(text), 5), plain(std::move(code))}};
    };
    const auto filled = [&](std::string text, std::string code) {
      return Row{.cells = {Cell{.text = std::move(text), .columns = 5, .edges = kBottomEdge},
                           plain(std::move(code))}};
    };
    const auto signature = [&](std::string position, std::string name, std::string code) {
      return Row{
          .cells = {underlined(std::move(position), Align::kCenter), plain(""), blank(), plain(""),
                    underlined(std::move(name), Align::kCenter), plain(std::move(code))},
          .height = 6};
    };
    const auto signature_notes = [&] {
      return Row{.cells = {upd_note("(должность)", "(position)"), plain(""),
                           upd_note("(подпись)", "(signature)"), plain(""),
                           upd_note("(ф. и. о.)", "(name)"), plain("")}};
    };
    const auto value = [&](std::string text, std::string content, std::string code) {
      return Row{.cells = {plain(std::move(text), 3), plain(""), underlined(std::move(content)),
                           plain(std::move(code))}};
    };
    halves(label(say("Товар (груз) передал / услуги, результаты работ, права сдал",
                     "Goods handed over / services rendered by"),
                 ""),
           label(say("Товар (груз) получил / услуги, результаты работ, права принял",
                     "Goods received / services accepted by"),
                 ""));
    halves(signature(signer_.position, signer_.name, "[10]"),
           signature("", text_of(customer_, "signatory"), "[15]"));
    halves(signature_notes(), signature_notes());
    halves(value(say("Дата отгрузки, передачи (сдачи)", "Date of transfer"),
                 format_short_day(month_last(content_), language_), "[11]"),
           value(say("Дата получения (приемки)", "Date of acceptance"), "", "[16]"));
    halves(
        label(say("Иные сведения об отгрузке, передаче", "Other information on the transfer"), ""),
        label(say("Иные сведения о получении, приемке", "Other information on the acceptance"),
              ""));
    halves(filled(services_period(), "[12]"), filled("", "[17]"));
    halves(label(say("Ответственный за правильность оформления факта хозяйственной жизни",
                     "Responsible for the correctness of this document"),
                 ""),
           label(say("Ответственный за правильность оформления факта хозяйственной жизни",
                     "Responsible for the correctness of this document"),
                 ""));
    halves(signature(signer_.position, signer_.name, "[13]"), signature("", "", "[18]"));
    halves(signature_notes(), signature_notes());
    halves(label(say("Наименование экономического субъекта – составителя документа (в т. ч. "
                     "комиссионера / агента)",
                     "Who made this document out"),
                 ""),
           label(say("Наименование экономического субъекта – составителя документа",
                     "Who made this document out"),
                 ""));
    halves(filled(legal_name_of(issuer_) + ", " + say("ИНН/КПП ", "INN/KPP ") +
                      tax_id_and_kpp(issuer_),
                  "[14]"),
           filled(legal_name_of(customer_) + ", " + say("ИНН/КПП ", "INN/KPP ") +
                      tax_id_and_kpp(customer_),
                  "[19]"));
    Row stamps;
    stamps.cells = {small(say("М. П.", "Stamp"), Align::kLeft, 6), Cell{.edges = kRightEdge},
                    small(say("М. П.", "Stamp"), Align::kLeft, 6)};
    stamps.height = 5;
    table.rows.push_back(std::move(stamps));
    return table;
  }

  // What a contract is called is left out of it, or said.
  [[nodiscard]] std::string contract_text() const {
    const std::string contract = text("contract");
    return contract.starts_with("№") ? say("Договор ", "Contract ") + contract : contract;
  }

  [[nodiscard]] std::string services_period() const {
    const std::string month = month_text();
    return month.empty() ? "" : say("Услуги оказаны за ", "Services rendered in ") + month;
  }

  json content_;
  const json& issuer_;
  const json& customer_;
  std::string language_;
  std::string currency_;
  Signer signer_;
  bool russian_ = true;
  Amount total_ = 0;
  std::optional<Amount> tax_;
  Sheet sheet_;
};

}  // namespace

std::string Sheet::page_text(std::size_t page, std::size_t pages) const {
  const bool russian = language == "ru";
  return (russian ? "Страница " : "Page ") + std::to_string(page) + (russian ? " из " : " of ") +
         std::to_string(pages);
}

nlohmann::json content_of(const nlohmann::json& document) {
  const auto& content = document.at("content");
  return content.is_string() ? json::parse(content.get_ref<const std::string&>()) : content;
}

Sheet document_sheet(const nlohmann::json& document) {
  json content = content_of(document);
  const std::string kind = text_of(content, "kind");
  Builder builder(std::move(content));
  switch (parse_document_kind(kind).value_or(DocumentKind::kInvoice)) {
    case DocumentKind::kAct:
      return builder.act();
    case DocumentKind::kUpd:
      return builder.upd();
    case DocumentKind::kReconciliation:
      return builder.reconciliation();
    case DocumentKind::kInvoice:
      break;
  }
  if (kind != document_kind_name(DocumentKind::kInvoice))
    throw invalid("'" + kind + "' is no kind of document");
  return builder.invoice();
}

Table postal_address(const nlohmann::json& document) {
  const json content = content_of(document);
  const json& customer = content.at("customer");
  constexpr double kWidth = 85;  // of the window of an envelope
  constexpr double kHeight = 32;
  Table table;
  table.widths = {0, kWidth};
  table.together = true;
  const bool russian = text_of(content, "language") == "ru";
  const std::string name = legal_name_of(customer);
  const std::string address = text_of(customer, "postal_address");
  std::string text = (russian ? "Кому: " : "To: ") + name;
  if (!address.empty()) text += (russian ? "\nКуда: " : "\n") + address;
  constexpr double kAddressSize = 11;
  table.rows.push_back(
      {.cells = {Cell{}, {.text = std::move(text), .size = kAddressSize}}, .height = kHeight});
  return table;
}

std::vector<std::vector<bool>> qr_modules(const std::string& bytes) {
  struct Free {
    void operator()(QRcode* code) const { QRcode_free(code); }
  };
  // Version 0: the smallest that holds them. A code that fits no symbol has errno ERANGE.
  const std::unique_ptr<QRcode, Free> code(
      QRcode_encodeData(static_cast<int>(bytes.size()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), 0, QR_ECLEVEL_M));
  std::vector<std::vector<bool>> modules;
  if (code == nullptr) {
    if (errno == ENOMEM) throw std::bad_alloc();
    return modules;
  }
  const auto side = static_cast<std::size_t>(code->width);
  for (std::size_t y = 0; y < side; ++y) {
    auto& row = modules.emplace_back(side);
    for (std::size_t x = 0; x < side; ++x) row[x] = (code->data[y * side + x] & 1) != 0;
  }
  return modules;
}

}  // namespace saldo::server
