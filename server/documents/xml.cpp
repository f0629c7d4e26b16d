#include "documents/xml.h"

#include <algorithm>
#include <array>
#include <optional>
#include <pugixml.hpp>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/charset.h"
#include "documents/fields.h"
#include "documents/sheet.h"
#include "hash.h"
#include "rules/error.h"
#include "rules/text.h"
#include "rules/words.h"

namespace saldo::server {
namespace {

using nlohmann::json;

constexpr std::string_view kForm = "1115131";
constexpr std::string_view kVersion = "5.03";
constexpr std::size_t kPersonDigits = 12;
constexpr std::size_t kOrganizationDigits = 10;

// НалСт of the scheme.
constexpr std::array<std::string_view, 7> kRates = {"0%", "5%", "7%", "10%", "18%", "20%", "22%"};
constexpr const char* kWithoutTax = "без НДС";
constexpr std::string_view kTransferName =
    "Документ об отгрузке товаров (выполнении работ), передаче имущественных прав (документ об "
    "оказании услуг)";
constexpr std::string_view kInvoiceName =
    "Счет-фактура и документ об отгрузке товаров (выполнении работ), передаче имущественных прав "
    "(документ об оказании услуг)";

// The same in all of the format's dates.
std::string format_date_of_file(Day day) { return date::format("%d.%m.%Y", day); }

bool is_number(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Attributes hold one line, of so many characters at most.
std::string cut(std::string text, std::size_t characters_max) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string_view rest = text;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < characters_max && !rest.empty(); ++i) {
    const std::size_t size = std::max<std::size_t>(1, utf8_character_bytes(rest));
    bytes += size;
    rest.remove_prefix(size);
  }
  return text.substr(0, bytes);
}

// '01.02.2026', '1 февраля 2026' or '«1» февраля 2026'; nullopt: it is no day, or not of 1900 to
// 2099, which the format demands.
std::optional<Day> parse_written_day(const std::string& text) {
  static const std::regex kDay(R"((?:«|")?(\d{1,2})(?:»|")?[. ]\s*(\S+?)[. ]\s*((?:19|20)\d{2}))");
  std::smatch parts;
  if (!std::regex_match(text, parts, kDay)) return std::nullopt;
  unsigned month = 1;
  constexpr unsigned kMonths = 12;
  const std::string named = parts[2];
  const auto is_named = [&](unsigned each) {
    return named == month_in_date(each, "ru") || named == std::to_string(each) ||
           named == '0' + std::to_string(each);
  };
  while (month <= kMonths && !is_named(month)) ++month;
  const date::year_month_day day{date::year{std::stoi(parts[3])}, date::month{month},
                                 date::day{static_cast<unsigned>(std::stoul(parts[1]))}};
  return day.ok() ? std::optional<Day>(day) : std::nullopt;
}

struct Contract {
  std::string name;  // may be empty
  std::string number;
  Day day{};
};

// '№ 15 от 01.02.2026', 'Договор оферты № 15 от 1 февраля 2026 г.'
std::optional<Contract> split_contract(std::string text) {
  constexpr std::string_view kNoBreak = "\u00a0";
  for (std::size_t i = 0; (i = text.find(kNoBreak, i)) != std::string::npos;)
    text.replace(i, kNoBreak.size(), " ");
  static const std::regex kContract(
      R"(\s*(.*?)\s*№\s*(\S.*?)\s+от\s+(\S.*?\d{4})\s*(?:года|г\.?)?\s*)");
  std::smatch parts;
  if (!std::regex_match(text, parts, kContract)) return std::nullopt;
  const auto day = parse_written_day(parts[3]);
  if (!day) return std::nullopt;
  return Contract{parts[1], parts[2], *day};
}

class UpdFile {
 public:
  explicit UpdFile(const json& document)
      : content_(content_of(document)),
        issuer_(content_.at("issuer")),
        customer_(content_.at("customer")),
        currency_(text_of(content_, "currency")),
        total_(integer_of(content_, "total").value_or(0)),
        tax_(integer_of(content_, "tax")),
        invoice_(integer_of(content_, "status") == 1) {
    const std::string kind = text_of(content_, "kind");
    if (kind != "upd") {
      throw conflict(
          "the tax service's format is that of an upd, and this document is of the kind " + kind);
    }
  }

  // ON_NSCHFDOPPR_, the receiver, the sender, the day, a UUID, and by the format's flags that no
  // traced, marked or like goods are in it.
  [[nodiscard]] std::string name() const {
    return "ON_NSCHFDOPPR_" + member_id(customer_, "customer") + '_' +
           member_id(issuer_, "issuer") + '_' + date::format("%Y%m%d", dated()) + '_' + uuid() +
           "_0_0_0_0_0_00";
  }

