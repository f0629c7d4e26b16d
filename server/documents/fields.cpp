#include "documents/fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rules/document.h"
#include "rules/error.h"
#include "rules/text.h"
#include "rules/words.h"

namespace saldo::server {
namespace {

constexpr int kDecimalsMax = 11;

// Of Russia's trade; others have no document in the tax service's format.
constexpr std::array kCurrencyNames = {
    CurrencyName{"RUB", "643", "Российский рубль"},
    CurrencyName{"USD", "840", "Доллар США"},
    CurrencyName{"EUR", "978", "Евро"},
    CurrencyName{"CNY", "156", "Юань"},
    CurrencyName{"BYN", "933", "Белорусский рубль"},
    CurrencyName{"KZT", "398", "Тенге"},
    CurrencyName{"AMD", "051", "Армянский драм"},
    CurrencyName{"KGS", "417", "Сом"},
    CurrencyName{"UZS", "860", "Узбекский сум"},
    CurrencyName{"TJS", "972", "Сомони"},
    CurrencyName{"AZN", "944", "Азербайджанский манат"},
    CurrencyName{"GEL", "981", "Лари"},
    CurrencyName{"MDL", "498", "Молдавский лей"},
    CurrencyName{"UAH", "980", "Гривна"},
    CurrencyName{"TRY", "949", "Турецкая лира"},
    CurrencyName{"AED", "784", "Дирхам ОАЭ"},
    CurrencyName{"INR", "356", "Индийская рупия"},
    CurrencyName{"GBP", "826", "Фунт стерлингов"},
    CurrencyName{"CHF", "756", "Швейцарский франк"},
    CurrencyName{"JPY", "392", "Иена"},
    CurrencyName{"VND", "704", "Донг"},
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 42> kUnits = {{
    {"дн.", "359"},    {"дн", "359"},       {"день", "359"},   {"сут", "359"},
    {"сутки", "359"},  {"day", "359"},      {"days", "359"},   {"шт", "796"},
    {"шт.", "796"},    {"штука", "796"},    {"piece", "796"},  {"pcs", "796"},
    {"мес", "362"},    {"мес.", "362"},     {"месяц", "362"},  {"month", "362"},
    {"год", "366"},    {"year", "366"},     {"нед", "360"},    {"неделя", "360"},
    {"week", "360"},   {"ч", "356"},        {"час", "356"},    {"hour", "356"},
    {"мин", "355"},    {"мин.", "355"},     {"минута", "355"}, {"minute", "355"},
    {"с", "354"},      {"секунда", "354"},  {"second", "354"}, {"чел", "792"},
    {"чел.", "792"},   {"человек", "792"},  {"person", "792"}, {"ГБ", "2553"},
    {"Гбайт", "2553"}, {"GB", "2553"},      {"МБ", "257"},     {"Мбайт", "257"},
    {"MB", "257"},     {"мегабайт", "257"},
}};

bool is_russian_text(std::string_view language) { return language == "ru"; }

// U+FFFE and U+FFFF are no characters of XML.
bool is_printable(char32_t character) {
  constexpr char32_t kDelete = 0x7F;
  constexpr char32_t kNonCharacters = 0xFFFE;
  return character >= U' ' && character != kDelete &&
         (character & kNonCharacters) != kNonCharacters;
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    const char32_t character = take_utf8_character(text);
    if (character == U'\n' || character == U'\r') {
      clean += '\n';
    } else if (is_printable(character)) {
      append_utf8(clean, character);
    } else {
      clean += ' ';
    }
  }
  return clean;
}

}  // namespace

std::string text_of(const nlohmann::json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return "";
  // SQLite gives a name such as '007' as it stands, but a number where somebody wrote one.
  return printable(found->is_string() ? found->get_ref<const std::string&>() : found->dump());
}

std::optional<std::int64_t> integer_of(const nlohmann::json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return found->get<std::int64_t>();
}

Day day_of(const nlohmann::json& object, const char* member) {
  const std::string text = text_of(object, member);
  const auto day = parse_day(text);
  if (!day) throw invalid("the document's " + std::string(member) + " is no day: '" + text + "'");
  return *day;
}

Day month_first(const nlohmann::json& content) {
  const auto first = parse_day(text_of(content, "month") + "-01");
  return first ? *first : day_of(content, "issued_on");
}

Day month_last(const nlohmann::json& content) {
  const auto first = parse_day(text_of(content, "month") + "-01");
  if (!first) return day_of(content, "issued_on");
  const date::year_month_day ymd{*first};
  return Day{ymd.year() / ymd.month() / date::last};
}

std::string legal_name_of(const nlohmann::json& party) {
  std::string name = text_of(party, "legal_name");
  return name.empty() ? text_of(party, "name") : name;
}

bool is_person(const nlohmann::json& party) {
  constexpr std::size_t kPersonDigits = 12;
  return text_of(party, "tax_id").size() == kPersonDigits;
}

Signer signer_of(const nlohmann::json& issuer, std::string_view language) {
  const bool russian = is_russian_text(language);
  std::string director = text_of(issuer, "director");
  if (!is_person(issuer)) return {russian ? "Руководитель" : "Director", std::move(director)};
  return {russian ? "Индивидуальный предприниматель" : "Sole proprietor",
          director.empty() ? legal_name_of(issuer) : std::move(director)};
}

std::string group_digits(std::string_view plain, std::string_view language) {
  const bool russian = is_russian_text(language);
  const std::size_t first = plain.starts_with('-') ? 1 : 0;
  const std::size_t point = std::min(plain.find('.'), plain.size());
  std::string text(plain);
  if (point < text.size() && russian) text[point] = ',';
  for (std::size_t i = point; i > first + 3; i -= 3) text.insert(i - 3, 1, russian ? ' ' : ',');
  return text;
}

std::string format_amount(Amount amount, std::string_view currency, std::string_view language) {
  return group_digits(format_plain(amount, currency), language);
}

std::string currency_unit(std::string_view currency, std::string_view language) {
  return currency == "RUB" && is_russian_text(language) ? "руб." : std::string(currency);
}

std::string format_short_day(Day day, std::string_view language) {
  return is_russian_text(language) ? date::format("%d.%m.%Y", day) : format_day(day);
}

std::string format_rate(std::optional<std::int64_t> basis_points, std::string_view language) {
  const bool russian = is_russian_text(language);
  if (!basis_points) return russian ? "без НДС" : "no VAT";
  // Behind the name of the tax.
  return tax_label(basis_points, language)
      .substr(std::string_view(russian ? "НДС " : "VAT ").size());
}

std::string unit_price(Amount amount, std::int64_t quantity, std::string_view currency) {
  __extension__ using Wide = __int128;
  if (quantity <= 0 || amount < 0) return "";
  Wide scale = 1;  // units of the last decimal in a minor unit
  for (int decimals = minor_digits(currency); decimals <= kDecimalsMax; ++decimals, scale *= 10) {
    const Wide price = (Wide{amount} * scale * 2 + quantity) / (Wide{quantity} * 2);
    if ((price * quantity * 2 + scale) / (scale * 2) != amount) continue;
    std::string digits;
    for (Wide rest = price; rest > 0; rest /= 10)
      digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    const auto fraction = static_cast<std::size_t>(decimals);
    if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
    if (fraction > 0) digits.insert(digits.size() - fraction, 1, '.');
    return digits;
  }
  return "";
}

const CurrencyName* find_currency_name(std::string_view code) {
  const auto* const found =
      std::find_if(kCurrencyNames.begin(), kCurrencyNames.end(),
                   [&](const CurrencyName& currency) { return currency.code == code; });
  return found == kCurrencyNames.end() ? nullptr : found;
}

std::string_view unit_number(std::string_view unit) {
  const auto* const found = std::find_if(kUnits.begin(), kUnits.end(),
                                         [&](const auto& known) { return known.first == unit; });
  return found == kUnits.end() ? std::string_view() : found->second;
}

}  // namespace saldo::server