  [[nodiscard]] std::string write() {
    const auto lines = content_.at("lines").size();
    if (invoice_ && lines == 0)
      throw conflict("a document without lines has no invoice to be sent");
    pugi::xml_document file;
    auto declaration = file.append_child(pugi::node_declaration);
    set(declaration, "version", "1.0");
    set(declaration, "encoding", "windows-1251");
    auto root = file.append_child("Файл");
    set(root, "ИдФайл", name());
    set(root, "ВерсФорм", kVersion);
    set(root, "ВерсПрог", "Saldo " SALDO_VERSION);
    auto document = root.append_child("Документ");
    set(document, "КНД", kForm);
    set(document, "Функция", invoice_ ? "СЧФДОП" : "ДОП");
    set(document, "ПоФактХЖ", kTransferName);
    set(document, "НаимДокОпр", invoice_ ? kInvoiceName : kTransferName);
    set(document, "ДатаИнфПр", format_date_of_file(dated()));
    set(document, "ВремИнфПр", "00.00.00");
    set(document, "НаимЭконСубСост",
        cut(legal_name_of(issuer_) + ", ИНН/КПП " + tax_id(issuer_, "issuer") +
                (kpp(issuer_, "issuer").empty() ? "" : '/' + kpp(issuer_, "issuer")),
            1000));
    append_invoice(document);
    if (lines > 0) append_lines(document);
    append_transfer(document);
    append_signer(document);
    std::ostringstream text;
    file.save(text, "  ", pugi::format_indent, pugi::encoding_utf8);
    return to_windows_1251(text.str(), true);
  }

 private:
  static void set(pugi::xml_node node, const char* attribute, std::string_view value) {
    node.append_attribute(attribute).set_value(std::string(value).c_str());
  }

  [[nodiscard]] std::string text(const char* member) const { return text_of(content_, member); }

  [[nodiscard]] std::string plain(Amount amount) const { return format_plain(amount, currency_); }

  [[nodiscard]] bool is_correction() const { return !text("corrected_on").empty(); }

  [[nodiscard]] Day dated() const {
    return day_of(content_, is_correction() ? "corrected_on" : "issued_on");
  }

  static std::string tax_id(const json& party, const std::string& role) {
    std::string id = text_of(party, "tax_id");
    if (!is_number(id, kPersonDigits) && !is_number(id, kOrganizationDigits)) {
      throw conflict("the " + role + "'s tax_id is '" + id +
                     "'; the format needs one of 10 digits, or of 12 for a person");
    }
    return id;
  }

  static std::string kpp(const json& party, const std::string& role) {
    std::string code = text_of(party, "kpp");
    static const std::regex kPattern("[0-9]{4}[0-9A-Z]{2}[0-9]{3}");
    if (!code.empty() && (!std::regex_match(code, kPattern) || code.starts_with("00"))) {
      throw conflict("the " + role + "'s kpp is '" + code +
                     "'; the format has one of 9 characters, such as 770101001");
    }
    return code;
  }

  // Operators of exchange give members identifiers of their own; without one it is this.
  static std::string member_id(const json& party, const std::string& role) {
    return tax_id(party, role) + kpp(party, role);
  }

  // By what is in the file, so that the same document has the same name.
  [[nodiscard]] std::string uuid() const {
    std::string digits = sha256_hex(content_.dump()).substr(0, 32);
    digits[12] = '8';  // RFC 9562: made by a rule of one's own
    digits[16] = "89ab"[static_cast<std::size_t>(digits[16]) % 4];
    for (const std::size_t place : {8U, 13U, 18U, 23U}) digits.insert(place, 1, '-');
    return digits;
  }

  static PersonName person(const std::string& name, const std::string& member) {
    PersonName split = split_person_name(name);
    if (split.first.empty()) {
      throw conflict(member + " is '" + name +
                     "'; the format needs a person's last name and first name in it");
    }
    constexpr std::size_t kNameMax = 60;
    split.last = cut(split.last, kNameMax);
    split.first = cut(split.first, kNameMax);
    split.middle = cut(split.middle, kNameMax);
    return split;
  }

  static void append_person(pugi::xml_node parent, const PersonName& name) {
    auto person = parent.append_child("ФИО");
    set(person, "Фамилия", name.last);
    set(person, "Имя", name.first);
    if (!name.middle.empty()) set(person, "Отчество", name.middle);
  }

  void append_party(pugi::xml_node parent, const char* element, const json& party,
                    const std::string& role, const char* address) const {
    auto node = parent.append_child(element);
    if (const std::string name = text_of(party, "name");
        !name.empty() && name != legal_name_of(party))
      set(node, "СокрНаим", cut(name, 510));
    auto identity = node.append_child("ИдСв");
    const std::string id = tax_id(party, role);
    if (id.size() == kPersonDigits) {
      auto person_node = identity.append_child("СвИП");
      set(person_node, "ИННФЛ", id);
      append_person(person_node, person(legal_name_of(party), "the " + role + "'s legal_name"));
    } else {
      auto organization = identity.append_child("СвЮЛУч");
      set(organization, "НаимОрг", cut(legal_name_of(party), 1000));
      set(organization, "ИННЮЛ", id);
      if (const std::string code = kpp(party, role); !code.empty()) set(organization, "КПП", code);
    }
    const std::string where = text_of(party, address);
    if (!where.empty()) {
      auto place = node.append_child("Адрес").append_child("АдрИнф");
      set(place, "КодСтр", "643");
      set(place, "НаимСтран", "Россия");
      set(place, "АдрТекст", cut(where, 1000));
    } else if (invoice_) {
      throw conflict("the " + role + " has no " + address + ", which an invoice needs");
    }
  }

  void append_bank(pugi::xml_node seller) const {
    const std::string account = text_of(issuer_, "bank_account");
    const std::string bic = text_of(issuer_, "bic");
    if (account.empty() || !is_number(bic, 9)) return;
    auto requisites = seller.append_child("БанкРекв");
    set(requisites, "НомерСчета", cut(account, 34));
    auto bank = requisites.append_child("СвБанк");
    if (const std::string name = text_of(issuer_, "bank_name"); !name.empty())
      set(bank, "НаимБанк", cut(name, 1000));
    set(bank, "БИК", bic);
    if (const std::string corr = text_of(issuer_, "corr_account"); !corr.empty())
      set(bank, "КорСчет", cut(corr, 34));
  }

  void append_invoice(pugi::xml_node document) const {
    auto invoice = document.append_child("СвСчФакт");
    const std::string number = text("number");
    const std::string issued = format_date_of_file(day_of(content_, "issued_on"));
    set(invoice, "НомерДок", number);
    set(invoice, "ДатаДок", issued);
    if (is_correction()) {
      auto correction = invoice.append_child("ИспрДок");
      set(correction, "НомИспр", text("correction_number"));
      set(correction, "ДатаИспр", format_date_of_file(dated()));
    }
    append_party(invoice, "СвПрод", issuer_, "issuer", "address");
    append_bank(invoice.child("СвПрод"));
    if (invoice_) {
      auto shipped = invoice.append_child("ДокПодтвОтгрНом");
      set(shipped, "РеквНаимДок", "Универсальный передаточный документ");
      set(shipped, "РеквНомерДок", number);
      set(shipped, "РеквДатаДок", issued);
    }
    append_party(invoice, "СвПокуп", customer_, "customer", "postal_address");
    const CurrencyName* const currency = find_currency_name(currency_);
    if (currency == nullptr)
      throw conflict("the number of the currency " + currency_ + " in ОК 014-94 is not known here");
    auto unit = invoice.append_child("ДенИзм");
    set(unit, "КодОКВ", currency->number);
    set(unit, "НаимОКВ", currency->name);
  }

  static std::string rate_of(const json& line) {
    const auto basis_points = integer_of(line, "basis_points");
    if (!basis_points) return kWithoutTax;
    std::string rate = format_rate(basis_points, "en");
    if (std::find(kRates.begin(), kRates.end(), rate) == kRates.end()) {
      throw conflict("line " + text_of(line, "line") + " has the tax rate " + rate +
                     ", which the format does not know");
    }
    return rate;
  }

  void append_tax(pugi::xml_node parent, const char* element, std::optional<Amount> tax) const {
    auto sum = parent.append_child(element);
    if (tax) {
      sum.append_child("СумНал").text().set(plain(*tax).c_str());
    } else {
      sum.append_child("БезНДС").text().set(kWithoutTax);
    }
  }

  void append_lines(pugi::xml_node document) const {
    auto table = document.append_child("ТаблСчФакт");
    for (const json& line : content_.at("lines")) append_line(table, line);
    auto totals = table.append_child("ВсегоОпл");
    set(totals, "СтТовБезНДСВсего", plain(subtract(total_, tax_.value_or(0))));
    set(totals, "СтТовУчНалВсего", plain(total_));
    append_tax(totals, "СумНалВсего", tax_);
  }

  void append_line(pugi::xml_node table, const json& line) const {
    const Amount amount = integer_of(line, "amount").value_or(0);
    const auto tax = integer_of(line, "tax");
    const Amount untaxed = subtract(amount, tax.value_or(0));
    const std::int64_t quantity = integer_of(line, "quantity").value_or(0);
    auto goods = table.append_child("СведТов");
    set(goods, "НомСтр", text_of(line, "line"));
    set(goods, "НаимТов", cut(text_of(line, "name"), 2000));
    // What is measured in no unit has neither quantity nor price.
    const std::string unit = text_of(line, "unit");
    if (!unit.empty()) {
      // 0000: the classifier has no such unit.
      const std::string_view number = unit_number(unit);
      set(goods, "ОКЕИ_Тов", number.empty() ? "0000" : number);
      set(goods, "НаимЕдИзм", cut(unit, 255));
    }
    if (!unit.empty() && quantity > 0) {
      set(goods, "КолТов", std::to_string(quantity));
      if (const std::string price = unit_price(untaxed, quantity, currency_); !price.empty())
        set(goods, "ЦенаТов", price);
    }
    set(goods, "СтТовБезНДС", plain(untaxed));
    set(goods, "НалСт", rate_of(line));
    set(goods, "СтТовУчНал", plain(amount));
    auto more = goods.append_child("ДопСведТов");
    set(more, "ПрТовРаб", "3");  // services
    set(more, "КодТов", cut(text_of(line, "service_id"), 100));
    goods.append_child("Акциз").append_child("БезАкциз").text().set("без акциза");
    append_tax(goods, "СумНал", tax);
  }

  // The first and the last of the days that the lines are of; without lines those of the month.
  [[nodiscard]] std::pair<Day, Day> period() const {
    std::vector<Day> days;
    for (const json& line : content_.at("lines")) {
      days.push_back(day_of(line, "period_from"));
      days.push_back(day_of(line, "period_to"));
    }
    if (days.empty()) return {month_first(content_), month_last(content_)};
    const auto [first, last] = std::minmax_element(days.begin(), days.end());
    return {*first, *last};
  }

  void append_transfer(pugi::xml_node document) const {
    auto transfer = document.append_child("СвПродПер").append_child("СвПер");
    set(transfer, "СодОпер", "Услуги оказаны в полном объеме");
    const auto [first, last] = period();
    set(transfer, "ДатаНачПер", format_date_of_file(first));
    set(transfer, "ДатаОконПер", format_date_of_file(last));
    // A contract without number and date the format has no element for.
    const std::string contract = cut(text("contract"), 255);
    if (const auto parts = split_contract(contract)) {
      auto basis = transfer.append_child("ОснПер");
      set(basis, "РеквНаимДок", parts->name.empty() ? "Договор" : parts->name);
      set(basis, "РеквНомерДок", parts->number);
      set(basis, "РеквДатаДок", format_date_of_file(parts->day));
      return;
    }
    transfer.append_child("БезДокОснПер").text().set("1");
    if (contract.empty()) return;
    auto said = transfer.parent().append_child("ИнфПолФХЖ3").append_child("ТекстИнф");
    set(said, "Идентиф", "Договор");
    set(said, "Значен", contract);
  }

  void append_signer(pugi::xml_node document) const {
    auto signer = document.append_child("Подписант");
    const bool own = text_of(issuer_, "tax_id").size() == kPersonDigits;
    const std::string director = text_of(issuer_, "director");
    set(signer, "СпосПодтПолном", "1");  // by the data in the electronic signature
    if (own && director.empty()) {
      append_person(signer, person(legal_name_of(issuer_), "the issuer's legal_name"));
      return;
    }
    if (!own) set(signer, "Должн", "Руководитель");
    append_person(signer, person(director, "the issuer's director"));
  }

  const json content_;
  const json& issuer_;
  const json& customer_;
  const std::string currency_;
  const Amount total_;
  const std::optional<Amount> tax_;
  const bool invoice_;
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (std::string_view rest = text; !rest.empty();) {
    const char32_t character = take_utf8_character(rest);
    constexpr char32_t kNoBreak = 0xA0;
    if (character == U' ' || character == U'\n' || character == kNoBreak) {
      if (!word.empty()) words.push_back(std::exchange(word, ""));
    } else if (character != U'«' && character != U'»' && character != U'"') {
      append_utf8(word, character);
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

}  // namespace

PersonName split_person_name(const std::string& name) {
  std::vector<std::string> words = words_of(name);
  for (const std::string_view prefix :
       {"Индивидуальный предприниматель", "индивидуальный предприниматель", "ИП", "Ип", "ип"}) {
    const auto its = words_of(std::string(prefix));
    if (words.size() >= its.size() && std::equal(its.begin(), its.end(), words.begin())) {
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(its.size()));
      break;
    }
  }
  PersonName person;
  if (words.size() < 2) return person;
  person.last = words[0];
  person.first = words[1];
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (!person.middle.empty()) person.middle += ' ';
    person.middle += words[i];
  }
  // Initials that stand close: 'М.И.'
  const std::size_t dot = person.first.find('.');
  if (person.middle.empty() && dot != std::string::npos && dot + 1 < person.first.size()) {
    person.middle = person.first.substr(dot + 1);
    person.first.erase(dot + 1);
  }
  return person;
}

std::string document_xml(const nlohmann::json& document) { return UpdFile(document).write(); }

std::string document_xml_name(const nlohmann::json& document) { return UpdFile(document).name(); }

}  // namespace saldo::server
